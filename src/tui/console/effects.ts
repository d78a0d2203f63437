/**
 * Performs the effects of consoles: writes bytes to this interface's emulators, and sends keys, pastes and mouse
 * reports to the node. For copy mode it holds and searches the emulator, and copies text to the clipboard or a file.
 */
import { pasteFor } from '../../console/input-filter.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Address } from '../../rack/address.ts';
import type { Effect, UiEvent } from '../model/events.ts';
import type { Requests } from '../server-requests.ts';
import type { Emulators } from './emulator.ts';
import { focusForNode, keyForNode, pointerForNode } from './key-encoding.ts';

/** Most bytes of a piece: a quarter of a second at the bus's pace of 2 ms a byte. */
const PASTE_BYTES = 128;
/** Pieces under way: with two the wire does not wait for answers. */
const AHEAD = 2;
/** Line by line: a node that has printed nothing for this long has read the line. */
const QUIET_MS = 150;
/**
 * A node that prints without pause gets the next line after this. Shorter than the 3 s after which a node that does
 * not answer Enter has its BMC asked, which would drop the rest.
 */
const LINE_MS = 2000;
const CR = 0x0d;

interface PastePorts {
  send(bytes: Uint8Array): Promise<{ sent: boolean; why: string | null }>;
  /** Time of the node's last output, performance.now(). */
  lastOutputAt(): number;
  progress(sent: number): void;
  ended(sent: number, why: string | null): void;
}

/**
 * Sends a large paste piece by piece. Each piece is answered when it is on the wire, so that the progress is true
 * and a stop takes effect within half a second.
 */
class Paste {
  readonly #bytes: Uint8Array;
  readonly #byLine: boolean;
  readonly #ports: PastePorts;
  #stopped = false;
  #sent = 0;
  /** Reason why the paste cannot continue; null: it can. */
  #why: string | null = null;

  constructor(bytes: Uint8Array, byLine: boolean, ports: PastePorts) {
    this.#bytes = bytes;
    this.#byLine = byLine;
    this.#ports = ports;
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    const under: Promise<void>[] = [];
    for (const piece of pieces(this.#bytes)) {
      if (under.length >= (this.#byLine ? 1 : AHEAD)) await under.shift();
      if (this.#why !== null || this.#stopped) break;
      under.push(this.#send(piece));
      if (this.#byLine && piece.at(-1) === CR) {
        await under.shift();
        await this.#rest();
      }
    }
    await Promise.all(under);
    const stopped = this.#stopped && this.#sent < this.#bytes.length;
    this.#ports.ended(this.#sent, this.#why ?? (stopped ? 'you stopped it' : null));
  }

  async #send(piece: Uint8Array): Promise<void> {
    try {
      const { sent, why } = await this.#ports.send(piece);
      if (sent) this.#ports.progress((this.#sent += piece.length));
      else this.#why ??= why;
    } catch (error) {
      this.#why ??= messageOf(error);
    }
  }

  async #rest(): Promise<void> {
    const began = performance.now();
    for (;;) {
      const now = performance.now();
      const quiet = now - Math.max(began, this.#ports.lastOutputAt());
      if (quiet >= QUIET_MS || now - began >= LINE_MS || this.#stopped) return;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS - quiet));
    }
  }
}

/** Yields pieces, none of which extends beyond the end of a line. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(CR, at);
    const to = Math.min(at + PASTE_BYTES, bytes.length, end < 0 ? bytes.length : end + 1);
    yield bytes.subarray(at, to);
    at = to;
  }
}

/** Bytes of a piece of a small paste: the server bounds one note. */
const INPUT_BYTES = 16 * 1024;
/** Time after which a resting cursor's node is requested, ms: a cursor on its way over the map requests nothing. */
const REST_MS = 120;
/** Shortest interval of mouse moves, ms: a report of some ten bytes takes 30 ms to a node. */
const MOVE_MS = 150;

type ConsoleEffect = Extract<
  Effect,
  {
    do:
      | ('keys' | 'mouse' | 'focus' | 'paste' | 'long-paste' | 'stop-paste' | 'send-size')
      | ('look' | 'look-end' | 'find' | 'take-out')
      | ('screen-load' | 'screen-data' | 'screen-resize' | 'last-screen' | 'last-screen-load');
  }
>;

export interface ConsolePorts extends CopyPorts {
  /** Loaded at the first console: loading the emulators takes 36 ms of a start. */
  emulators(): Promise<Emulators>;
}

export class ConsoleEffects {
  readonly #ports: ConsolePorts;
  readonly #requests: Requests;
  /** Keeps the emulators' work in order: the first load waits for the module. */
  #work: Promise<void> = Promise.resolve();
  #pasting: Paste | null = null;
  /** Time of the last console output, performance.now(). */
  #lastOutputAt = 0;
  #resting: NodeJS.Timeout | undefined;
  /** Time of the last mouse move sent to a node, performance.now(). */
  #movedAt = -Infinity;

  constructor(requests: Requests, ports: ConsolePorts) {
    this.#requests = requests;
    this.#ports = ports;
  }

  perform(effect: ConsoleEffect): void {
    switch (effect.do) {
      case 'keys':
        this.#later((emulators) => {
          this.#type(effect.addr, keyForNode(effect.name, effect.bytes, emulators.keyModes(effect.addr)));
          emulators.typed(effect.addr);
        });
        return;
      case 'mouse':
        this.#later((emulators) => this.#point(effect, emulators));
        return;
      case 'focus':
        this.#later(async (emulators) => {
          // The modes of its program may be set by output that has just arrived.
          await emulators.parsed(effect.addr);
          const bytes = focusForNode(effect.focused, emulators.pointerModes(effect.addr));
          if (bytes !== null) this.#type(effect.addr, bytes);
        });
        return;
      case 'paste':
        this.#later((emulators) =>
          this.#type(
            effect.addr,
            pasteFor(effect.bytes, effect.brackets && emulators.bracketedPaste(effect.addr)).bytes,
          ),
        );
        return;
      case 'long-paste':
        this.#later((emulators) => {
          const brackets = effect.brackets && emulators.bracketedPaste(effect.addr);
          this.#paste(effect.addr, pasteFor(effect.bytes, brackets).bytes, effect.byLine);
        });
        return;
      case 'stop-paste':
        this.#pasting?.stop();
        return;
      case 'look':
      case 'look-end':
      case 'find':
      case 'take-out':
        this.#later((emulators) => performCopy(effect, emulators, this.#ports));
        return;
      case 'send-size':
        this.#later((emulators) => this.#sendSize(effect, emulators.fullScreen(effect.addr)));
        return;
      case 'screen-load': {
        const { addr, cols, rows, screen, times } = effect;
        this.#later((emulators) => emulators.load(addr, cols, rows, Buffer.from(screen, 'base64'), times));
        return;
      }
      case 'screen-data':
        this.#lastOutputAt = performance.now();
        this.#later((emulators) => emulators.data(effect.addr, Buffer.from(effect.data, 'base64'), effect.at));
        return;
      case 'screen-resize':
        this.#later((emulators) => emulators.resize(effect.addr, effect.cols, effect.rows));
        return;
      case 'last-screen': {
        const { addr } = effect;
        clearTimeout(this.#resting);
        this.#resting = setTimeout(() => this.#askLastScreen(addr), REST_MS).unref();
        return;
      }
      case 'last-screen-load': {
        const { addr, cols, rows, screen } = effect;
        this.#later((emulators) => emulators.loadLast(addr, cols, rows, Buffer.from(screen, 'base64')));
        return;
      }
    }
  }

  /** Runs work that must not overtake a console's keys. */
  afterKeys(work: () => void): void {
    this.#work = this.#work.then(work);
  }

  #askLastScreen(addr: Address): void {
    this.#requests.ask(
      this.#requests.client.request('console.last', { addr }),
      (answer) => this.#ports.dispatch({ type: 'last-screen', answer }),
      (error) => this.#ports.dispatch({ type: 'last-screen-failed', addr, error }),
    );
  }

  #point({ addr, pointer, rows, scroll }: Extract<Effect, { do: 'mouse' }>, emulators: Emulators): void {
    const place = emulators.onScreen(addr, pointer, rows, scroll);
    const modes = emulators.pointerModes(addr);
    const { button } = pointer;
    if (modes.tracking === 'none' && (button === 'wheel-up' || button === 'wheel-down'))
      this.#ports.dispatch({ type: 'wheel', addr, way: button === 'wheel-up' ? 'up' : 'down' });
    const bytes = place && pointerForNode(place, modes);
    if (bytes === null) return;
    // A moving mouse sends more reports than the bus carries to a node; a press gives the final position.
    const now = performance.now();
    if (pointer.action === 'move' && now - this.#movedAt < MOVE_MS) return;
    if (pointer.action === 'move') this.#movedAt = now;
    this.#type(addr, bytes);
  }

  #paste(addr: Address, bytes: Uint8Array, byLine: boolean): void {
    const { dispatch } = this.#ports;
    const total = bytes.length;
    this.#pasting = new Paste(bytes, byLine, {
      send: (piece) =>
        this.#requests.client.request('console.paste', {
          addr,
          data: Buffer.from(piece).toString('base64'),
          at: this.#requests.client.now(),
        }),
      lastOutputAt: () => this.#lastOutputAt,
      progress: (sent) => dispatch({ type: 'pasted', sent, total }),
      ended: (sent, why) => {
        this.#pasting = null;
        dispatch({ type: 'paste-ended', sent, total, why });
      },
    });
  }

  /** Types the size command, unless an editor or a pager has the screen and would receive it. */
  #sendSize({ addr, cols, rows }: Extract<Effect, { do: 'send-size' }>, fullScreen: boolean): void {
    if (fullScreen) {
      const message =
        'a full-screen program runs on the console: end or suspend it (Ctrl-Z), then set the size at the shell prompt';
      this.#ports.dispatch({ type: 'failed', what: 'terminal size not set', error: { code: 0, message, data: null } });
      return;
    }
    this.#requests.ask(
      this.#requests.client.request('console.resize', { cols, rows }),
      () => {
        // The server notifies the others; this screen takes the size before the node's program draws for it.
        this.#ports.dispatch({ type: 'console.note', note: { addr, kind: 'resized', text: '', cols, rows } });
        this.#type(addr, new TextEncoder().encode(` stty rows ${rows} cols ${cols}\r`));
      },
      (error) => this.#ports.dispatch({ type: 'failed', what: 'setting the terminal size', error }),
    );
  }

  #type(addr: Address, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      const data = Buffer.from(bytes.subarray(at, at + INPUT_BYTES)).toString('base64');
      this.#requests.client.note('console.input', { addr, data, at: this.#requests.client.now() });
    }
  }

  #later(work: (emulators: Emulators) => void | Promise<void>): void {
    this.#work = this.#work.then(async () => work(await this.#ports.emulators()));
  }
}

type CopyEffect = Extract<Effect, { do: 'look' | 'look-end' | 'find' | 'take-out' }>;

interface CopyPorts {
  dispatch: (event: UiEvent) => void;
  /** Copies text to the operator's clipboard. */
  clipboard(text: string): void;
  /** Saves text in a file of the operator's; resolves with its path. */
  save(node: string, text: string): Promise<string>;
}

/** Most bytes of a clipboard's text: terminals with OSC 52 drop texts longer than about 100 KB of base64. */
const CLIPBOARD_LIMIT = 74_000;

function performCopy(effect: CopyEffect, emulators: Emulators, ports: CopyPorts): void {
  const { addr } = effect;
  switch (effect.do) {
    case 'look':
      emulators.hold(addr, (at) => ports.dispatch({ type: 'looking', addr, search: effect.search, ...at }));
      return;
    case 'look-end':
      emulators.release(addr);
      return;
    case 'find': {
      const { query, x, y, way } = effect;
      ports.dispatch({ type: 'found', at: emulators.find(addr, query, { x, y }, way) });
      return;
    }
    case 'take-out': {
      const text = emulators.text(addr, effect.from, effect.to);
      emulators.release(addr);
      exportText(effect, text ?? '', ports);
      return;
    }
  }
}

function exportText({ name, where }: Extract<CopyEffect, { do: 'take-out' }>, text: string, ports: CopyPorts): void {
  const done = (ok: boolean, words: string): void => ports.dispatch({ type: 'taken-out', ok, text: words });
  if (text.trim() === '') {
    done(false, 'nothing was saved or copied: there is no text');
    return;
  }
  if (where === 'file') {
    ports.save(name, text).then(
      (path) => done(true, `saved in ${path}`),
      (error: unknown) => done(false, `not saved: ${messageOf(error)}`),
    );
    return;
  }
  const size = Buffer.byteLength(text);
  if (size > CLIPBOARD_LIMIT) {
    done(false, `not copied: ${size} bytes are more than a terminal accepts; save them to a file instead`);
    return;
  }
  ports.clipboard(text);
  const who = /^(tmux|screen)/.test(process.env['TERM'] ?? '') ? 'tmux has set-clipboard on' : 'it allows that';
  done(true, `${Array.from(text).length} characters to your terminal’s clipboard, if ${who} (OSC 52)`);
}
