import { connect as connectSocket } from 'node:net';
import { expect, test } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { API_VERSION, RPC_ERROR, type Requests } from '../../src/api/methods.ts';
import { CUT_ALPHA, eventually, Harness, refusal } from './harness.ts';

test('two operators see the same rack, and each other', async () => {
  await using rack = await Harness.start();
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  const [hers, his] = await Promise.all(
    [alice, bob].map(({ client }) => client.request('sweep', { addrs: null, interrupt: false })),
  );
  expect(hers?.nodes.map(({ addr, reading }) => [addr, reading.state])).toEqual(
    [0, 1, 2, 3].map((addr) => [addr, 'ok']),
  );
  expect(his?.sessions.map(({ who }) => who.user)).toEqual(['alice', 'bob']);
  await eventually(() => expect(alice.updates.at(-1)?.now).toBeGreaterThan(0));
  await eventually(() => expect(alice.updates.some(({ sessions }) => sessions?.length === 2)).toBe(true));
  bob.client.close();
  await eventually(() => expect(alice.events.at(-1)?.text).toBe('bob left'));
});

test('readings arrive by themselves, at most ten updates a second', async () => {
  await using rack = await Harness.start({
    config: { nodes: [{ addr: '00' }, { addr: '01' }], poll: { interval: 0.02 } },
  });
  const alice = await rack.ready();
  await eventually(() => expect(alice.updates.filter(({ nodes }) => nodes !== undefined).length).toBeGreaterThan(6));
  const times = alice.updates.map(({ now }) => now);
  const pauses = times.slice(1).map((at, n) => at - (times[n] ?? 0));
  // Two clocks are compared, one in whole milliseconds.
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(98);
});

const POWER = { ...CUT_ALPHA, takeConsole: true };

/** Every method there is, once with each meaning that could do something. The type makes the table complete. */
const DANGEROUS: { [M in keyof Requests]: Requests[M][0][] } = {
  hello: [],
  sweep: [{ addrs: [1], interrupt: true }],
  'node.detail': [{ addr: 1, stepMs: 1000, count: 10, lines: 5 }],
  'rack.history': [],
  'console.attach': [
    { addr: 1, take: false, watch: false },
    { addr: 1, take: true, watch: false },
    { addr: 1, take: true, watch: true },
  ],
  'console.detach': [],
  'console.reset': [{}],
  'console.reads': [{ on: true }],
  'console.take': [{}],
  'console.give': [{ session: 1 }],
  'console.log': [{ text: 'seen' }],
  'console.baud': [{ baud: 9600 }],
  'console.last': [{ addr: 1 }],
  'console.glance': [{ addrs: [1], rows: 3 }],
  'log.read': [{ addr: 1, kind: 'lines', cursor: null, since: null, search: null }],
  'console.resize': [{ cols: 100, rows: 30 }],
  'console.paste': [{ addr: 1, data: 'eA==', at: 0 }],
  'power.check': [POWER],
  'power.start': [POWER],
  'ops.list': [],
  'ops.abort': [{ id: 'x' }],
  'ops.answer': [{ id: 'x', addr: 1, question: 'q', choice: 'cut', confirm: 'alpha' }],
  'plan.list': [],
  'plan.show': [{ name: 'shed' }],
  'plan.run': [
    { name: 'shed', confirm: 'shed 1', armed: false, deadlineS: null },
    { name: 'shed', confirm: null, armed: true, deadlineS: null },
  ],
  'plan.pause': [{ id: 'x' }],
  'plan.resume': [{ id: 'x' }],
  'plan.abort': [{ id: 'x' }],
  'plan.skip': [{ id: 'x', step: null, addr: 1 }],
  'outage.status': [],
  'ups.history': [],
  'outage.tell': [{ supply: 'battery', runtimeS: 60, settled: false }],
  'outage.last': [{ withinS: 60 }],
  'outage.drill': [{ addrs: [1] }],
  'alarms.list': [],
  'alarms.ack': [{ ids: null }],
  'events.list': [],
  'bus.retry': [{}],
  'bus.log': [],
  'bus.look': [{ addrs: [1], patient: false }],
  'bus.survey': [{ exchanges: 1 }],
  'bus.raw': [
    { target: 1, text: '\\', confirm: 'alpha' },
    { target: null, text: '=', confirm: null },
  ],
  'host.read': [{ addr: 1 }],
  'node.run': [{ addr: 1, command: 'true', by: 'configured', limitS: 1 }],
  'file.open': [{ addr: 1, way: 'put', path: 'x', have: 0 }],
  'file.write': [{ id: 'file-1', at: 0, data: '' }],
  'file.read': [{ id: 'file-1', at: 0 }],
  'file.finish': [{ id: 'file-1', size: 0, sum: 0, mode: 0o644, gzip: false }],
  'file.close': [{ id: 'file-1' }],
  'server.ping': [],
  'confirm.begin': [{}],
  'server.info': [],
  'server.reload': [{}],
  'server.stop': [{}],
  'server.check': [{}],
};

test('a view-only session is refused whatever could do something, and the bus sees nothing of it', async () => {
  await using rack = await Harness.start();
  const guest = await rack.ready('guest', 'view');
  expect(guest.client.welcome.access).toBe('view');
  for (const [method, requests] of Object.entries(DANGEROUS) as [keyof Requests, never[]][])
    for (const params of requests) {
      const { code } = await refusal(guest.client.request(method, params));
      expect(code, `${method} ${JSON.stringify(params)}`).toBe(RPC_ERROR.viewOnly);
    }
  expect(rack.rack.written).not.toMatch(/[\\/~]/);
});

test('a view-only session that may read consoles watches an open one, and its keys go nowhere', async () => {
  await using rack = await Harness.start({ config: { server: { viewOnly: { consoleText: true } } } });
  rack.rack.greeting = 'alpha login: ';
  const guest = await rack.ready('guest', 'view');
  const watch = { addr: 1, take: false, watch: true };
  expect((await refusal(guest.client.request('console.attach', watch))).code).toBe(RPC_ERROR.unavailable);
  const alice = await rack.connect();
  await alice.client.request('console.attach', { addr: 1, take: false, watch: false });
  const joined = await guest.client.request('console.attach', watch);
  expect(joined).toMatchObject({ addr: 1, role: 'watches', console: { holder: alice.id } });
  await eventually(() => expect(alice.seen).toContain('login'));
  guest.type(1, 'rm -rf /\r');
  alice.type(1, 'hi\r');
  await eventually(() => expect(rack.rack.consoleInput).toBe('hi\r'));
});

test('a view-only session finds no byte of a console in any answer or note', async () => {
  await using rack = await Harness.start();
  rack.rack.greeting = 'MARKED-7 login: ';
  const looker = await rack.ready('looker', 'view');
  const heard: unknown[] = [looker.client.welcome];
  const notes = [
    'update',
    'rack',
    'operation',
    'plan',
    'event',
    'console.data',
    'console.resync',
    'console.note',
  ] as const;
  for (const note of notes) looker.client.on(note, (params) => heard.push(params));
  const alice = await rack.connect();
  await alice.client.request('console.attach', { addr: 1, take: false, watch: false });
  await eventually(() => expect(alice.seen).toContain('MARKED-7'));
  alice.type(1, 'MARKED-8\r');
  await eventually(() => expect(rack.rack.consoleInput).toContain('MARKED-8'));
  await alice.client.request('console.log', { text: 'MARKED-9' });
  const asks: { [M in keyof Requests]?: Requests[M][0] } = {
    sweep: { addrs: null, interrupt: false },
    'console.attach': { addr: 1, take: false, watch: true },
    'console.detach': {},
    'ops.list': {},
    'plan.list': {},
    'alarms.list': { limit: 50 },
    'events.list': { limit: 500 },
    'node.detail': { addr: 1, stepMs: 1000, count: 10, lines: 0 },
    'bus.log': { after: 0, limit: 500, wait: false },
    'server.info': {},
    'server.ping': {},
  };
  for (const [method, params] of Object.entries(asks) as [keyof Requests, never][])
    heard.push(await looker.client.request(method, params).catch((error: unknown) => String(error)));
  const log = await alice.client.request('bus.log', { after: 0, limit: 500, wait: false });
  expect(JSON.stringify(log)).toContain('[01]');
  const text = JSON.stringify(heard);
  expect(text).toContain('needs the control socket');
  expect(text).not.toMatch(/MARKED|4d41524b|TUFSS0VE/i);
});

test('a looker who watches keeps no console open when its holder leaves', async () => {
  await using rack = await Harness.start({ config: { server: { viewOnly: { consoleText: true } } } });
  const alice = await rack.ready();
  const looker = await rack.connect('looker', 'view');
  await alice.client.request('console.attach', { addr: 1, take: false, watch: false });
  await looker.client.request('console.attach', { addr: 1, take: false, watch: true });
  await alice.client.request('console.detach', {});
  await eventually(() => expect(looker.told.join('\n')).toContain('closed: '));
});

test('the snapshot is for those who said hello, and who speaks another version is told what to do', async () => {
  await using rack = await Harness.start();
  const socket = connectSocket(rack.socket);
  const rpc = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  rpc.listen();
  const who = { user: 'old', from: null, tty: null, program: 'test', pid: 1 };
  await expect(rpc.sendRequest('events.list', { limit: 1 })).rejects.toMatchObject({ code: RPC_ERROR.version });
  await expect(rpc.sendRequest('hello', { api: 99, who })).rejects.toMatchObject({
    code: RPC_ERROR.version,
    message: expect.stringContaining('rackui server stop') as string,
  });
  await expect(rpc.sendRequest('hello', { api: API_VERSION, who: { ...who, user: 7 } })).rejects.toMatchObject({
    code: RPC_ERROR.invalid,
  });
  rpc.dispose();
  socket.destroy();
});

test('a name with control characters reaches nobody as it is', async () => {
  await using rack = await Harness.start();
  const alice = await rack.ready();
  await rack.connect('eve\x1b]52;c;AAAA\x07\u202e');
  await eventually(() => expect(alice.updates.some(({ sessions }) => sessions?.length === 2)).toBe(true));
  const names = alice.updates.flatMap(({ sessions }) => sessions ?? []).map(({ who }) => who.user);
  expect(names).toContain('eve?]52;c;AAAA??');
  expect(rack.file('events.jsonl')).not.toMatch(/\\u001b|\u202e/);
});

test('what is no JSON-RPC ends the connection, not the server', async () => {
  await using rack = await Harness.start();
  const socket = connectSocket(rack.socket);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  socket.write('Content-Length: 99999999999\r\n\r\n');
  socket.write(Buffer.alloc(2 * 1024 * 1024, 0x20));
  await closed;
  await rack.ready();
});

test('an autostarted server leaves when nobody is left', async () => {
  await using rack = await Harness.start({
    autostarted: true,
    config: { nodes: [{ addr: '00' }], server: { linger: 0.05 } },
  });
  const alice = await rack.ready();
  alice.client.close();
  expect(await rack.leaving).toMatch(/no client for/);
});

test('a client keeps an autostarted server', async () => {
  await using rack = await Harness.start({
    autostarted: true,
    // A busy machine takes its time to connect.
    config: { nodes: [{ addr: '00' }], server: { linger: 0.5 } },
  });
  const alice = await rack.ready();
  await alice.client.request('sweep', { addrs: null, interrupt: false });
  const outcome = await Promise.race([rack.leaving, new Promise((resolve) => setTimeout(resolve, 800, 'stays'))]);
  expect(outcome).toBe('stays');
});

test('server.stop is answered before the server leaves, and everybody is told', async () => {
  await using rack = await Harness.start();
  const alice = await rack.ready('alice');
  const bob = await rack.ready('bob');
  expect(await alice.client.request('server.stop', {})).toEqual({ ok: true });
  expect(await rack.leaving).toBe('alice stopped the server');
  await rack.close();
  await eventually(() => expect(bob.closed).not.toBeNull());
  expect(bob.events.at(-1)?.text).toContain('The server stops');
  // The pipe is closed before the port.
  expect(rack.rack.written.endsWith('\x07')).toBe(true);
});

test('however many only look, an operator gets in', async () => {
  await using rack = await Harness.start();
  const crowd = Array.from({ length: 80 }, () => connectSocket(rack.viewSocket).on('error', () => undefined));
  const refused = crowd.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  await Promise.race(refused);
  const alice = await rack.ready('alice');
  expect(alice.client.welcome.access).toBe('control');
  for (const socket of crowd) socket.destroy();
});

test('a node looked at closely: its series, what hangs on it, its plans; the log only for those who may act', async () => {
  const config = {
    nodes: [
      { addr: '00', name: 'boss', role: 'master' },
      { addr: '01', name: 'alpha', role: 'dns', chassisFan: 2 },
      { addr: '02', name: 'beta', cluster: 'dev', role: 'worker' },
      { addr: '03', name: 'gamma', cluster: 'dev', role: 'worker' },
    ],
    plans: { less: { steps: [{ name: 'dev', selector: 'cluster:dev', action: 'off' }] } },
  };
  await using rack = await Harness.start({ config });
  const actor = await rack.ready();
  const looker = await rack.connect('looker', 'view');
  const ask = ({ client }: typeof actor, addr: number, lines: number) =>
    client.request('node.detail', { addr, stepMs: 60_000, count: 5, lines });
  const beta = await ask(looker, 2, 0);
  expect(beta.points).toHaveLength(5);
  expect(beta.points.at(-1)?.[0]).toBeGreaterThan(0);
  expect(beta.points[0]).toBeNull();
  expect(beta.plans).toEqual(['less']);
  expect(beta.dependents.join('\n')).toMatch(/cluster dev, which has 1 other node/);
  const alpha = await ask(actor, 1, 5);
  expect(alpha.dependents.join('\n')).toMatch(/chassis fan 2[^]*only name server/);
  expect((await ask(actor, 0, 5)).dependents.join('\n')).toMatch(/master of this bus/);
  await expect(ask(looker, 2, 1)).rejects.toMatchObject({ code: RPC_ERROR.viewOnly });
  await expect(ask(actor, 99, 0)).rejects.toThrow(/63/);
});
