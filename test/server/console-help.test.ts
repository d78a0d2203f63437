/** What a console offers beside typing and watching: handing over, notes, logs, rates, triggers, samples in silence. */
import { expect, test } from 'vitest';
import { eventually, Harness, NODES, refusal, type Operator } from './harness.ts';

const ALPHA = 1;
const open = { addr: ALPHA, take: false, watch: false };
const LOG = { addr: ALPHA, kind: 'lines', cursor: null, since: null, search: null } as const;

async function start(console: Record<string, unknown> = {}, greeting = 'alpha login: '): Promise<Harness> {
  const harness = await Harness.start({ config: { nodes: NODES, console } });
  harness.rack.greeting = greeting;
  return harness;
}

async function attached(rack: Harness, user: string): Promise<Operator> {
  const operator = await rack.ready(user);
  await operator.client.request('console.attach', open);
  return operator;
}

test('who types hands the keyboard over; nobody else can, and only to who is there', async () => {
  await using rack = await start();
  const alice = await attached(rack, 'alice');
  await eventually(() => expect(alice.seen).toContain('login'));
  const bob = await attached(rack, 'bob');
  const carol = await rack.ready('carol');
  expect((await refusal(bob.client.request('console.give', { session: bob.id }))).message).toMatch(
    /only the session with the keyboard/,
  );
  const nowhere = await refusal(alice.client.request('console.give', { session: carol.id }));
  expect(nowhere.message).toMatch(/is not at the console of alpha \(A-1, 01\)/);
  expect(await alice.client.request('console.give', { session: bob.id })).toMatchObject({
    holder: bob.id,
    holderName: 'bob',
    watchers: [alice.id],
  });
  await eventually(() => expect(bob.told).toContain('given: alice transferred the keyboard to you'));
  await eventually(() => expect(alice.told).toContain('taken: you transferred the keyboard to bob'));
  bob.type(ALPHA, 'hi');
  await eventually(() => expect(rack.rack.consoleInput).toBe('hi'));
  await eventually(() => expect(rack.file('consoles/alpha.log')).toMatch(/\* alice transferred the keyboard to bob\n/));
});

test("an operator's note stands in the log under their name, without control characters, and everybody there sees it", async () => {
  await using rack = await start();
  const alice = await attached(rack, 'alice');
  const bob = await attached(rack, 'bob');
  await bob.client.request('console.log', { text: 'fan swapped \x1b[2J\n2026 * bob left' });
  await eventually(() => expect(alice.told.at(-1)).toMatch(/^note: note by bob: fan swapped/));
  await eventually(() =>
    expect(rack.file('consoles/alpha.log')).toMatch(/Z \* note by bob: fan swapped \?\[2J\?2026 \* bob left\n/),
  );
  const carol = await rack.ready('carol');
  expect((await refusal(carol.client.request('console.log', { text: 'x' }))).message).toMatch(
    /this session has no console/,
  );
});

test('the log is read in pieces: lines, a search, raw bytes, and on from where it ended', async () => {
  await using rack = await start({}, 'one\r\nTwo\r\n');
  const alice = await attached(rack, 'alice');
  await eventually(() => expect(rack.file('consoles/alpha.log')).toContain('Two'));
  const piece = await alice.client.request('log.read', LOG);
  expect(piece.data).toMatch(/\* console opened\n.*\* alice joined\n.*\* alice types\n.*\| one\n.*\| Two\n$/);
  expect((await alice.client.request('log.read', { ...LOG, search: 'TWO' })).data).toMatch(/^\S+ \| Two\n$/);
  // The bytes have a file of their own, which may be written later.
  await eventually(async () => {
    const raw = await alice.client.request('log.read', { ...LOG, kind: 'raw' });
    expect(Buffer.from(raw.data, 'base64').toString()).toBe('one\r\nTwo\r\n');
  });
  rack.rack.say('three\r\n');
  await eventually(() => expect(rack.file('consoles/alpha.log')).toContain('three'));
  const rest = await alice.client.request('log.read', { ...LOG, cursor: piece.cursor });
  expect(rest.data).toMatch(/^\S+ \| three\n$/);
  expect((await alice.client.request('log.read', { ...LOG, addr: 2 })).data).toBe('');
  await refusal(alice.client.request('log.read', { ...LOG, addr: 0x40 }));
});

test('another rate: of the node in the configuration, and by command; who is there stays there', async () => {
  const nodes = NODES.map((node) => (node.name === 'beta' ? { ...node, baud: 9600 } : node));
  await using rack = await Harness.start({ config: { nodes } });
  rack.rack.greeting = 'login: ';
  const alice = await attached(rack, 'alice');
  const bob = await attached(rack, 'bob');
  await eventually(() => expect(rack.rack.written).toMatch(/\[00\]~$/));
  await refusal(bob.client.request('console.baud', { baud: 9600 }));
  expect(await alice.client.request('console.baud', { baud: 57600 })).toMatchObject({ baud: 57600, holder: alice.id });
  await eventually(() => expect(rack.rack.written).toMatch(/\[03\]~$/));
  await eventually(() => expect(alice.seen.match(/login/g)).toHaveLength(2));
  await eventually(() => expect(bob.seen).toContain('login'));
  alice.type(ALPHA, 'x');
  await eventually(() => expect(rack.rack.consoleInput).toBe('x'));
  await alice.client.request('console.attach', { ...open, addr: 2 });
  await eventually(() => expect(rack.rack.written).toMatch(/\[01\]~$/));
});

test('a line that matches a trigger is an event and an alarm, told once a minute, over when the node starts anew', async () => {
  const triggers = ['panic', { name: 'disk', match: 'I/O error, dev (\\w+)', nodes: 'alpha', level: 'warning' }];
  await using rack = await start({ triggers });
  const alice = await attached(rack, 'alice');
  const alarms = (): string[] | undefined =>
    alice.updates
      .findLast(({ nodes }) => nodes?.some(({ addr }) => addr === ALPHA))
      ?.nodes?.find(({ addr }) => addr === ALPHA)?.alarms;
  await eventually(() => expect(alice.seen).toContain('login'));
  rack.rack.say('\r\n[ 9.1] \x1b[31mKernel pa\x1b[0m');
  rack.rack.say('nic - not syncing: oh\r\nKernel panic - not syncing\r\nI/O error, dev sda\r\n');
  await eventually(() => expect(alarms()).toEqual(['console', 'system-failed']));
  await eventually(() => expect(alice.events.filter(({ topic }) => topic === 'console')).toHaveLength(2));
  expect(alice.events.filter(({ topic }) => topic === 'console')).toMatchObject([
    {
      level: 'alarm',
      addr: ALPHA,
      text: 'alpha (A-1, 01): panic on its console: [ 9.1] Kernel panic - not syncing: oh',
    },
    { level: 'warning', text: expect.stringContaining('disk on its console') as string },
  ]);
  const { standing } = await alice.client.request('alarms.list', { limit: 10 });
  expect(standing).toMatchObject([
    { kind: 'console', addr: ALPHA, text: 'panic on its console' },
    { kind: 'system-failed', addr: ALPHA, text: expect.stringContaining('its system is not up') as string },
  ]);
  rack.rack.say('[    0.000000] Linux version 6.12\r\n');
  await eventually(() => expect(alarms()).toEqual([]));
});

test('a trigger for boots is one event for each boot with the number of matches, and none for lines of a running system', async () => {
  const own = { name: 'slow', match: 'start job is running', level: 'notice', boot: true };
  const two = '2 lines in this boot, the first: ';
  await using rack = await start({ triggers: ['boot-error', own] });
  const alice = await attached(rack, 'alice');
  await eventually(() => expect(alice.seen).toContain('login'));
  rack.rack.say('\r\nerror: of a running system\r\n[    0.000000] Booting Linux on physical CPU 0x0\r\n');
  rack.rack.say('[    0.000000] Linux version 6.12\r\nEXT4-fs: errors=remount-ro\r\nA start job is running for x\r\n');
  rack.rack.say('[FAILED] Failed to start one.\r\n[FAILED] Failed to start two.\r\nA start job is running for y\r\n');
  rack.rack.say('alpha login: pi\r\nerror: after the login\r\n');
  await eventually(() => expect(alice.seen).toContain('after the login'));
  await eventually(() => expect(alice.events.filter(({ topic }) => topic === 'console')).toHaveLength(2));
  expect(alice.events.filter(({ topic }) => topic === 'console')).toMatchObject([
    { level: 'notice', text: `alpha (A-1, 01): slow on its console: ${two}A start job is running for x` },
    { level: 'warning', text: `alpha (A-1, 01): boot-error on its console: ${two}[FAILED] Failed to start one.` },
  ]);
  // The next boot has its own at once, however soon it comes.
  rack.rack.say('[    0.000000] Linux version 6.12\r\n[FAILED] Failed to start three.\r\nalpha login: \r\n');
  await eventually(() => expect(alice.events.filter(({ topic }) => topic === 'console')).toHaveLength(3));
  expect(alice.events.findLast(({ topic }) => topic === 'console')).toMatchObject({
    text: 'alpha (A-1, 01): boot-error on its console: [FAILED] Failed to start three.',
  });
});

test('other nodes are read beside a silent console, counted in the log; never while bytes flow', async () => {
  await using rack = await start({ telemetry: 'idle', idle: 1 });
  const alice = await attached(rack, 'alice');
  await eventually(() => expect(alice.seen).toContain('login'));
  const statuses = (): number => rack.rack.written.split('=').length;
  const before = statuses();
  // For longer than the silence that it waits for, and never silent for so long.
  for (let n = 0; n < 12; n++) {
    rack.rack.say('.');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(statuses()).toBe(before);
  await eventually(() => expect(statuses()).toBeGreaterThan(before + 3));
  await eventually(() => expect(alice.updates.some(({ nodes }) => nodes?.some(({ addr }) => addr === 3))).toBe(true));
  rack.rack.say('back\r\n');
  await eventually(() =>
    expect(rack.file('consoles/alpha.log')).toMatch(/\* (a gap|\d+ gaps) of \d\.\d{3} s in all: other nodes were read/),
  );
  expect(alice.told.filter((note) => note.startsWith('gap:'))).toEqual([]);
});

test('reads beside a console are switched while it is open, and clients are told', async () => {
  await using rack = await start({ idle: 1 });
  const alice = await attached(rack, 'alice');
  const statuses = (): number => rack.rack.written.split('=').length;
  await alice.client.request('console.reads', { on: true });
  await eventually(() => expect(alice.updates.some(({ bus }) => bus?.quietReads === true)).toBe(true));
  const before = statuses();
  await eventually(() => expect(statuses()).toBeGreaterThan(before + 3));
  await alice.client.request('console.reads', { on: false });
  await eventually(() => expect(alice.updates.at(-1)?.bus?.quietReads ?? false).toBe(false));
  const after = statuses();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  // One read may have been under way.
  expect(statuses()).toBeLessThanOrEqual(after + 3);
});

test('most of what comes is unreadable: the rate is doubted in words', async () => {
  await using rack = await start({}, 'login: ');
  const alice = await attached(rack, 'alice');
  await eventually(() => expect(alice.seen).toContain('login'));
  rack.rack.say(Array.from({ length: 300 }, (_, n) => String.fromCharCode(128 + ((n * 37) % 128))).join(''));
  await eventually(() => expect(alice.told.join('\n')).toMatch(/baud: most of the output is not text.*115200 baud/));
});
