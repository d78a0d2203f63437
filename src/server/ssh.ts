/** Reaches nodes by network: runs the system's ssh client, and probes the ssh port by a TCP connection. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Config } from '../config/schema.ts';
import { readUptime } from '../console/recognizer.ts';
import { commandLine, OutputReader } from '../console/shell-command.ts';
import { expire } from '../lib/clock.ts';
import { removeHidden } from '../lib/control-chars.ts';
import { SSH_OPTIONS } from '../lib/ssh-options.ts';
import { runProgram } from '../lib/subprocess.ts';
import type { ProgramEnd } from '../lib/subprocess.ts';
import { bootIdCommands, readBootId } from '../power/boot.ts';
import type { CommandEnd, NetworkPort } from '../power/ports.ts';
import type { Address } from '../rack/address.ts';
import type { Inventory } from '../rack/inventory.ts';

export type SshConfig = NonNullable<Config['ssh']>;

/**
 * Most ssh clients at once (shutdown section 1): keys and a small master's processor are the limit, not the
 * network.
 */
const AT_ONCE = 4;
/** Time limit of a probe, ms: a machine in the same rack answers within a millisecond; one under load within this. */
const PROBE_MS = 2_000;
/**
 * Uptime distinguishes this shutdown's last line from an old log's. The node's own shell splits the words, whatever
 * ssh is given.
 */
const UPTIME = 'cat /proc/uptime';
/** `systemctl poweroff`, never `halt`; with `-n` a sudo that needs a password reports it instead of waiting. */
const requestFor = ({ user }: SshConfig): string =>
  user === 'root' ? 'systemctl poweroff' : 'sudo -n systemctl poweroff';

/** Characters of ssh's own messages that are kept. */
const MESSAGE_LIMIT = 400;

const newToken = (): string => `rackui-${randomBytes(6).toString('hex')}`;

export class Network implements NetworkPort {
  readonly #settings: () => SshConfig;
  readonly #inventory: () => Inventory;
  readonly #slots = new Slots();
  /** Operators' commands, which may take long, delay no shutdown. */
  readonly #commandSlots = new Slots();

  constructor(settings: () => SshConfig, inventory: () => Inventory) {
    this.#settings = settings;
    this.#inventory = inventory;
  }

  get #config(): SshConfig {
    return this.#settings();
  }

  target(addr: Address): string | null {
    const host = this.#host(addr);
    const { user } = this.#config;
    return host === null ? null : user === undefined ? host : `${user}@${host}`;
  }

  async shutDown(
    addr: Address,
    signal: AbortSignal,
    ran: () => void,
    boots: ((bootId: string) => void) | null,
  ): Promise<ProgramEnd> {
    const reported = { uptime: false, bootId: null as string | null };
    const token = newToken();
    const commands = boots === null ? [UPTIME] : [UPTIME, bootIdCommands(token)];
    const end = await this.#run(addr, [...commands, requestFor(this.#config)].join('; '), signal, (lines) => {
      const bootId = readBootId(lines, token);
      if (bootId !== null && reported.bootId === null) boots?.(bootId);
      reported.bootId ??= bootId;
      if (reported.uptime || lines.every((line) => readUptime(line) === null)) return;
      reported.uptime = true;
      ran();
    });
    // The remaining output is shown.
    return { ...end, output: end.output.filter((line) => line !== token && line !== reported.bootId) };
  }

  async bootId(addr: Address, signal: AbortSignal): Promise<string | null> {
    const token = newToken();
    const { output } = await this.#run(addr, bootIdCommands(token), signal);
    return readBootId(output, token);
  }

  /** Runs a command line in the node's shell by ssh. */
  async #run(
    addr: Address,
    commands: string,
    signal: AbortSignal,
    printed: (lines: readonly string[]) => void = () => undefined,
  ): Promise<ProgramEnd> {
    const host = this.#host(addr);
    if (host === null) return { code: null, why: 'it has no address in the network', output: [] };
    await this.#slots.take();
    try {
      const { limit } = this.#config;
      return await runProgram([...sshArguments(this.#config, host), commands], limit, signal, { printed });
    } finally {
      this.#slots.free();
    }
  }

  async run(addr: Address, command: string, limitS: number, signal: AbortSignal): Promise<CommandEnd> {
    const host = this.#host(addr);
    if (host === null) return { code: null, output: '', truncated: false, why: 'it has no address in the network' };
    const token = randomBytes(3).toString('hex');
    const reader = new OutputReader(token);
    const decoder = new TextDecoder();
    let message = '';
    await this.#commandSlots.take();
    try {
      const argv = [...sshArguments(this.#config, host), commandLine(command, token).trimStart()];
      const read = (chunk: Buffer): void => {
        const text = decoder.decode(chunk, { stream: true });
        if (!reader.begun) message = (message + text).slice(-MESSAGE_LIMIT);
        reader.feed(text);
      };
      const { why } = await runProgram(argv, this.#config.limit + limitS, signal, { read });
      const { code, output, truncated } = reader;
      if (code !== null) return { code, output, truncated, why: '' };
      const reason = removeHidden(message.trim().split('\n').at(-1) ?? '');
      return { code, output, truncated, why: `ssh: ${reader.begun || reason === '' ? why : reason}` };
    } finally {
      this.#commandSlots.free();
    }
  }

  /**
   * Probes the ssh port by a TCP connection without data. A refusal comes from the machine's own kernel, so it is
   * alive, as it is while sshd has ended and the file systems have not; only silence, or the report of a router or
   * neighbour that the host is unreachable, counts as gone.
   */
  async reachable(addr: Address): Promise<boolean> {
    return (await this.#probe(addr)) !== 'gone';
  }

  async greets(addr: Address): Promise<boolean> {
    return (await this.#probe(addr)) === 'greets';
  }

  #probe(addr: Address): Promise<'greets' | 'there' | 'gone'> {
    const host = this.#host(addr);
    if (host === null) return Promise.resolve('gone');
    return new Promise((resolve) => {
      const socket = connect({ host, port: this.#config.port });
      let connected = false;
      const done = (answer: 'greets' | 'there' | 'gone'): void => {
        callOff();
        socket.destroy();
        resolve(answer);
      };
      const callOff = expire(PROBE_MS, () => done(connected ? 'there' : 'gone'));
      socket.once('connect', () => (connected = true));
      socket.once('data', (chunk) => done(chunk.toString('latin1').startsWith('SSH-') ? 'greets' : 'there'));
      socket.once('end', () => done('there'));
      socket.once('error', (error: NodeJS.ErrnoException) =>
        done(connected || error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? 'there' : 'gone'),
      );
    });
  }

  /** Its address where one is known: a name server may be among the nodes that are off. */
  #host(addr: Address): string | null {
    const { nodes, configured } = this.#inventory();
    const node = nodes.find((one) => one.addr === addr);
    return node === undefined ? null : (node.ip ?? (configured ? node.name : null));
  }
}

/** Limits the ssh clients that run at once. */
class Slots {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  async take(): Promise<void> {
    this.#running++;
    if (this.#running > AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  free(): void {
    this.#running--;
    this.#waiting.shift()?.();
  }
}

/** Returns ssh's arguments up to the host. */
export function sshArguments({ user, port, identity, options, limit }: SshConfig, host: string): string[] {
  return [
    'ssh',
    ...[...SSH_OPTIONS, ...options, `ConnectTimeout=${Math.max(1, Math.floor(limit))}`].flatMap((option) => [
      '-o',
      option,
    ]),
    '-p',
    String(port),
    ...(user === undefined ? [] : ['-l', user]),
    ...(identity === undefined ? [] : ['-o', 'IdentitiesOnly=yes', '-i', identity]),
    '--',
    host,
  ];
}
