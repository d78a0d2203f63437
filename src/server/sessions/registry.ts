/** The session registry: admits connections, sends changes to all sessions, and disconnects them at the end. */
import type { Socket } from 'node:net';
import type { Access, ConsoleState, EventRecord, ServerNotes, Session } from '../../api/methods.ts';
import type { Methods, NoteHandlers } from '../rpc/registry.ts';
import type { Change, Picture, PlainNote } from './outbox.ts';
import { ClientSession } from './session.ts';

/**
 * Most connections at once, for each access: an operator has a few; a client that reconnects in a loop must not
 * exhaust the server, nor view-only clients keep out those with control.
 */
const MOST = 64;
/** Time within which a connection must send `hello`, ms. */
const HELLO_MS = 10_000;
/** Interval at which silence is counted, ms. */
const TICK_MS = 1_000;

export interface SessionRegistryPorts {
  now(): number;
  picture: Picture;
  methods: Methods;
  notes: NoteHandlers;
  consoleText(): boolean;
  openConsole(): ConsoleState | null;
  event(level: EventRecord['level'], text: string): void;
  /** Called when a session came or left. */
  changed(): void;
  /** Called when a session left: its console loses it. */
  left(session: ClientSession): void;
  log(level: 'debug' | 'warn' | 'error', text: string): void;
}

export class SessionRegistry {
  readonly #ports: SessionRegistryPorts;
  readonly #sessions = new Map<number, ClientSession>();
  #lastId = 0;
  #closed = false;
  /** Null while no session is open. */
  #ticks: NodeJS.Timeout | null = null;

  constructor(ports: SessionRegistryPorts) {
    this.#ports = ports;
  }

  /** Number of connections, including those before hello. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Returns the number of a session beside those of this registry. */
  newId(): number {
    return ++this.#lastId;
  }

  admit(socket: Socket, access: Access): void {
    const others = [...this.#sessions.values()].filter((session) => session.access === access);
    if (this.#closed || others.length >= MOST) {
      this.#ports.log('warn', `connection refused: ${this.#closed ? 'the server is leaving' : `${MOST} are open`}`);
      socket.destroy();
      return;
    }
    const session = new ClientSession(this.newId(), access, socket, {
      ...this.#ports,
      identified: () => this.#arrived(session),
      activeAgain: () => this.#silenceChanged(),
      ended: (_session, why) => this.#ended(session, why),
    });
    this.#sessions.set(session.id, session);
    this.#ticks ??= setInterval(() => this.#tick(), TICK_MS);
    const impatience = setTimeout(() => {
      if (session.who === null) void session.disconnect('it sent no hello');
    }, HELLO_MS);
    socket.once('close', () => clearTimeout(impatience));
    this.#ports.changed();
  }

  describe(): Session[] {
    return this.#known.map((session) => session.describe()).filter((session) => session !== null);
  }

  changed(change: Change): void {
    for (const session of this.#known) session.outbox.changed(change);
  }

  note<M extends PlainNote>(method: M, params: ServerNotes[M]): void {
    for (const session of this.#known) session.outbox.note(method, params);
  }

  /** Disconnects all sessions; `why` is their reason. */
  async close(why: string): Promise<void> {
    this.#closed = true;
    this.#stopTicks();
    await Promise.all([...this.#sessions.values()].map((session) => session.disconnect(why)));
  }

  get #known(): ClientSession[] {
    return [...this.#sessions.values()].filter((session) => session.who !== null);
  }

  #stopTicks(): void {
    if (this.#ticks !== null) clearInterval(this.#ticks);
    this.#ticks = null;
  }

  #tick(): void {
    const silent = this.#known.filter((session) => session.tick());
    for (const session of silent) this.#ports.log('debug', `session ${session.id} (${session.program}) is silent`);
    if (silent.length > 0) this.#silenceChanged();
  }

  /** The console's state also shows whether its holder is silent. */
  #silenceChanged(): void {
    this.changed('sessions');
    this.changed('console');
  }

  #arrived(session: ClientSession): void {
    this.changed('sessions');
    this.#ports.log('debug', `session ${session.id} is ${session.name}`);
  }

  #ended(session: ClientSession, why: string | null): void {
    this.#sessions.delete(session.id);
    if (this.#sessions.size === 0) this.#stopTicks();
    this.#ports.left(session);
    const reason = why === null ? '' : `: ${why}`;
    if (session.who !== null) {
      // Commands connect by the dozen: the audit log has those that acted.
      const level = session.who.program === 'interface' ? 'info' : null;
      if (level !== null && !this.#closed) this.#ports.event(level, `${session.name} left${reason}`);
      this.changed('sessions');
    }
    this.#ports.log('debug', `session ${session.id} ended${reason}`);
    this.#ports.changed();
  }
}
