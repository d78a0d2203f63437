import { expect, test } from 'vitest';
import { RPC_ERROR } from '../../src/api/methods.ts';
import { NodeScreen } from '../../src/console/screen.ts';
import { Participants, type ConsoleUser } from '../../src/server/consoles/participants.ts';
import { eventually, Harness, refusal, type Operator } from './harness.ts';

const ALPHA = 1;
const BETA = 2;
const open = { addr: ALPHA, take: false, watch: false };

async function start(greeting = 'alpha login: '): Promise<Harness> {
  const harness = await Harness.start();
  harness.rack.greeting = greeting;
  return harness;
}

async function attach(operator: Operator, request = open): Promise<void> {
  await operator.client.request('console.attach', request);
}

async function screenOf(operator: Operator, request: typeof open): Promise<string> {
  const { cols, rows, screen } = await operator.client.request('console.attach', request);
  const emulator = new NodeScreen({ cols, rows, scrollback: 100 });
  emulator.write(Buffer.from(screen, 'base64'));
  await emulator.flush();
  const text = emulator.text();
  emulator.dispose();
  return text;
}

test('what the node says reaches its operator and the file; keys reach the node', async () => {
  await using rack = await start();
  const alice = await rack.ready();
  const joined = await alice.client.request('console.attach', open);
  expect(joined).toMatchObject({ addr: ALPHA, role: 'types', cols: 80, rows: 24, console: { holder: alice.id } });
  await eventually(() => expect(alice.seen).toBe('alpha login: '));
  alice.type(ALPHA, 'pi\r');
  await eventually(() => expect(rack.rack.consoleInput).toBe('pi\r'));
  await alice.client.request('console.detach', {});
  await eventually(() =>
    expect(rack.file('consoles/alpha.log')).toMatch(/console opened[^]*alpha login: [^]*console closed: alice/),
  );
});

test('telemetry pauses while a console is open, says so, and goes on afterwards', async () => {
  await using rack = await start();
  const alice = await rack.ready();
  await attach(alice);
  await eventually(() => expect(alice.updates.some(({ bus }) => bus?.state === 'paused')).toBe(true));
  const snapshot = await alice.client.request('sweep', { addrs: null, interrupt: false });
  expect(snapshot).toMatchObject({ bus: { state: 'paused' }, console: { addr: ALPHA, holderName: 'alice' } });
  await alice.client.request('console.detach', {});
  await eventually(() => expect(alice.updates.at(-1)?.nodes?.length).toBeGreaterThan(0));
});

test('a sample asked for by name interrupts, and the gap is marked for everybody and on disk', async () => {
  await using rack = await start();
  const alice = await rack.ready();
  await attach(alice);
  await eventually(() => expect(alice.seen).toContain('login'));
  const before = Date.now();
  const { nodes } = await alice.client.request('sweep', { addrs: [BETA], interrupt: true });
  const reading = nodes.find(({ addr }) => addr === BETA)?.reading;
  expect(reading?.state === 'ok' && reading.sample.at).toBeGreaterThanOrEqual(before);
  expect(reading).toMatchObject({ source: 'request' });
  await eventually(() => expect(alice.told.join('\n')).toMatch(/gap: gap of \d/));
  await eventually(() => expect(rack.file('consoles/alpha.log')).toMatch(/^\S+Z \* gap of .* s: /m));
});

test('a sequence that a gap tore swallows nothing of what comes behind it, at any session', async () => {
  await using rack = await start('alpha login: \x1b]0;a title without its end');
  const alice = await rack.ready();
  await attach(alice);
  await eventually(() => expect(alice.seen).toContain('title'));
  await alice.client.request('sweep', { addrs: [BETA], interrupt: true });
  await eventually(() => expect(alice.seen.match(/title/g)).toHaveLength(2));
  const screen = new NodeScreen({ cols: 80, rows: 24, scrollback: 100 });
  screen.write(Buffer.from(alice.seen, 'latin1'));
  await screen.flush();
  expect(screen.text().trimEnd()).toBe('alpha login: alpha login:');
  screen.dispose();
});

test('one types, the other watches the same; taking the keyboard is explicit and told by name', async () => {
  await using rack = await start();
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  await attach(alice);
  await eventually(() => expect(alice.seen).toContain('login'));
  expect(await bob.client.request('console.attach', open)).toMatchObject({
    role: 'watches',
    console: { holder: alice.id },
  });
  rack.rack.say('both see this');
  await eventually(() => expect([alice.seen, bob.seen].every((seen) => seen.endsWith('both see this'))).toBe(true));
  bob.type(ALPHA, 'no');
  await eventually(() =>
    expect(bob.told).toEqual([expect.stringMatching(/^blocked: not sent: alice has the keyboard/)]),
  );
  expect(await bob.client.request('console.take', {})).toMatchObject({ holder: bob.id, watchers: [alice.id] });
  await eventually(() => expect(alice.told).toContain('taken: bob took the keyboard'));
  alice.type(ALPHA, 'mine');
  bob.type(ALPHA, 'yes');
  await eventually(() => expect(rack.rack.consoleInput).toBe('yes'));
});

test("another node's console is refused while somebody types, with the name; taking it closes theirs", async () => {
  await using rack = await start();
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  await attach(alice);
  const refused = await refusal(bob.client.request('console.attach', { addr: BETA, take: false, watch: false }));
  expect(refused).toMatchObject({ code: RPC_ERROR.held, data: { addr: ALPHA, holderName: 'alice' } });
  expect(refused.message).toContain('alice has the keyboard of the console of alpha (A-1, 01)');
  await attach(bob, { addr: BETA, take: true, watch: false });
  await eventually(() => expect(alice.told.at(-1)).toMatch(/^closed: bob opened the console of beta/));
  await eventually(() => expect(bob.seen).toContain('login'));
});

test('whoever comes late gets the screen, and not a byte twice', async () => {
  await using rack = await start('one\r\n\x1b[1mtwo\x1b[0m\r\n');
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  await attach(alice);
  await eventually(() => expect(alice.seen).toContain('two'));
  const screen = await screenOf(bob, open);
  expect(screen.split('\n').slice(0, 3)).toEqual(['one', 'two', '']);
  rack.rack.say('three');
  await eventually(() => expect(bob.seen).toBe('three'));
});

test('the terminal answers the node once, however many watch', async () => {
  await using rack = await start();
  const [alice, bob, carol] = [await rack.ready('alice'), await rack.ready('bob'), await rack.ready('carol')];
  await attach(alice);
  // Only an open console takes an answer; who joins it then gets the screen, not the bytes.
  await eventually(() => expect(alice.seen).toContain('login'));
  for (const watcher of [bob, carol]) await attach(watcher);
  rack.rack.say('\x1b[6n');
  await eventually(() => expect(rack.rack.consoleInput).toMatch(/R$/));
  // The echo of the answer's last byte may come behind it.
  rack.rack.say('(end)');
  await eventually(() => expect([alice, bob, carol].every(({ seen }) => seen.includes('(end)'))).toBe(true));
  expect(rack.rack.consoleInput.match(/R/g)).toHaveLength(1);
});

test('Ctrl-G never goes out, whatever its source, and who pressed it is told why', async () => {
  await using rack = await start();
  const alice = await rack.ready();
  await attach(alice);
  await eventually(() => expect(alice.seen).toContain('login'));
  const before = rack.rack.written.length;
  for (const text of ['\x07', 'paste \x07 with a bell', 'x\x07\\']) alice.type(ALPHA, text);
  await eventually(() => expect(alice.told.filter((note) => note.startsWith('blocked'))).toHaveLength(3));
  // A terminal that reports its answer back with a bell in it must not close the pipe either.
  rack.rack.say('\x1b]10;?\x07\x1bP$q"p\x1b\\\x05');
  await eventually(() => expect(rack.rack.consoleInput).toContain('\x1bP1$r'));
  alice.type(ALPHA, 'ok');
  await eventually(() => expect(rack.rack.consoleInput).toMatch(/ok$/));
  // The node's own bell had its BMC asked; no other ^G went out.
  expect(rack.rack.written.slice(before).replaceAll('\x07[01]|=[00]~', '')).not.toContain('\x07');
  expect(rack.rack.verbs).toEqual([]);
});

test('until the node has spoken no key goes out that a BIOS could execute', async () => {
  await using rack = await Harness.start();
  rack.rack.greeting = null;
  const alice = await rack.ready();
  await attach(alice);
  alice.type(ALPHA, '\\');
  await eventually(() => expect(alice.told.at(-1)).toMatch(/^blocked: /));
  expect(rack.rack.verbs).toEqual([]);
});

test('the master has no console, and an address without a node has none either', async () => {
  await using rack = await start();
  const alice = await rack.ready();
  const master = await refusal(alice.client.request('console.attach', { addr: 0, take: true, watch: false }));
  expect(master.message).toMatch(/boss .* is the master/);
  const nobody = await refusal(alice.client.request('console.attach', { addr: 0x1f, take: true, watch: false }));
  expect(nobody).toMatchObject({ code: RPC_ERROR.unknown, message: 'no node is configured at address 1f' });
});

test('a client that vanishes leaves its console, and the next one opens it at once', async () => {
  await using rack = await start();
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  await attach(alice);
  alice.client.close();
  await eventually(() => expect(bob.updates.at(-1)?.bus?.state).toBe('ready'));
  expect(await bob.client.request('console.attach', { addr: BETA, take: false, watch: false })).toMatchObject({
    role: 'types',
  });
});

test('the line goes away under a console: a gap with its reason, then the console again', async () => {
  await using rack = await start();
  const alice = await rack.ready();
  await attach(alice);
  await eventually(() => expect(alice.seen).toContain('login'));
  rack.rack.vanish();
  await eventually(() => expect(alice.told.join('\n')).toMatch(/gap of .*the device is gone/));
  await eventually(() => expect(alice.seen.match(/login/g)).toHaveLength(2));
});

test('a resize by the one who types reaches the others; a watcher cannot', async () => {
  await using rack = await start();
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  await attach(alice);
  await attach(bob);
  await alice.client.request('console.resize', { cols: 132, rows: 43 });
  await eventually(() => expect(bob.consoleNotes.at(-1)).toMatchObject({ kind: 'resized', cols: 132, rows: 43 }));
  await refusal(bob.client.request('console.resize', { cols: 20, rows: 5 }));
});

test('what a console showed is there again when it is opened again', async () => {
  await using rack = await start('first\r\n');
  const alice = await rack.ready();
  await attach(alice);
  await eventually(() => expect(alice.seen).toContain('first'));
  await alice.client.request('console.resize', { cols: 100, rows: 30 });
  await attach(alice, { addr: BETA, take: false, watch: false });
  await eventually(() => expect(alice.seen).toMatch(/first[^]*first/));
  rack.rack.greeting = 'second\r\n';
  expect((await screenOf(alice, open)).split('\n')[0]).toBe('first');
  await eventually(() => expect(alice.seen).toContain('second'));
  const bob = await rack.connect('bob');
  const screen = (await screenOf(bob, open)).split('\n');
  expect([screen.length, ...screen.slice(0, 3)]).toEqual([30, 'first', 'second', '']);
});

test('a keyboard that an operation lends is had without taking it, and goes back when the operation is done', () => {
  const notes: string[] = [];
  const people = new Participants(
    ALPHA,
    () => undefined,
    () => Promise.reject(new Error('no screen is asked for')),
  );
  const outbox = { consoleNote: ({ text }: { text: string }) => notes.push(text) };
  const alice = { id: 1, name: 'alice', outbox } as unknown as ConsoleUser;
  const worker = {
    opId: 'x',
    yields: false,
    givesWay: false,
    gap: () => undefined,
    text: () => undefined,
    condition: () => undefined,
  };
  people.startOperation(worker);
  expect(people.typistName).toBe('operation x');
  people.lendKeyboard(worker);
  // Nobody stands in her way.
  expect(people.typistName).toBeNull();
  people.acquireKeyboard(people.join(alice));
  expect([people.typistName, people.lends, people.isTyping(worker)]).toEqual(['alice', true, false]);
  people.endOperation(worker);
  expect([people.typistName, people.lends, people.subscribers.length]).toEqual([null, false, 1]);
});
