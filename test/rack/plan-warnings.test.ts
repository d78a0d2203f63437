import { describe, expect, test } from 'vitest';
import { inventoryOf, parseConfig } from '../../src/config/load.ts';
import { planMeans } from '../../src/config/validate.ts';
import { planWarnings, resolvePlan } from '../../src/rack/plan.ts';

const NODES = `nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: web-1 }
  - { addr: "02", name: web-2, ip: 192.0.2.2 }
`;
const plan = (step: string, selector = '"web-[1-2]"'): string =>
  `plans: { night: { steps: [{ name: rest, selector: ${selector}, ${step} }] } }\n`;

/** The warnings for the plan `night` of this configuration; `usual`: seconds of each node's usual way down. */
function warned(text: string, usual: number | null = null): string[] {
  const config = parseConfig(NODES + text, 'rack.yaml');
  const rack = inventoryOf(config);
  const { night } = config.plans;
  const resolved = night === undefined ? null : resolvePlan(night, rack);
  if (resolved?.ok !== true) throw new Error('no such plan');
  return planWarnings(
    resolved.steps,
    planMeans(config, rack, () => (usual === null ? null : usual * 1000)),
  );
}

const LOGIN = 'login: { user: pi, password: { file: /etc/word } }\n';

describe('a plan that cannot work is said before', () => {
  test.each<[string, string, number | null, RegExp]>([
    [
      'no login and no ssh',
      plan('action: off'),
      null,
      /^step rest: web-\[1-2\] cannot be asked to shut down: .*no login and no ssh$/,
    ],
    ['a cycle without either', plan('action: cycle', 'web-2'), null, /web-2 cannot be asked to shut down/],
    [
      'a hook without its program',
      `${LOGIN}${plan('action: off')}hooks: [{ when: before-off, nodes: web-1, run: [no-such-program-x] }]`,
      null,
      /before-off hook of web-1 has no program no-such-program-x/,
    ],
    [
      'a hook whose path is a folder',
      `${LOGIN}${plan('action: on')}hooks: [{ when: after-on, nodes: all, run: [/tmp] }]`,
      null,
      /after-on hook of web-\[1-2\] has no program \/tmp/,
    ],
    [
      'a deadline below the settle time',
      `${LOGIN}${plan('action: off, deadline: 4')}`,
      null,
      /deadline of 4 s is not longer than shutdown\.settle \(5 s\)/,
    ],
    [
      'a deadline below the usual time',
      `${LOGIN}${plan('action: off, deadline: 30')}`,
      40,
      /deadline of 30 s is too short for web-\[1-2\], which usually takes 45 s/,
    ],
    ['a master without poweroff', `${LOGIN}${plan('action: off', 'boss')}`, null, /the master stays on/],
  ])('%s', (_what, text, usual, sentence) => {
    expect(warned(text, usual)).toEqual([expect.stringMatching(sentence)]);
  });
});

test.each<[string, string, number | null]>([
  ['a login', `${LOGIN}${plan('action: off')}`, 40],
  ['ssh, by ip or by name', `ssh: {}\n${plan('action: off')}`, null],
  ['an on needs nobody asked', plan('action: on'), null],
  [
    'a hook for another moment',
    `${LOGIN}${plan('action: on')}hooks: [{ when: before-off, nodes: all, run: [no-such-program-x] }]`,
    null,
  ],
  [
    'a program that is found by PATH',
    `${LOGIN}${plan('action: off')}hooks: [{ when: before-off, nodes: all, run: [sh, -c, "true"] }]`,
    null,
  ],
  ['a deadline that is long enough', `${LOGIN}${plan('action: off, deadline: 60')}`, 40],
])('nothing is said against a plan with %s', (_what, text, usual) => {
  expect(warned(text, usual)).toEqual([]);
});
