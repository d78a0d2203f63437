/** Plans of several racks: what is wrong in them, which parts may start, and when a run waits or is over. */
import { describe, expect, test } from 'vitest';
import {
  canBegin,
  fleetExitCode,
  type FleetPartState,
  fleetPlanProblems,
  type FleetRun,
  isComplete,
  partName,
  partsOf,
  requeue,
  skipParts,
  startable,
} from '../../src/rack/fleet-plan.ts';

type Written = [states: FleetPartState[], onFail?: 'pause' | 'skip'];

interface How {
  armed?: boolean;
  /** Exit codes of racks. */
  codes?: Readonly<Record<string, number>>;
}

/** Steps with one part for each state, on racks a, b, … */
function run(steps: Written[], { armed = false, codes = {} }: How = {}): FleetRun {
  let rack = 0;
  return {
    ...{ id: 'f1', plan: 'p', by: 'ada', armed, state: 'running', detail: '' },
    steps: steps.map(([states, onFail = 'pause'], index) => ({
      ...{ name: `s${index}`, onFail },
      parts: states.map((state) => {
        const name = String.fromCharCode(97 + rack++);
        const code = codes[name] ?? (state === 'done' ? 0 : null);
        return {
          ...{ rack: name, plan: 'x', state, request: name, run: null, confirmed: true, confirm: null },
          ...{ exitCode: code, detail: '' },
        };
      }),
    })),
  };
}

const starts = (...args: Parameters<typeof run>): string =>
  startable(run(...args))
    .map(partName)
    .join(' ');

describe('the parts that may start', () => {
  test.each<[why: string, steps: Written[], parts: string]>([
    ['all of the first step, at once', [[['waiting', 'waiting']], [['waiting']]], 'a/x b/x'],
    ['the rest of a step that has begun', [[['running', 'waiting']], [['waiting']]], 'b/x'],
    ['none of the next step while one runs', [[['done', 'running']], [['waiting']]], ''],
    ['the next step when all are done or skipped', [[['done', 'skipped']], [['waiting']]], 'c/x'],
    ['none after one that is incomplete', [[['done', 'incomplete']], [['waiting']]], ''],
    ['none after one that was not reached', [[['unreached']], [['waiting']]], ''],
    ['none after one that was refused', [[['refused']], [['waiting']]], ''],
    ['none after one that is lost, or waits on its rack', [[['lost', 'held']], [['waiting']]], ''],
    ['none after one that was asked, and may have begun', [[['asked'], 'skip'], [['waiting']]], ''],
    ['the next step where failures are skipped', [[['unreached', 'incomplete'], 'skip'], [['waiting']]], 'c/x'],
    ['none while another part of a skipping step runs', [[['unreached', 'running'], 'skip'], [['waiting']]], ''],
  ])('%s', (_why, steps, parts) => {
    expect(starts(steps)).toBe(parts);
  });

  test('in an armed run no failure keeps the next step', () => {
    expect(starts([[['unreached', 'refused', 'lost']], [['waiting']]], { armed: true })).toBe('d/x');
    expect(starts([[['running']], [['waiting']]], { armed: true })).toBe('');
  });
});

test('a run with a part under way is not over, whatever its steps skip', () => {
  expect(isComplete(run([[['done', 'skipped']]]))).toBe(true);
  expect(isComplete(run([[['incomplete', 'unreached'], 'skip']]))).toBe(true);
  for (const state of ['held', 'lost', 'running', 'asked'] as const)
    expect(isComplete(run([[['done', state], 'skip']])), state).toBe(false);
});

test('a resume begins only parts of which nothing was begun', () => {
  const all = run([[['waiting', 'unreached', 'refused', 'asked', 'running', 'held', 'lost', 'done', 'incomplete']]]);
  expect(
    partsOf(all)
      .filter(canBegin)
      .map(({ state }) => state),
  ).toEqual(['waiting', 'unreached', 'refused']);
  requeue(all);
  expect(partsOf(all).map(({ state }) => state)).toEqual([
    'waiting',
    'waiting',
    'waiting',
    'asked',
    'running',
    'held',
    'lost',
    'done',
    'incomplete',
  ]);
});

test('what may run on its rack cannot be left out; the others can, together or not at all', () => {
  const mixed = run([[['incomplete', 'held']]]);
  expect(skipParts(partsOf(mixed), 'ada').map(partName)).toEqual(['b/x']);
  expect(partsOf(mixed).map(({ state }) => state)).toEqual(['incomplete', 'held']);
  const ended = run([[['incomplete', 'unreached', 'done']]]);
  expect(skipParts(partsOf(ended), 'ada')).toEqual([]);
  expect(partsOf(ended).map(({ state }) => state)).toEqual(['skipped', 'skipped', 'done']);
});

test.each<[why: string, steps: Written[], codes: Record<string, number>, code: number]>([
  ['all done', [[['done', 'done']]], {}, 0],
  ['one refused, and nothing else begun', [[['refused']], [['waiting']]], { a: 3 }, 3],
  ['one not reached, and nothing else begun', [[['unreached']], [['waiting']]], { a: 5 }, 5],
  ['one done, the next one waits', [[['done']], [['waiting']]], {}, 2],
  ['one done, one not reached', [[['done', 'unreached']]], { b: 5 }, 2],
  ['left out after it was not reached', [[['done', 'skipped']]], { b: 5 }, 2],
  ['left out before it began', [[['done', 'skipped']]], {}, 0],
  ['a cut without proof, among others', [[['done', 'incomplete', 'unreached']]], { b: 6, c: 5 }, 6],
  ['aborted before anything began', [[['aborted']]], {}, 2],
])('exit code: %s', (_why, steps, codes, code) => {
  expect(fleetExitCode(run(steps, { codes }))).toBe(code);
});

test('problems name the place: unknown racks and plans, doubles, two plans of a rack at once', () => {
  const plansOf = (rack: string): string[] | null => (rack === 'north' ? ['shed', 'back'] : null);
  const problems = fleetPlanProblems(
    {
      steps: [
        { name: 'a', onFail: 'pause', plans: ['north/shed', 'south/any', 'nroth/shed', 'north/shde', 'north/back'] },
        { name: 'a', onFail: 'pause', plans: ['north/shed', 'shed'] },
      ],
    },
    ['north', 'south'],
    { plansOf, endsHere: () => false },
  );
  expect(problems).toEqual([
    { step: 0, plan: 2, message: "there is no rack 'nroth'; racks: north, south; did you mean 'north'?" },
    { step: 0, plan: 3, message: "rack north has no plan 'shde'; its plans: shed, back; did you mean 'shed'?" },
    { step: 0, plan: 4, message: 'north is in this step already: plans of one rack need steps of their own' },
    { step: 1, plan: null, message: "step 'a' is defined twice: names of steps must be unique" },
    { step: 1, plan: 0, message: 'north/shed is in this plan already' },
    { step: 1, plan: 1, message: "'shed': write RACK/PLAN, such as north/shed-dev" },
  ]);
});

test('a plan that shuts down the machine that drives the whole is alone in the last step', () => {
  const here = { plansOf: () => null, endsHere: (rack: string, plan: string) => rack === 'here' && plan === 'all' };
  const problems = (...steps: string[][]): string[] =>
    fleetPlanProblems(
      { steps: steps.map((plans, index) => ({ name: `s${index}`, onFail: 'pause', plans })) },
      ['here', 'north'],
      here,
    ).map(({ step, message }) => `${step}: ${message}`);
  const why = 'here/all shuts down this machine, which drives the plan: it must be alone in the last step';
  expect(problems(['north/all'], ['here/all'])).toEqual([]);
  expect(problems(['here/all'], ['north/all'])).toEqual([`0: ${why}`]);
  expect(problems(['north/all', 'here/all'])).toEqual([`0: ${why}`]);
  expect(problems(['here/workers', 'north/all'], ['here/all'])).toEqual([]);
});
