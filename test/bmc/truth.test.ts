/**
 * Whatever happens on the line, what is shown of a node is a state that its BMC had within the exchange that the reading
 * stands for, or it is unknown. Random histories; a failing one is shrunk to its shortest form.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PRIORITY } from '../../src/bmc/types.ts';
import { RackState, shownPower } from '../../src/rack/reading.ts';
import { noBmcFaults, type BmcFaults } from '../../src/sim/rack/faults.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { WiredBus } from './wired-bus.ts';

const NODES = 4;
const addr = fc.nat(NODES - 1);
const slave = fc.integer({ min: 1, max: NODES - 1 });

const fault: fc.Arbitrary<Partial<BmcFaults>> = fc.oneof(
  fc.constant({}),
  fc.constant({ silent: true }),
  fc.constant({ torn: true }),
  fc.record({ garble: fc.double({ min: 0.02, max: 0.5, noNaN: true }) }),
  fc.record({ slowMs: fc.integer({ min: 1, max: 900 }) }),
  fc.record({ wrongId: addr }),
);

type Step =
  | { do: 'ask'; addr: number }
  | { do: 'sweep' }
  | { do: 'power'; addr: number; state: 'on' | 'off' | 'disabled' }
  | { do: 'fault'; addr: number; fault: Partial<BmcFaults> }
  | { do: 'noise'; chance: number }
  | { do: 'mute'; on: boolean }
  | { do: 'wedge'; addr: number }
  | { do: 'lock' }
  | { do: 'unplug' }
  | { do: 'replug' }
  | { do: 'wait'; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), addr }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  fc.record({ do: fc.constant('power' as const), addr: slave, state: fc.constantFrom('on', 'off', 'disabled') }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fault' as const), addr, fault }) },
  fc.record({ do: fc.constant('noise' as const), chance: fc.constantFrom(0, 0.5, 1) }),
  fc.record({ do: fc.constant('mute' as const), on: fc.boolean() }),
  fc.record({ do: fc.constant('wedge' as const), addr }),
  fc.record({ do: fc.constant('lock' as const) }),
  fc.record({ do: fc.constant('unplug' as const) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replug' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 5_000 }) }) },
);

test('the shown state of a node is one that its BMC had in the exchange, or unknown', async () => {
  const seen = { on: 0, off: 0, disabled: 0, unknown: 0, absent: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(1_000), async (steps, seed) => {
      using time = new VirtualTime();
      const wired = new WiredBus(time, { nodes: NODES, seed });
      wired.bus.start();
      await time.until(pause(500));
      const shown = new RackState();
      // One expectation for a history: one for each of a million readings would be most of the test's work.
      const wrong: unknown[] = [];
      for (const one of steps) {
        const { asked, reconnected } = await perform(one, wired, time, shown);
        for (const addr of asked) {
          const reading = shown.reading(addr);
          const power = shownPower(reading);
          seen[power]++;
          // Only a sample is a state; it must be the very reply that this BMC gave, and tell its own age.
          const ok = reading.state === 'ok';
          const held =
            ok === (power !== 'unknown' && power !== 'absent') &&
            (!ok || (wired.bearsOut(addr, reading.sample) && reading.sample.at <= time.now));
          if (!held) wrong.push({ addr, reading, power, after: one, now: time.now });
        }
        const { master } = wired.bus.health;
        if (reconnected && master !== null && master !== 0) wrong.push({ master, after: one });
      }
      await time.until(wired.bus.close());
      expect(wrong).toEqual([]);
    }),
    { numRuns: 1_500, seed: 20, endOnFailure: false },
  );
  // A history in which nothing fails, or nothing is ever read, would prove nothing.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
}, 120_000);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Does one step; `asked`: whose readings are new. */
async function perform(
  step: Step,
  wired: WiredBus,
  time: VirtualTime,
  shown: RackState,
): Promise<{ asked: number[]; reconnected: boolean }> {
  const { rack, bus } = wired;
  switch (step.do) {
    case 'ask':
    case 'sweep': {
      // One that is not there is asked too: absent is a state of its own.
      const asked = step.do === 'ask' ? [step.addr] : Array.from({ length: NODES + 1 }, (_, addr) => addr);
      const outcomes = await time.until(Promise.all(asked.map((addr) => bus.status(addr, PRIORITY.sweep))));
      const told = asked.filter((addr, i) => {
        const outcome = outcomes[i];
        if (outcome === undefined || (!outcome.ok && outcome.failure === 'bus')) return false;
        shown.apply(addr, outcome, 'sweep', time.now);
        return true;
      });
      return { asked: told, reconnected: false };
    }
    case 'power':
      wired.node(step.addr).switchPower(step.state, time.now);
      break;
    case 'fault':
      // A stray pipe that ends at a node which calls itself what was asked for cannot be told from the truth.
      if (step.fault.wrongId === undefined || rack.pipe === null)
        wired.node(step.addr).faults = { ...noBmcFaults(), ...step.fault };
      break;
    case 'noise':
      rack.faults.noise = step.chance;
      break;
    case 'mute':
      rack.faults.silent = step.on;
      break;
    case 'wedge':
      if ([...rack.nodes.values()].every(({ faults }) => faults.wrongId === null)) rack.wedge(step.addr);
      break;
    case 'lock':
      rack.locked = true;
      break;
    case 'unplug':
      wired.unplug();
      break;
    case 'replug':
      wired.replug();
      await time.until(pause(2_000));
      return { asked: [], reconnected: true };
    case 'wait':
      await time.until(pause(step.ms));
  }
  return { asked: [], reconnected: false };
}
