/**
 * Somebody at a console: a session that types or watches, and how its copy of the screen comes to be.
 *
 * Who is at an open console: the people who watch, the operation that works through it, and who of them types. Changes
 * of hands are marked in the log, and whoever loses the keyboard is told by whom.
 */
import { type Access, type ServerNotes, silenceText } from '../../api/methods.ts';
import type { ConsoleCondition } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import type { ScreenCopy } from './buffer.ts';

/** The part of a session that consoles need. */
export interface ConsoleUser {
  readonly id: number;
  readonly access: Access;
  /** For people: `alice@10.0.0.7`. */
  readonly name: string;
  /** Its program: `interface, pid 4711`. */
  readonly program: string;
  /** Since when nothing came from it, where that is too long; else null. */
  readonly silentSince: number | null;
  readonly outbox: {
    /** How many bytes were let go because the client is too far behind. */
    consoleData(addr: Address, bytes: Uint8Array): number;
    consoleNote(params: ServerNotes['console.note']): void;
    consoleResync(params: ServerNotes['console.resync']): void;
    dropConsoleData(): void;
    consoleTaken(): Promise<void>;
  };
}

/** For people: `alice@10.0.0.7`, and where its program is silent what may be the cause. */
export function describeUser({ name, program, silentSince }: ConsoleUser, now: number): string {
  if (silentSince === null) return name;
  return `${name} (${program}, ${silenceText(silentSince, now)}: it is stopped, or its link is cut)`;
}

/** The screen as it is when `begin` is called. */
export type CopyScreen = (begin: () => void) => Promise<ScreenCopy>;

type State =
  /** Its copy of the screen is not begun, so bytes will be on it. */
  | { is: 'waiting' }
  /** The screen is being copied: bytes that come after it. */
  | { is: 'copying'; kept: Uint8Array[] }
  | { is: 'live' }
  /** It takes too little; what comes is only counted until it has taken what it was sent. */
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

  /** The screen as it is now; afterwards {@link goLive} sends what came since. */
  screen(): Promise<ScreenCopy> {
    return this.#copy(() => this.#begin());
  }

  /** The copy is on its way: send what was kept, then everything as it comes. */
  goLive(): void {
    if (this.#state.is !== 'copying') return;
    const { kept } = this.#state;
    this.#state = { is: 'live' };
    for (const bytes of kept) this.data(bytes);
  }

  /** It left, or joined anew. */
  end(): void {
    this.#state = { is: 'gone' };
  }

  data(bytes: Uint8Array): void {
    const state = this.#state;
    if (state.is === 'copying') state.kept.push(bytes.slice());
    else if (state.is === 'behind') state.skipped += bytes.length;
    else if (state.is === 'live') {
      const skipped = this.user.outbox.consoleData(this.#addr, bytes);
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
    const { cols, rows, screen } = await this.screen();
    if (!this.#copying()) return;
    const data = screen.toString('base64');
    this.user.outbox.consoleResync({ addr: this.#addr, skipped: behind.skipped, cols, rows, screen: data });
    this.goLive();
  }

  /** A method, because the compiler believes that a field checked before an await has not changed after it. */
  #copying(): boolean {
    return this.#state.is === 'copying';
  }
}

/** What an operation at a console is told. */
export interface ConsoleOperation {
  readonly opId: string;
  /** It only listens: people who want the keyboard, or another console, go before. */
  readonly yields: boolean;
  text(bytes: Uint8Array): void;
  condition(condition: ConsoleCondition): void;
}

/** Who types: a session, the operation, or nobody. */
type Typist = { kind: 'session'; member: Subscriber } | { kind: 'operation'; worker: ConsoleOperation } | null;

export class Participants {
  readonly #addr: Address;
  readonly #mark: (text: string) => void;
  readonly #copy: CopyScreen;
  readonly #members = new Map<number, Subscriber>();
  #worker: ConsoleOperation | null = null;
  #typist: Typist = null;
  /** The operation lends its keyboard to whoever comes to do its work by hand. */
  #lends = false;
  /** Whose keyboard the operation borrowed. */
  #lender: Subscriber | null = null;

  /** `mark`: a line of our own in the console's log. */
  constructor(addr: Address, mark: (text: string) => void, copy: CopyScreen) {
    this.#addr = addr;
    this.#mark = mark;
    this.#copy = copy;
  }

  get members(): Subscriber[] {
    return [...this.#members.values()];
  }

  get worker(): ConsoleOperation | null {
    return this.#worker;
  }

  /** The session that types, or null. */
  get typingUser(): ConsoleUser | null {
    return this.#typist?.kind === 'session' ? this.#typist.member.user : null;
  }

  /** The member that types, or null. */
  get typing(): Subscriber | null {
    return this.#typist?.kind === 'session' ? this.#typist.member : null;
  }

  /** Who types, for people, or null. */
  get typistName(): string | null {
    if (this.#typist?.kind === 'operation' && (this.#lends || this.#typist.worker.yields)) return null;
    if (!this.#typist) return null;
    return this.#typist.kind === 'session' ? this.#typist.member.user.name : `operation ${this.#typist.worker.opId}`;
  }

  get lends(): boolean {
    return this.#lends;
  }

  get isDeserted(): boolean {
    // Who may only look keeps no console open.
    return this.#worker === null && this.members.every(({ user }) => user.access === 'view');
  }

  member(user: ConsoleUser): Subscriber | null {
    return this.#members.get(user.id) ?? null;
  }

  /** Adds a watcher, anew if it was one: its copy of the screen is to be made. */
  join(user: ConsoleUser): Subscriber {
    const typed = this.typingUser?.id === user.id;
    const member = new Subscriber(user, this.#addr, this.#copy);
    const before = this.#members.get(user.id);
    if (before) before.end();
    else this.#mark(`${user.name} joined`);
    this.#members.set(user.id, member);
    if (typed) this.#typist = { kind: 'session', member };
    if (this.#lender?.user.id === user.id) this.#lender = member;
    return member;
  }

  leave(user: ConsoleUser): void {
    this.#members.get(user.id)?.end();
    if (this.#members.delete(user.id)) this.#mark(`${user.name} left`);
    if (this.#lender?.user.id === user.id) this.#lender = null;
    if (this.typingUser?.id === user.id) this.releaseKeyboard();
  }

  /** Gives the keyboard to a member; whoever had it is told by whom it was taken. */
  acquireKeyboard(member: Subscriber): void {
    const before = this.#typist;
    if (before?.kind === 'session' && before.member.user.id === member.user.id) return;
    this.#typist = { kind: 'session', member };
    if (before?.kind === 'session') before.member.note('taken', `${member.user.name} took the keyboard`);
    this.#mark(`${member.user.name} types`);
  }

  /** Who types hands the keyboard over. */
  transferKeyboard(from: ConsoleUser, to: Subscriber): void {
    this.#typist = { kind: 'session', member: to };
    to.note('given', `${from.name} gave you the keyboard`);
    this.#members.get(from.id)?.note('taken', `you gave the keyboard to ${to.user.name}`);
    this.#mark(`${from.name} gave the keyboard to ${to.user.name}`);
  }

  /** The member goes on watching; an operation at work here types again. */
  releaseKeyboard(): void {
    this.#typist = this.#worker && { kind: 'operation', worker: this.#worker };
  }

  /** An operation works here and types; a session that typed watches meanwhile and gets its keyboard back after. */
  startOperation(worker: ConsoleOperation): void {
    const before = this.#typist;
    this.#worker = worker;
    if (worker.yields && before?.kind === 'session') return;
    this.#typist = { kind: 'operation', worker };
    if (before?.kind === 'session') {
      this.#lender = before.member;
      before.member.note('taken', `operation ${worker.opId} types here until it is done`);
    }
    this.#mark(`operation ${worker.opId} types`);
  }

  /** The operation waits for somebody's hand: who watches may have its keyboard until it is done. */
  lendKeyboard(worker: ConsoleOperation): void {
    if (this.#worker !== worker) return;
    this.#lends = true;
    if (this.#lender !== null) this.acquireKeyboard(this.#lender);
  }

  endOperation(worker: ConsoleOperation): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    // Lent for this: the next node's turn needs the console.
    if (this.#lends && this.#typist?.kind === 'session') {
      this.#typist.member.note('taken', `operation ${worker.opId} is done here; take the keyboard to go on`);
      this.#typist = null;
    }
    this.#lends = false;
    if (this.#typist?.kind === 'operation') this.#typist = this.#lender && { kind: 'session', member: this.#lender };
    this.#lender = null;
    this.#mark(`operation ${worker.opId} is done here`);
  }

  /** The keyboard is the operation's now. */
  isTyping(worker: ConsoleOperation): boolean {
    return this.#typist?.kind === 'operation' && this.#typist.worker === worker;
  }
}
