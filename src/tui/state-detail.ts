/** What the detail pane knows of nodes beyond what all clients are told. Pure. */
import type { NodeDetail } from '../api/detail.ts';
import type { Address } from '../rack/address.ts';

export interface Detail {
  /** The latest answer; of another node than the selected one it is shown to nobody. */
  answer: NodeDetail | null;
  /** A question on its way: only one is, however fast the cursor moves. */
  asked: { at: number } | null;
  /** Why there is no answer, in words. */
  failed: string | null;
  /** UIDs as their BMCs sent them, or why not. */
  uids: ReadonlyMap<Address, string>;
}

export const NO_DETAIL: Detail = { answer: null, asked: null, failed: null, uids: new Map() };
