/**
 * An outage with each fault of hooks, nodes, consoles, servers, disks and clocks, in virtual time; `outage-processes.test.ts` plays
 * those that are about processes.
 */
import { test } from 'vitest';
import { playOutage, titleOf } from './outage-play.ts';
import { RACK_FAULTS } from './rack-faults.ts';

for (const fault of RACK_FAULTS.filter(({ real }) => real !== true))
  test(titleOf(fault), { timeout: 180_000 }, () => playOutage(fault));
