/** Everybody who is connected: lets them in, tells all of them what changed, sees them off. */
import type { Socket } from 'node:net';
import type { Access, EventRecord, ServerNotes, Session } from '../../api/methods.ts';
import type { Methods, NoteHandlers } from '../rpc/registry.ts';
import type { Change, Picture, PlainNote } from './outbox.ts';
import { ClientSession } from './session.ts';

/**
 * Connections at once, of each access: an operator has a few, a loop that connects again and again must not take the
 * server along, and whoever may only look must not keep out those who may act.
 */
const MOST = 64;
/** A connection that does not say hello within this time is no client, ms. */
const HELLO_MS = 10_000;
/** Silence is counted in steps of this, ms. */
const TICK_MS = 1_000;

export interface SessionRegistryPorts {
  now(): number;
  picture: Picture;
  methods: Methods;
  notes: NoteHandlers;
  consoleText(): boolean;
  event(level: EventRecord['level'], text: string): void;
  /** Somebody came or went. */
  changed(): void;
  /** Its console is nobody's now. */
  left(session: ClientSession): void;
  log(level: 'debug' | 'warn' | 'error', text: string): void;
}

export class SessionRegistry {
  readonly #ports: SessionRegistryPorts;
  readonly #sessions = new Map<number, ClientSession>();
  #lastId = 0;
  #closed = false;
  readonly #ticks: NodeJS.Timeout;

  constructor(ports: SessionRegistryPorts) {
    this.#ports = ports;
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Connections, those that have not said hello yet too. */
  get size(): number {
    return this.#sessions.size;
  }

  admit(socket: Socket, access: Access): void {
    const others = [...this.#sessions.values()].filter((session) => session.access === access);
    if (this.#closed || others.length >= MOST) {
      this.#ports.log('warn', `connection refused: ${this.#closed ? 'the server is leaving' : `${MOST} are open`}`);
      socket.destroy();
      return;
    }
    const session = new ClientSession(++this.#lastId, access, socket, {
      ...this.#ports,
      introduced: () => this.#arrived(session),
      heardAgain: () => this.#silenceChanged(),
      ended: (_session, why) => this.#ended(session, why),
    });
    this.#sessions.set(session.id, session);
    const impatience = setTimeout(() => {
      if (session.who === null) void session.disconnect('it said no hello');
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

  /** Sees everybody off; they have been told why. */
  async close(why: string): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ticks);
    await Promise.all([...this.#sessions.values()].map((session) => session.disconnect(why)));
  }

  get #known(): ClientSession[] {
    return [...this.#sessions.values()].filter((session) => session.who !== null);
  }

  #tick(): void {
    const silent = this.#known.filter((session) => session.tick());
    for (const session of silent) this.#ports.log('debug', `session ${session.id} (${session.program}) is silent`);
    if (silent.length > 0) this.#silenceChanged();
  }

  /** The console's state says how its holder is, too. */
  #silenceChanged(): void {
    this.changed('sessions');
    this.changed('console');
  }

  #arrived(session: ClientSession): void {
    this.changed('sessions');
    this.#ports.log('debug', `session ${session.id} is ${session.name}`);
  }

  #ended(session: ClientSession, why: string): void {
    this.#sessions.delete(session.id);
    this.#ports.left(session);
    if (session.who !== null) {
      // Commands come and go by the dozen: they are in the audit log where they did something.
      const level = session.who.program === 'interface' ? 'info' : null;
      if (level !== null && !this.#closed) this.#ports.event(level, `${session.name} left: ${why}`);
      this.changed('sessions');
    }
    this.#ports.log('debug', `session ${session.id} ended: ${why}`);
    this.#ports.changed();
  }
}
