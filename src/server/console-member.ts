/** Somebody at a console: a session that types or watches, and how its copy of the screen comes to be. */
import { silenceText, type Access, type ServerNotes } from '../api/protocol.ts';
import type { Address } from '../rack/address.ts';
import type { ScreenCopy } from './console-record.ts';

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

export class ConsoleMember {
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
