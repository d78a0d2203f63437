/**
 * A few lines of BIOS on a fake line, answering at once: for tests of the pipe discipline that need to script single
 * replies. The faithful rack is the simulator; this one records every byte and does what a test tells it.
 */
import type { LineHandlers } from '../../src/bmc/serial-port.ts';
import type { Line } from '../../src/bmc/types.ts';

export interface Style {
  echo: 'none' | 'bare' | 'brackets';
  eol: '\n' | '\r' | '\r\n';
  /** Ahead of every line. */
  indent: string;
  /** Behind the status line. */
  terminator: string;
}

const PLAIN: Style = { echo: 'bare', eol: '\r\n', indent: '', terminator: '\r\n' };

/** Every echo and line-ending style that bus-protocol leaves open. */
export const STYLES: Style[] = (['none', 'bare', 'brackets'] as const).flatMap((echo) =>
  (['\n', '\r', '\r\n'] as const).flatMap((eol) =>
    ['', '  '].flatMap((indent) => ['', eol].map((terminator) => ({ echo, eol, indent, terminator }))),
  ),
);

export interface MiniNode {
  power: 0 | 1 | 2;
  current: number;
  fan: number;
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

export class MiniRack {
  readonly nodes = new Map<number, MiniNode>();
  /** Everything the host wrote, latin1. */
  written = '';
  style: Style = PLAIN;
  locked = false;
  /** Bytes ahead of each reply. `once`: of the next one only. */
  noise = '';
  once = '';
  /** Turns a status reply into what comes instead; null: nothing comes. */
  tamper: (reply: string, address: number) => string | null = (reply) => reply;
  /** Ignored verbs: `\` or `/`, so many times. */
  ignore = { '\\': 0, '/': 0 };
  /** What the node's console says when it is opened; null: it does not come up. */
  greeting: string | null = '';
  consoleInput = '';
  /** Whether the node's terminal echoes what is typed. */
  echoesKeys = true;
  /** Whether a bell that the node rings closes the pipe, and takes along what it says behind it. */
  bellCloses = false;
  /** What a BIOS read after the pipe had fallen shut, until ^G: keys that were meant for a console. */
  strays = '';
  /** Called for every verb that takes effect. */
  verbs: string[] = [];
  #handlers: LineHandlers | null = null;
  #pipe: number | null = null;
  #console = false;
  #lost = false;
  #register = '';
  #echoed = '';

  constructor(addresses: readonly number[] = [0, 1, 2, 3]) {
    for (const address of addresses) this.nodes.set(address, { power: 1, current: 0x20 + address, fan: 0x70 });
  }

  readonly open = (_port: string, handlers: LineHandlers): Promise<Line> => {
    this.#handlers = handlers;
    return Promise.resolve({
      write: (bytes: Uint8Array, taken?: () => void) => {
        this.#write(bytes);
        taken?.();
      },
      close: () => {
        this.#handlers = null;
        return Promise.resolve();
      },
    });
  };

  /** The node prints this on its open console. */
  print(text: string): void {
    if (!this.#console) return;
    const bell = this.bellCloses ? text.indexOf('\x07') : -1;
    this.say(bell < 0 ? text : text.slice(0, bell + 1));
    if (bell >= 0) this.dropPipe();
  }

  /** The pipe falls shut by itself, and a console with it. */
  dropPipe(): void {
    this.#lost ||= this.#console;
    this.#pipe = null;
    this.#console = false;
  }

  say(text: string): void {
    this.#handlers?.onData(Buffer.from(text, 'latin1'));
  }

  vanish(): void {
    this.#handlers?.onLost('the device is gone');
    this.#handlers = null;
  }

  #write(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString('latin1');
    this.written += text;
    for (const char of text) this.#byte(char);
  }

  #byte(char: string): void {
    if (this.locked) return;
    if (char === '\x07') {
      this.#pipe = null;
      this.#console = false;
      this.#lost = false;
      this.#echoed = '';
      return;
    }
    if (this.#lost) this.strays += char;
    if (this.#console) {
      this.consoleInput += char;
      if (this.echoesKeys) setImmediate(() => this.#console && this.say(char === '\r' ? '\r\n' : char));
      return;
    }
    const node = this.nodes.get(this.#pipe ?? 0);
    switch (char) {
      case '[':
        this.#register = '';
        this.#echoed += this.style.echo === 'brackets' ? char : '';
        return;
      case ']':
        this.#echoed += this.style.echo === 'brackets' ? char : '';
        return;
      case '|':
        if (this.#pipe === null) this.#pipe = Number.parseInt(this.#register, 16);
        this.#echoed += char;
        return;
      case '~':
        this.#echoed = '';
        // The master's own UART is the bus: it has no console.
        if (this.greeting === null || this.#pipe === null) return;
        this.#console = true;
        if (this.greeting) setImmediate((words) => this.say(words), this.greeting);
        return;
      case '/':
      case '\\':
        this.#echoed = '';
        if (!node) return;
        if (this.ignore[char] > 0) {
          this.ignore[char]--;
          return;
        }
        node.power = char === '/' ? 1 : 0;
        this.verbs.push(`${hex(this.#pipe ?? 0)}${char}`);
        return;
      case '=':
        this.#status(node);
        return;
      default:
        this.#register += char;
        this.#echoed += char;
    }
  }

  #status(node: MiniNode | undefined): void {
    const address = this.#pipe ?? 0;
    const noise = this.noise + this.once;
    this.once = '';
    const echo = this.style.echo === 'none' ? '' : `${this.#echoed}=${this.style.eol}`;
    this.#echoed = '';
    if (!node) {
      this.say(noise + echo);
      return;
    }
    const { power, current, fan } = node;
    const line = `${hex(address)} ${this.#pipe === null ? '00' : 'ff'} ${power} ${hex(current)} ${hex(fan)}`;
    const reply = this.tamper(`${this.style.indent}${line}${this.style.terminator}`, address);
    this.say(noise + echo + (reply ?? ''));
  }
}
