/** What is known of the last screen of the node that the pane is about; the screen itself is in an emulator. Plain data. */
import type { SeenScreen } from '../api/last-screen.ts';
import type { Address } from '../rack/address.ts';

export interface LastScreens {
  asked: { addr: Address; at: number } | null;
  /** `now`: when it was answered, server's clock. */
  answer: { addr: Address; now: number; seen: Omit<SeenScreen, 'cols' | 'rows' | 'screen'> | null } | null;
  /** Why there is no answer, in words. */
  failed: string | null;
}

export const NO_LAST_SCREEN: LastScreens = { asked: null, answer: null, failed: null };
