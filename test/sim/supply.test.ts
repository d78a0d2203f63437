/** What feeds the rack: brown-outs, an outage, a battery. Time is by hand. */
import { beforeEach, expect, test } from 'vitest';
import { ASK_TO_SHUT_DOWN } from '../../src/sim/guest/ssh.ts';
import { WiredRack } from './wired-rack.ts';

let wired: WiredRack;

beforeEach(() => {
  wired = new WiredRack();
});

const supply = (): ReturnType<WiredRack['rack']['supply']['describe']> => wired.rack.supply.describe(wired.now);
/** Lets `ms` pass in small steps, as a clock does. */
function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 100) wired.wait(Math.min(100, left));
}

function switchAll(power: 'on' | 'off'): void {
  for (const addr of [1, 2, 3]) wired.node(addr).switchPower(power, wired.now);
}

test('four idle nodes draw some ten watts of their blade', () => {
  expect(supply()).toMatchObject({ limits: false, mains: true, battery: null, dead: false });
  expect(supply().blades['A']).toBeGreaterThan(7);
  expect(supply().blades['A']).toBeLessThan(18);
});

test('all of a blade that start together are served', () => {
  wired.rack.supply.limits = true;
  // The master's own board stands for a fourth that starts: so much more than its idle load.
  wired.rack.supply.bladeW = 50 - 9;
  switchAll('off');
  switchAll('on');
  pass(20_000);
  expect(wired.rack.counters().nodes).toMatchObject({ '01': { brownOuts: 0 }, '03': { brownOuts: 0 } });
  expect(wired.node(1).guest.phase).toBe('login');
});

test('more than the blade can feed: every board on it starts anew, but for the master', () => {
  wired.rack.supply.limits = true;
  wired.rack.supply.bladeW = 30;
  switchAll('off');
  switchAll('on');
  pass(300);
  expect(wired.node(1).guest.phase).toBe('dead');
  expect(wired.node(1).power).toBe('on');
  const { nodes } = wired.rack.counters();
  expect(['01', '02', '03'].map((addr) => nodes[addr]?.brownOuts)).toEqual([1, 1, 1]);
  expect(nodes['00']?.brownOuts).toBe(0);
  // They come back at different moments, and so they come up.
  pass(60_000);
  for (const addr of [1, 2, 3]) expect(wired.node(addr).guest.phase).toBe('login');
});

test('a node switched off while it waits to start anew stays off', () => {
  wired.rack.supply.limits = true;
  wired.rack.supply.bladeW = 30;
  switchAll('off');
  switchAll('on');
  pass(200);
  wired.node(2).switchPower('off', wired.now);
  pass(60_000);
  expect(wired.node(2).guest.phase).toBe('dead');
});

test('without a battery the mains are everything', () => {
  wired.rack.setMains(false, wired.now);
  expect(supply()).toMatchObject({ mains: false, dead: true, watts: 0 });
  expect(wired.send('[01]|=\x07')).toBe('');
  expect(wired.rack.counters().nodes['01']).toMatchObject({ lostPower: 1, off: 0, cutAlive: 0 });
  expect(wired.rack.counters().bus).toMatchObject({ catastrophe: false, masterCuts: 0 });
  wired.rack.setMains(true, wired.now);
  expect(wired.rack.locked).toBe(true);
  expect(wired.send('UnLockMe[01]|=\x07')).toMatch(/01 ff 1/);
});

test.each([
  ['', 'on', 'on'],
  ['mains=boots,mains-after-off=stays-off', 'on', 'off'],
  ['mains=stays-off,mains-after-off=stays-off', 'off', 'off'],
  ['mains=stays-off', 'off', 'on'],
])('mains return with ‘%s’: a node that was on is %s, one that had been cut is %s', (dialect, wasOn, wasCut) => {
  wired = new WiredRack({ dialect });
  wired.send('[02]|\\\x07');
  wired.node(3).switchPower('disabled', wired.now);
  wired.rack.setMains(false, wired.now);
  pass(3_000);
  wired.rack.setMains(true, wired.now);
  expect([1, 2, 3].map((addr) => wired.node(addr).power)).toEqual([wasOn, wasCut, 'disabled']);
  pass(60_000);
  expect(wired.node(1).describe(wired.now, 'drive').guest).toBe(wasOn === 'on' ? 'login' : 'dead');
  // Nobody on the bus switched them.
  expect(wired.rack.counters().nodes['01']).toMatchObject({ on: 0, off: 0 });
});

test('a board that is swapped tells another UUID of version 4', () => {
  const before = wired.send('[01]|#\x07');
  expect(before).toMatch(/\n {3}[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\r/);
  wired.node(1).swapBoard();
  const after = wired.send('[01]|#\x07');
  expect(after).toMatch(/\n {3}[0-9a-f-]{36}\r/);
  expect(after).not.toBe(before);
});

test('ZZ is four times YY, or a speed of its own', () => {
  const pair = (how: 'drive' | 'speed'): { current: number; fan: number } => wired.node(2).status(wired.now, how);
  expect(pair('drive').fan).toBe(4 * pair('drive').current);
  expect(
    Array.from({ length: 20 }, () => (wired.now += 5_000)).some(() => pair('speed').fan !== 4 * pair('speed').current),
  ).toBe(true);
  wired.node(2).faults.saturated = true;
  expect(pair('drive')).toMatchObject({ current: 0xff, fan: 0xff });
});

test('the manager’s own slot can ignore verbs, and they are counted all the same', () => {
  wired = new WiredRack({ dialect: 'self-verbs=ignored' });
  wired.send('\\');
  expect(wired.rack.counters().bus).toMatchObject({ masterCuts: 1, catastrophe: false });
  expect(wired.send('=')).toMatch(/00 00 1/);
});

test('a battery drains with the load, and mains that return save it', () => {
  // 12 W standing and some 11 W of nodes: 0.1 Wh last about 16 s.
  wired.rack.supply.setBattery(0.1, 0, wired.now);
  wired.rack.setMains(false, wired.now);
  pass(5_000);
  const left = supply().battery?.leftWh ?? 0;
  expect(left).toBeGreaterThan(0.05);
  expect(left).toBeLessThan(0.09);
  wired.rack.setMains(true, wired.now);
  pass(60_000);
  expect(supply().battery?.leftWh).toBe(left);
  wired.rack.setMains(false, wired.now);
  pass(30_000);
  expect(supply()).toMatchObject({ dead: true, battery: { leftWh: 0 } });
  expect(wired.rack.counters().nodes['02']?.lostPower).toBe(1);
});

test('nodes that were halted when the battery gave out lost nothing, and fewer nodes make it last longer', () => {
  wired.rack.supply.setBattery(0.1, 0, wired.now);
  wired.rack.setMains(false, wired.now);
  for (const addr of [1, 2, 3]) wired.node(addr).guest.runBySsh(ASK_TO_SHUT_DOWN, wired.now);
  pass(10_000);
  for (const addr of [1, 2, 3]) wired.node(addr).cut(wired.now);
  pass(7_000);
  expect(supply().dead).toBe(false);
  pass(60_000);
  expect(supply().dead).toBe(true);
  for (const addr of ['01', '02', '03'])
    expect(wired.rack.counters().nodes[addr]).toMatchObject({ off: 1, cutAlive: 0, lostPower: 0 });
});

test('a cut that hits a system that runs is counted as one', () => {
  wired.send('[01]|\\\x07');
  wired.node(2).guest.panic(wired.now);
  wired.send('[02]|\\\x07');
  const { nodes } = wired.rack.counters();
  expect(nodes).toMatchObject({ '01': { off: 1, cutAlive: 1 }, '02': { off: 1, cutAlive: 0 } });
});

test('a sensor that swings, and one at its end; an unpowered node draws nothing all the same', () => {
  const node = wired.node(1);
  const seen = (): number[] => Array.from({ length: 40 }, () => node.status((wired.now += 350)).current);
  const spread = (values: number[]): number => Math.max(...values) - Math.min(...values);
  const quiet = spread(seen());
  node.faults.jitter = 40;
  expect(spread(seen())).toBeGreaterThan(quiet + 20);
  node.faults.saturated = true;
  expect(new Set(seen())).toEqual(new Set([0xff]));
  node.switchPower('off', wired.now);
  expect(new Set(seen())).toEqual(new Set([0]));
});

test('a pipe that falls shut leaves the next byte to the master', () => {
  wired.send('[01]|');
  wired.rack.dropPipe();
  expect(wired.send('=')).toMatch(/00 00 1/);
});
