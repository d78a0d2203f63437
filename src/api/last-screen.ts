/** What a node's console showed last, for somebody who is not at it. */
import type { Address } from '../rack/address.ts';

export interface LastScreen {
  addr: Address;
  /** Server's clock. */
  now: number;
  /** Null: nothing that this console ever said is kept here. */
  seen: SeenScreen | null;
}

export interface SeenScreen {
  at: number;
  /**
   * `open`: somebody is at it, and it looks so now. `closed`: so it was left. `log`: it was not open since this server
   * started; made from the end of its log.
   */
  from: 'open' | 'closed' | 'log';
  /** Why it was closed; null where that is not known, or it is open. */
  why: string | null;
  cols: number;
  rows: number;
  /** Escape sequences that rebuild the screen in an empty emulator of this size; base64. */
  screen: string;
}
