/** A cut is refused where the node is not any more what its preview showed. */
import { expect, test } from 'vitest';
import type { NodeSeen, PowerRequest } from '../../src/api/power.ts';
import { changedSince } from '../../src/power/guards.ts';
import type { Power } from '../../src/rack/reading.ts';
import type { System } from '../../src/rack/system-state.ts';

function refusals(
  seen: Omit<NodeSeen, 'addr'> | null,
  power: Power | null,
  system: System,
  verb: PowerRequest['verb'] = 'off',
) {
  const request = { verb, seen: seen ? [{ addr: 5, ...seen }] : undefined } as PowerRequest;
  const sample = { power: power ?? 'on', current: 30, fan: 110, at: 0, rttMs: 3 };
  const status = power
    ? ({ ok: true, sample, master: false } as const)
    : ({ ok: false, failure: 'silent', detail: '' } as const);
  return changedSince(request, { addr: 5, node: null, status }, { system });
}

test.each<[string, Omit<NodeSeen, 'addr'> | null, Power | null, System]>([
  ['nothing changed', { power: 'on', system: 'up' }, 'on', 'up'],
  ['its system was not known then', { power: 'on', system: 'unknown' }, 'on', 'halted'],
  ['nobody looked', null, 'on', 'up'],
  ['it does not answer, which another rule refuses', { power: 'on', system: 'up' }, null, 'up'],
  ['it did not answer then', { power: null, system: 'unknown' }, 'on', 'up'],
])('a cut goes on where %s', (_why, seen, power, system) => {
  expect(refusals(seen, power, system)).toEqual([]);
});

test.each<[Omit<NodeSeen, 'addr'>, Power, System, string]>([
  [{ power: 'on', system: 'up' }, 'off', 'unknown', 'it was on and is off now'],
  [{ power: 'off', system: 'unknown' }, 'on', 'booting', 'it was off and is on now'],
  [{ power: 'on', system: 'halted' }, 'on', 'up', 'it was halted and is up now'],
  [{ power: 'on', system: 'booting' }, 'on', 'up', 'it was booting and is up now'],
  [{ power: 'on', system: 'halted' }, 'on', 'unknown', 'it was halted and is unknown now'],
])('a cut is refused where %o became %s and %s', (seen, power, system, words) => {
  for (const verb of ['off', 'force-off', 'cycle', 'force-cycle'] as const) {
    const [refusal] = refusals(seen, power, system, verb);
    expect(refusal).toMatchObject({ rule: 'changed', message: expect.stringContaining(words) as string });
  }
  expect(refusals(seen, power, system, 'on')).toEqual([]);
});
