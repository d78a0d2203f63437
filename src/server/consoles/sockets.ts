/**
 * Offers each node's console at a Unix socket, for conserver, conman and other programs that connect to one: bytes both
 * ways, through the same guards as every other key. A connection reads what its node prints while the console is open;
 * its first key opens the console, as far as nobody else types, and ten minutes without a key release it.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { ConsoleState, ServerNotes, Session } from '../../api/methods.ts';
import type { Bus } from '../../bmc/types.ts';
import { BELL_BLOCKED, filterInput } from '../../console/input-filter.ts';
import { steadyNow } from '../../lib/clock.ts';
import { replaceHidden } from '../../lib/control-chars.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Address } from '../../rack/address.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import type { ActiveConfig } from '../active-config.ts';
import type { Changes } from '../changes.ts';
import type { NodeStates } from '../polling/node-states.ts';
import { type Listening, listenAt } from '../sessions/listener.ts';
import type { Consoles } from './consoles.ts';
import type { ConsoleUser } from './participants.ts';

/** Connections at one node's socket. */
const MOST = 8;
/** Time without a key after which a connection gives its console back: such programs stay connected for ever, ms. */
const IDLE_MS = 10 * 60_000;
/** Time for the bus to open the console before the first keys are given up, ms. */
const OPENS_MS = 5_000;
/** Most bytes of one paste, and of output that waits for a program that does not read. */
const PIECE = 256;
const WAITING_LIMIT = 1024 * 1024;

interface ConsoleSocketsPorts {
  folder: string;
  /** Group of the sockets, as of the control socket; null: the owner's. */
  gid: number | null;
  consoles: Consoles;
  /** The nodes that have a console. */
  nodes: () => readonly InventoryNode[];
  /** Returns why a node has no console: it is the master; null: it has one. */
  refuses: (addr: Address) => string | null;
  newId: () => number;
  now: () => number;
  /** Called when a connection came, left, or began or ended to type. */
  changed: () => void;
  warn: (text: string) => void;
}

/** Makes the sockets where the configuration names a folder for them; null: it names none. */
export function offerSockets(
  { bus, configuration, gid }: { bus: Pick<Bus, 'health'>; configuration: ActiveConfig; gid: number | null },
  needs: { consoles: Consoles; nodeStates: NodeStates; warn: (text: string) => void },
  newId: () => number,
  changes: Changes,
): ConsoleSockets | null {
  const folder = configuration.config.console.sockets;
  if (folder === undefined) return null;
  const sockets = new ConsoleSockets({
    folder,
    gid,
    consoles: needs.consoles,
    nodes: () => needs.nodeStates.inventory.nodes,
    refuses: (addr) => (addr === bus.health.master ? 'this node is the master, which has no console' : null),
    newId,
    now: steadyNow,
    changed: () => {
      changes.emit('changed', 'sessions');
      changes.emit('work');
    },
    warn: needs.warn,
  });
  changes.on('changed', (change) => {
    if (change === 'rack') sockets.follow();
    if (change === 'console') sockets.consoleChanged();
  });
  return sockets;
}

export class ConsoleSockets {
  readonly #ports: ConsoleSocketsPorts;
  readonly #listening = new Map<string, Listening>();
  readonly #connections = new Set<SocketConnection>();
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(ports: ConsoleSocketsPorts) {
    this.#ports = ports;
  }

  /** A connection has typed and not given its console back. */
  get busy(): boolean {
    return this.describe().some(({ access }) => access === 'control');
  }

  /** Makes the sockets of the nodes as they are now, and removes those of nodes that are gone. */
  follow(): void {
    this.#work = this.#work.then(() => this.#follow());
  }

  /** Joins connections to a console that was opened, and lets those continue that wait for it. */
  consoleChanged(): void {
    const open = this.#ports.consoles.state();
    for (const connection of this.#connections) {
      if (open !== null && connection.addr === open.addr) connection.watch(open);
      connection.consoleChanged();
    }
  }

  describe(): Session[] {
    return [...this.#connections].map((connection) => connection.describe());
  }

  async close(why: string): Promise<void> {
    this.#closed = true;
    await this.#work;
    for (const listening of this.#listening.values()) listening.stopListening();
    for (const connection of this.#connections) connection.end(why);
  }

  async #follow(): Promise<void> {
    const { folder, gid, nodes, warn } = this.#ports;
    const wanted = new Map(nodes().map((node) => [node.name, node.addr]));
    for (const [name, listening] of this.#listening) {
      if (wanted.has(name)) continue;
      listening.stopListening();
      this.#listening.delete(name);
    }
    for (const name of wanted.keys()) {
      if (this.#closed || this.#listening.has(name)) continue;
      try {
        // The name is looked up at each connection: a reload may give it to another node.
        const listening = await listenAt(join(folder, name), 0o660, gid, (socket) => this.#admit(name, socket));
        this.#listening.set(name, listening);
      } catch (error) {
        warn(`console.sockets: ${messageOf(error)}`);
        return;
      }
    }
  }

  #admit(name: string, socket: Socket): void {
    const node = this.#ports.nodes().find((one) => one.name === name);
    const others = [...this.#connections].filter(({ addr }) => addr === node?.addr);
    if (this.#closed || node === undefined || others.length >= MOST) {
      socket.destroy();
      return;
    }
    const connection = new SocketConnection(node, socket, this.#ports, () => {
      this.#connections.delete(connection);
      this.#ports.changed();
    });
    this.#connections.add(connection);
    this.#ports.changed();
    this.consoleChanged();
  }
}

class SocketConnection implements ConsoleUser {
  readonly id: number;
  readonly addr: Address;
  readonly name: string;
  readonly program = 'console socket';
  readonly silentSince = null;
  /** Only one that types keeps a console open. */
  access: 'view' | 'control' = 'view';
  readonly #socket: Socket;
  readonly #ports: ConsoleSocketsPorts;
  readonly #since: number;
  #idle: NodeJS.Timeout | undefined;
  /** Continues the keys that wait for the console; null: none wait. */
  #continue: (() => void) | null = null;
  #ended = false;

  constructor(node: InventoryNode, socket: Socket, ports: ConsoleSocketsPorts, left: () => void) {
    this.id = ports.newId();
    this.addr = node.addr;
    this.name = `${node.name}'s socket`;
    this.#socket = socket;
    this.#ports = ports;
    this.#since = ports.now();
    socket.on('data', (bytes) => {
      // What comes meanwhile waits in the socket, and in the program.
      socket.pause();
      void this.#type(bytes).finally(() => socket.resume());
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#ended = true;
      clearTimeout(this.#idle);
      this.#continue?.();
      ports.consoles.detach(this);
      left();
    });
  }

  describe(): Session {
    const { id, name, program, access, silentSince } = this;
    return {
      id,
      who: { user: name, from: null, tty: null, program, pid: process.pid },
      since: this.#since,
      access,
      silentSince,
    };
  }

  watch(open: ConsoleState): void {
    if (this.#ended || isAt(open, this.id)) return;
    this.#ports.consoles.attach(this, { addr: this.addr, take: false, watch: true }).catch(() => undefined);
  }

  end(why: string): void {
    this.#say(why);
    this.#socket.end();
  }

  async #type(typed: Uint8Array): Promise<void> {
    const { bytes, blocked } = filterInput(typed);
    if (blocked > 0) this.#say(BELL_BLOCKED);
    if (bytes.length === 0) return;
    try {
      await this.#acquire();
    } catch (error) {
      this.#say(`not sent: ${messageOf(error)}`);
      return;
    }
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#release(), IDLE_MS);
    for (let at = 0; at < bytes.length && !this.#ended; at += PIECE) {
      const { consoles, now } = this.#ports;
      const { sent, why } = await consoles.paste(this, this.addr, bytes.subarray(at, at + PIECE), now());
      if (sent) continue;
      this.#say(`not sent: ${why ?? 'the console was interrupted'}`);
      return;
    }
  }

  /** Gets the keyboard where nobody has it, and waits until the console is on the wire. @throws the reason */
  async #acquire(): Promise<void> {
    const { consoles, refuses, changed } = this.#ports;
    const refused = refuses(this.addr);
    if (refused !== null) throw new Error(refused);
    const open = consoles.state();
    if (open?.addr === this.addr && open.holder === this.id) return;
    this.access = 'control';
    try {
      if (open?.addr === this.addr && isAt(open, this.id) && open.holderName === null) consoles.acquireKeyboard(this);
      else if (open?.addr === this.addr && open.holderName !== null)
        throw new Error(`${open.holderName} has the keyboard`);
      else await consoles.attach(this, { addr: this.addr, take: false, watch: false });
    } catch (error) {
      this.access = 'view';
      throw error;
    }
    changed();
    if (this.#opens()) await this.#opened();
  }

  /** Resolves when the console is on the wire, or is not opened any more, or after the time limit. */
  #opened(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#continue?.(), OPENS_MS);
      this.#continue = () => {
        clearTimeout(timer);
        this.#continue = null;
        resolve();
      };
    });
  }

  /** Called when the state of the one console has changed. */
  consoleChanged(): void {
    if (!this.#opens()) this.#continue?.();
  }

  #opens(): boolean {
    const open = this.#ports.consoles.state();
    return !this.#ended && open?.addr === this.addr && open.holder === this.id && open.state === 'opening';
  }

  #release(): void {
    const { consoles, changed } = this.#ports;
    this.access = 'view';
    if (consoles.state()?.holder === this.id) {
      this.#say(`the console was given back after ${IDLE_MS / 60_000} min without a key; the next key opens it again`);
      consoles.detach(this);
    }
    changed();
  }

  #say(text: string): void {
    if (!this.#ended) this.#socket.write(`\r\n[rackui: ${replaceHidden(text)}]\r\n`);
  }

  /** The participants' interface: the socket's buffer is the queue. */
  readonly outbox = {
    consoleData: (_addr: Address, bytes: Uint8Array): number => {
      if (this.#ended) return 0;
      if (this.#socket.writableLength > WAITING_LIMIT) return bytes.length;
      this.#socket.write(bytes);
      return 0;
    },
    consoleNote: ({ kind, text }: ServerNotes['console.note']): void => {
      if (kind === 'closed') this.#closed(text);
      else if (kind !== 'resized') this.#say(text);
    },
    consoleResync: ({ skipped }: ServerNotes['console.resync']): void =>
      this.#say(
        `${Math.ceil(skipped / 1000)} KB of output were skipped because this program was too slow; they are in the log`,
      ),
    dropConsoleData: (): void => undefined,
    consoleTaken: (): Promise<void> =>
      new Promise((resolve) => {
        if (this.#ended || !this.#socket.writableNeedDrain) resolve();
        else this.#socket.once('drain', resolve).once('close', resolve);
      }),
  };

  /** A console that others closed is news only to one that typed there. */
  #closed(why: string): void {
    if (this.access === 'control') this.#say(`the console was closed: ${why}; the next key opens it again`);
    this.access = 'view';
    clearTimeout(this.#idle);
  }
}

/** True for a session that is at this console. */
function isAt({ holder, watchers }: ConsoleState, id: number): boolean {
  return holder === id || watchers.includes(id);
}
