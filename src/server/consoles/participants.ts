/**
 * The sessions and the operation at an open console, and which of them has the keyboard. Transfers of the keyboard
 * are marked in the log, and the session that loses it gets the taker's name.
 */
import { type Access, type ServerNotes, silenceText } from '../../api/methods.ts';
import type { ConsoleCondition } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import type { Arrived, ScreenCopy } from './buffer.ts';

/** The part of a session that consoles need. */
export interface ConsoleUser {
  readonly id: number;
  readonly access: Access;
  /** Name for display: `alice@10.0.0.7`. */
  readonly name: string;
  /** Program: `interface, pid 4711`. */
  readonly program: string;
  /** Time since which nothing came from the client, where that is too long; otherwise null. */
  readonly silentSince: number | null;
  readonly outbox: {
    /** Sends bytes that came at `at` (steady clock, ms); returns the number of bytes dropped because the client is too slow. */
    consoleData(addr: Address, bytes: Uint8Array, at: number): number;
    consoleNote(params: ServerNotes['console.note']): void;
    consoleResync(params: ServerNotes['console.resync']): void;
    dropConsoleData(): void;
    consoleTaken(): Promise<void>;
  };
}

/** Returns the user for display: `alice@10.0.0.7`, and where its program is silent the possible cause. */
export function describeUser({ name, program, silentSince }: ConsoleUser, now: number): string {
  if (silentSince === null) return name;
  return `${name} (${program}, ${silenceText(silentSince, now)}: it is stopped or disconnected)`;
}

/** Copies the screen as it is when `begin` is called. */
export type CopyScreen = (begin: () => void) => Promise<ScreenCopy>;

type State =
  /** The copy of the screen has not begun, so bytes will be on it. */
  | { is: 'waiting' }
  /** The screen is being copied; `kept` are the bytes after it. */
  | { is: 'copying'; kept: Arrived[] }
  | { is: 'live' }
  /** The client is too slow; bytes are only counted until it has taken what was sent. */
  | { is: 'behind'; skipped: number }
  | { is: 'gone' };

export class Subscriber {
  readonly user: ConsoleUser;
  readonly #addr: Address;
  readonly #copy: CopyScreen;
  #state: State = { is: 'waiting' };

  constructor(user: ConsoleUser, addr: Address, copy: CopyScreen) {
    this.user = user;
    this.#addr = addr;
    this.#copy = copy;
  }

  /** Returns the present screen; afterwards {@link goLive} sends the bytes since. */
  screen(): Promise<ScreenCopy> {
    return this.#copy(() => this.#begin());
  }

  /** Sends the kept bytes once the copy is under way, then all bytes as they arrive. */
  goLive(): void {
    if (this.#state.is !== 'copying') return;
    const { kept } = this.#state;
    this.#state = { is: 'live' };
    for (const { bytes, at } of kept) this.data(bytes, at);
  }

  /** Ends the subscription: the session left, or joined again. */
  end(): void {
    this.#state = { is: 'gone' };
  }

  data(bytes: Uint8Array, at: number): void {
    const state = this.#state;
    if (state.is === 'copying') state.kept.push({ bytes: bytes.slice(), at });
    else if (state.is === 'behind') state.skipped += bytes.length;
    else if (state.is === 'live') {
      const skipped = this.user.outbox.consoleData(this.#addr, bytes, at);
      if (skipped > 0) void this.#fallBehind(skipped);
    }
  }

  note(kind: ServerNotes['console.note']['kind'], text: string, size?: { cols: number; rows: number }): void {
    this.user.outbox.consoleNote({ addr: this.#addr, kind, text, ...size });
  }

  #begin(): void {
    if (this.#state.is === 'gone') return;
    this.user.outbox.dropConsoleData();
    this.#state = { is: 'copying', kept: [] };
  }

  async #fallBehind(skipped: number): Promise<void> {
    const behind: State = { is: 'behind', skipped };
    this.#state = behind;
    await this.user.outbox.consoleTaken();
    if (this.#state !== behind) return;
    const { cols, rows, screen, times } = await this.screen();
    if (!this.#copying()) return;
    const data = screen.toString('base64');
    this.user.outbox.consoleResync({ addr: this.#addr, skipped: behind.skipped, cols, rows, screen: data, times });
    this.goLive();
  }

  /** A method, because the compiler believes that a field checked before an await has not changed after it. */
  #copying(): boolean {
    return this.#state.is === 'copying';
  }
}

/** An operation that uses a console, and its notifications. */
export interface ConsoleOperation {
  readonly opId: string;
  /** True where it only listens: users who want the keyboard, or another console, have priority. */
  readonly yields: boolean;
  /** True for a command: an operation that needs the console gets it. */
  readonly givesWay: boolean;
  text(bytes: Uint8Array): void;
  condition(condition: ConsoleCondition): void;
  /** Output may have been lost. */
  gap(text: string): void;
}

/** Holder of the keyboard: a session, the operation, or none. */
type Typist = { kind: 'session'; subscriber: Subscriber } | { kind: 'operation'; operation: ConsoleOperation } | null;

export class Participants {
  readonly #addr: Address;
  readonly #mark: (text: string) => void;
  readonly #copy: CopyScreen;
  readonly #subscribers = new Map<number, Subscriber>();
  #operation: ConsoleOperation | null = null;
  #typist: Typist = null;
  /** True while the operation lends its keyboard to a session that does its work by hand. */
  #lends = false;
  /** Previous owner of the keyboard that the operation borrowed. */
  #previousOwner: Subscriber | null = null;

  /** `mark` writes a line of rackui's own to the console's log. */
  constructor(addr: Address, mark: (text: string) => void, copy: CopyScreen) {
    this.#addr = addr;
    this.#mark = mark;
    this.#copy = copy;
  }

  get subscribers(): Subscriber[] {
    return [...this.#subscribers.values()];
  }

  get operation(): ConsoleOperation | null {
    return this.#operation;
  }

  /** The session that types, or null. */
  get typingUser(): ConsoleUser | null {
    return this.#typist?.kind === 'session' ? this.#typist.subscriber.user : null;
  }

  /** The subscriber that types, or null. */
  get typing(): Subscriber | null {
    return this.#typist?.kind === 'session' ? this.#typist.subscriber : null;
  }

  /** Name of the typing session or operation for display, or null. */
  get typistName(): string | null {
    if (this.#typist?.kind === 'operation' && (this.#lends || this.#typist.operation.yields)) return null;
    if (!this.#typist) return null;
    return this.#typist.kind === 'session'
      ? this.#typist.subscriber.user.name
      : `operation ${this.#typist.operation.opId}`;
  }

  get lends(): boolean {
    return this.#lends;
  }

  get isDeserted(): boolean {
    // View-only sessions do not keep a console open.
    return this.#operation === null && this.subscribers.every(({ user }) => user.access === 'view');
  }

  find(user: ConsoleUser): Subscriber | null {
    return this.#subscribers.get(user.id) ?? null;
  }

  /** Adds a watcher, or adds it again: its copy of the screen has to be made. */
  join(user: ConsoleUser): Subscriber {
    const typed = this.typingUser?.id === user.id;
    const subscriber = new Subscriber(user, this.#addr, this.#copy);
    const before = this.#subscribers.get(user.id);
    if (before) before.end();
    else this.#mark(`${user.name} joined`);
    this.#subscribers.set(user.id, subscriber);
    if (typed) this.#typist = { kind: 'session', subscriber };
    if (this.#previousOwner?.user.id === user.id) this.#previousOwner = subscriber;
    return subscriber;
  }

  leave(user: ConsoleUser): void {
    this.#subscribers.get(user.id)?.end();
    if (this.#subscribers.delete(user.id)) this.#mark(`${user.name} left`);
    if (this.#previousOwner?.user.id === user.id) this.#previousOwner = null;
    if (this.typingUser?.id === user.id) this.releaseKeyboard();
  }

  /** Gives the keyboard to a subscriber; the previous owner is notified with the taker's name. */
  acquireKeyboard(subscriber: Subscriber): void {
    const before = this.#typist;
    if (before?.kind === 'session' && before.subscriber.user.id === subscriber.user.id) return;
    this.#typist = { kind: 'session', subscriber };
    if (before?.kind === 'session') before.subscriber.note('taken', `${subscriber.user.name} took the keyboard`);
    this.#mark(`${subscriber.user.name} types`);
  }

  /** Hands the keyboard over from the typing session to another. */
  transferKeyboard(from: ConsoleUser, to: Subscriber): void {
    this.#typist = { kind: 'session', subscriber: to };
    to.note('given', `${from.name} transferred the keyboard to you`);
    this.#subscribers.get(from.id)?.note('taken', `you transferred the keyboard to ${to.user.name}`);
    this.#mark(`${from.name} transferred the keyboard to ${to.user.name}`);
  }

  /** Releases the keyboard: the session continues watching; an operation at work here types again. */
  releaseKeyboard(): void {
    this.#typist = this.#operation && { kind: 'operation', operation: this.#operation };
  }

  /**
   * Starts an operation, which then types; a session that typed watches meanwhile and gets its keyboard back
   * afterwards.
   */
  startOperation(operation: ConsoleOperation): void {
    const before = this.#typist;
    this.#operation = operation;
    if (operation.yields && before?.kind === 'session') return;
    this.#typist = { kind: 'operation', operation };
    if (before?.kind === 'session') {
      this.#previousOwner = before.subscriber;
      before.subscriber.note('taken', `operation ${operation.opId} uses the keyboard until it ends`);
    }
    this.#mark(`operation ${operation.opId} uses the keyboard`);
  }

  /**
   * Lends the keyboard while the operation waits for manual work: a watching session may have it until that is
   * done.
   */
  lendKeyboard(operation: ConsoleOperation): void {
    if (this.#operation !== operation) return;
    this.#lends = true;
    if (this.#previousOwner !== null) this.acquireKeyboard(this.#previousOwner);
  }

  endOperation(operation: ConsoleOperation): void {
    if (this.#operation !== operation) return;
    this.#operation = null;
    // It was lent for this node's work; the next node needs the console.
    if (this.#lends && this.#typist?.kind === 'session') {
      this.#typist.subscriber.note('taken', `operation ${operation.opId} released the keyboard; take it to type`);
      this.#typist = null;
    }
    this.#lends = false;
    if (this.#typist?.kind === 'operation')
      this.#typist = this.#previousOwner && { kind: 'session', subscriber: this.#previousOwner };
    this.#previousOwner = null;
    this.#mark(`operation ${operation.opId} released the keyboard`);
  }

  /** Returns whether the operation has the keyboard now. */
  isTyping(operation: ConsoleOperation): boolean {
    return this.#typist?.kind === 'operation' && this.#typist.operation === operation;
  }
}
