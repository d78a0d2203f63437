/** Reads samples from before this server's start, which the state directory may hold (`history.json`). */
import * as z from 'zod';
import { recallTime } from '../../lib/clock.ts';
import { StateFile } from '../../lib/json-file.ts';
import { type Address, parseAddress } from '../../rack/address.ts';
import type { Sample } from '../../rack/reading.ts';
import { byAddress } from '../learned-store.ts';

const byte = z.number().int().min(0).max(255);
const fileShape = z.object({
  /** Time of the last values, by the clock of this boot. */
  until: z.object({ boot: z.string().nullable(), up: z.number(), wall: z.number() }),
  stepMs: z.number().positive(),
  /** Current and fan, oldest first. A node with a value had power. */
  nodes: byAddress(z.array(z.tuple([byte, byte]))),
});
export type EarlierHistory = z.infer<typeof fileShape>;

/** Calls `record` for each sample, oldest first. Samples of another boot have no known age and are left out. */
export function readEarlierHistory(
  stateDir: string,
  warn: (text: string) => void,
  record: (addr: Address, at: number, sample: Sample) => void,
): void {
  const file = new StateFile<EarlierHistory>(stateDir, 'history.json', fileShape, warn).read();
  const until = file === null ? null : recallTime(file.until);
  if (file === null || until === null) return;
  for (const [name, values] of Object.entries(file.nodes)) {
    const addr = parseAddress(name);
    if (addr === null) continue;
    for (const [i, [current, fan]] of values.entries()) {
      const at = until - (values.length - 1 - i) * file.stepMs;
      record(addr, at, { power: 'on', current, fan, at, rttMs: 0 });
    }
  }
}
