/** Somebody at a console: a session that types or watches, and what waits for it until its screen is copied. */
import type { ServerNotes } from '../api/protocol.ts';
import type { Address } from '../rack/address.ts';

/** The part of a session that consoles need. */
export interface ConsoleUser {
  readonly id: number;
  /** For people: `alice@10.0.0.7`. */
  readonly name: string;
  readonly outbox: {
    consoleData(addr: Address, bytes: Uint8Array): void;
    note(method: 'console.note', params: ServerNotes['console.note']): void;
  };
}

export class ConsoleMember {
  readonly user: ConsoleUser;
  readonly #addr: Address;
  /** `waiting`: its copy of the screen is not begun, so bytes will be on it. */
  #state: 'waiting' | 'live' | { kept: Uint8Array[] } = 'waiting';

  constructor(user: ConsoleUser, addr: Address) {
    this.user = user;
    this.#addr = addr;
  }

  /** The screen is being copied: what comes from now on is kept for after it. */
  begin(): void {
    this.#state = { kept: [] };
  }

  /** The copy is on its way: send what was kept, then everything as it comes. */
  goLive(): void {
    const kept = typeof this.#state === 'object' ? this.#state.kept : [];
    this.#state = 'live';
    for (const bytes of kept) this.data(bytes);
  }

  data(bytes: Uint8Array): void {
    if (this.#state === 'live') this.user.outbox.consoleData(this.#addr, bytes);
    else if (this.#state !== 'waiting') this.#state.kept.push(bytes.slice());
  }

  note(kind: ServerNotes['console.note']['kind'], text: string, size?: { cols: number; rows: number }): void {
    this.user.outbox.note('console.note', { addr: this.#addr, kind, text, ...size });
  }
}
