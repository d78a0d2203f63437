/**
 * An outage with those of its faults that are about processes, on NUT's own upsd: a server's death, one of another user, a date that is
 * set. NUT's own upsmon is in `test/scenarios/outage-loop.test.ts`, a stopped server and a full disk in `outage-last.test.ts`.
 */
import { describe, test } from 'vitest';
import { missingNut } from '../support/nut.ts';
import { KILLED_PROCESSES } from './killed-fault.ts';
import { OUTAGE_FAULTS, playOutage, titleOf } from './outage-play.ts';

/** Racks at once: each is five processes, which wait more than they work. */
const LANES = 3;
const faults = [KILLED_PROCESSES, ...OUTAGE_FAULTS.filter(({ real }) => real === true)];
const missing = missingNut.length > 0 ? ` (missing here: ${missingNut.join(', ')})` : '';

for (let lane = 0; lane < LANES; lane++)
  describe.skipIf(missing !== '').concurrent(`outage, lane ${lane + 1}${missing}`, () => {
    for (const fault of faults.filter((_, index) => index % LANES === lane))
      test.skipIf((fault.missing ?? null) !== null)(titleOf(fault), { timeout: 420_000, concurrent: false }, () =>
        playOutage(fault),
      );
  });
