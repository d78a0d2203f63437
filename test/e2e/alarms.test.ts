/** Alarms from the node to the screen: provoked in the simulated rack, seen, acknowledged, cleared. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stand, type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

const CONFIG = `
name: test rack
port: /dev/null
poll: { interval: 0.2 }
alarms: { fanStopped: 8, currentHigh: 200, after: 0.3 }
nodes:
${[0, 1, 2, 3, 4, 5, 6, 7].map((n) => `  - { addr: "0${n}", name: n${n}${n === 5 ? ', chassisFan: 1' : ''} }`).join('\n')}
`;

let rack: Stand;
let screen: TestTerminal;
beforeAll(async () => {
  rack = await stand({ config: CONFIG });
  screen = rack.open({ cols: 120, rows: 40 });
  await screen.waitFor(/\b8 on\b/);
});
afterAll(async () => {
  await screen.close();
  await rack[Symbol.asyncDispose]();
});

type Ctl = [verb: string, params: Record<string, unknown>];

test.each<[what: string, provoke: Ctl, ease: Ctl, says: RegExp]>([
  ['lost', ['silent', { node: '03' }], ['silent', { node: '03', on: false }], /n3 03 does not answer/],
  ['disabled', ['disabled', { node: '03' }], ['disabled', { node: '03', on: false }], /n3 03 its BMC says disabled/],
  [
    'current high',
    ['shows-current', { node: '03', counts: '240' }],
    ['shows-current', { node: '03', counts: 'truth' }],
    /n3 03 draws 240 counts; the limit is 200/,
  ],
  [
    'power changed by nobody here, and its chassis fan',
    ['power', { node: '05', state: 'off' }],
    ['power', { node: '05', state: 'on' }],
    /n5 05 is off: chassis fan 1 stands still/,
  ],
  ['the bus', ['unplug', {}], ['replug', {}], /bus down: /],
])('%s: seen, acknowledged, cleared', async (_what, provoke, ease, says) => {
  await rack.rack.ctl(...provoke);
  await screen.waitFor(/▲ \d alarms?/);
  screen.type('a');
  await screen.waitFor(says);
  screen.type('A');
  await screen.waitFor((s) => !/▲ \d alarms?/.test(s.text()), 'no alarm that asks for somebody');
  await rack.rack.ctl(...ease);
  await screen.waitFor((s) => !says.test(s.text()), 'the alarm gone');
  screen.type('A');
  screen.type('q');
  await screen.waitFor(/\b8 on\b/);
  // What the easing itself raised (power that came back by nobody here) is seen off, too.
  const client = await rack.client();
  await client.request('alarms.ack', { ids: null });
  await screen.waitFor((s) => !s.text().includes('▲'));
  const { past } = await client.request('alarms.list', { limit: 10 });
  expect(past.at(-1)).toMatchObject({ acknowledged: { by: expect.any(String) as string } });
});

test('over before anybody looked: it stays until it was seen', async () => {
  await rack.rack.ctl('silent', { node: '02' });
  await screen.waitFor(/▲ 1 alarm/);
  await rack.rack.ctl('silent', { node: '02', on: false });
  await screen.waitFor(/\b8 on\b/);
  screen.type('a');
  await screen.waitFor(/n2 02 does not answer .*over after/);
  screen.type(' ');
  await screen.waitFor(/No alarm stands/);
  screen.type('q');
});
