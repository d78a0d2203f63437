/** The HTTP interface of a running server: who may do what, repeats, floods, and places that cannot be had. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Ran, rackui } from '../cli/support.ts';
import {
  type Answer,
  type CallOptions,
  httpStand,
  type HttpStand,
  makeCertificate,
  secretOf,
} from '../support/http.ts';
import { freePort } from '../support/nut.ts';
import { IS_ROOT, NOBODY, rackuiAs } from '../support/other-user.ts';
import { eightNodes, stand, sweptStand } from '../support/stand.ts';

const LIMIT = { timeout: 60_000, interval: 200 };
/** For shutdowns, which wait for a simulated system on a busy machine. */
const SLOW = { timeout: 120_000, interval: 200 };

let http: HttpStand;
beforeAll(async () => {
  http = await httpStand();
});
afterAll(() => http[Symbol.asyncDispose]());
beforeEach(async () => {
  await http.stand.rack.ctl('clear');
  await http.stand.rack.ctl('power', { node: 'all', state: 'on' });
});

const call = (path: string, options?: CallOptions): Promise<Answer> => http.call(path, options);

interface OperationBody {
  id: string;
  endedAt: string | null;
  nodes: { outcome: string; detail: string }[];
}

/** The operation of an answer, once it has ended. */
async function ended({ body }: Answer): Promise<OperationBody> {
  const { id } = body as OperationBody;
  let last: OperationBody | undefined;
  await expect
    .poll(async () => (last = (await call(`/v1/operations/${id}`)).body as OperationBody).endedAt, SLOW)
    .not.toBeNull();
  return last as OperationBody;
}

const start = (verb: string, node: string, options: CallOptions = {}): Promise<Answer> =>
  call('/v1/operations', {
    token: 'cutter',
    body: { verb, nodes: [node] },
    ...(verb.startsWith('force') ? { headers: { 'idempotency-key': `${verb}-${node}-${Math.random()}` } } : {}),
    ...options,
  });

describe('looking', () => {
  test('a node has its power, and neither a guess nor an old value where it is not known', async () => {
    const { status, body } = await call('/v1/nodes/n2');
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: 'n2', addr: '02', pos: 'A-2', power: 'on', amperes: null, operation: null });
    await http.stand.rack.ctl('silent', { node: '02' });
    await expect
      .poll(async () => (await call('/v1/nodes/n2')).body, LIMIT)
      .toMatchObject({ power: null, system: null, current: null, fan: null });
    expect(((await call('/v1/nodes/n2')).body as { ageS: number }).ageS).toBeGreaterThan(0);
  });

  test('a token with nodes sees these and what concerns no node', async () => {
    const { body } = await call('/v1/nodes', { token: 'part' });
    expect((body as { name: string }[]).map(({ name }) => name)).toEqual(['n4', 'n5']);
    expect((await call('/v1/nodes/n2', { token: 'part' })).status).toBe(403);
    const events = (await call('/v1/events?limit=1000', { token: 'part' })).body as { node: string | null }[];
    expect(new Set(events.map(({ node }) => node))).not.toContain('n2');
  });

  test('events come as a stream, and an operation as it goes on', async () => {
    const abort = new AbortController();
    const answer = await fetch(`http://127.0.0.1:${http.port}/v1/events`, {
      headers: { authorization: `Bearer ${secretOf('looker')}`, accept: 'text/event-stream' },
      signal: abort.signal,
    });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    let seen = '';
    const reading = (async () => {
      for await (const piece of answer.body ?? []) seen += Buffer.from(piece as Uint8Array).toString();
    })().catch(() => undefined);
    await ended(await start('force-off', 'n6'));
    await expect.poll(() => seen, LIMIT).toMatch(/event: operation\ndata: \{"id":"\w+","verb":"force-off"/);
    await expect.poll(() => seen, LIMIT).toMatch(/event: event\ndata: .*"topic":"power"/);
    abort.abort();
    await reading;
  });
});

describe('switching', () => {
  test('a graceful off cuts after the proven halt, and the audit log has the token’s name', async () => {
    const begun = await start('off', 'n3', { token: 'graceful' });
    expect(begun.status).toBe(202);
    expect(begun.headers.get('location')).toBe(`/v1/operations/${(begun.body as OperationBody).id}`);
    expect((await ended(begun)).nodes[0]?.outcome).toBe('done');
    expect(await http.stand.rack.node('03')).toMatchObject({ power: 'off' });
    expect((await http.stand.rack.counters()).nodes['03']).toMatchObject({ cutAlive: 0 });
    const entries = http.stand.audit();
    expect(entries).toContainEqual(
      expect.objectContaining({ stage: 'call', token: 'graceful', call: 'POST /v1/operations', status: 202 }),
    );
    expect(entries).toContainEqual(
      expect.objectContaining({
        stage: 'outcome',
        verb: 'off',
        reportedBy: expect.objectContaining({ user: 'graceful', program: 'http' }) as unknown,
      }),
    );
    expect((await ended(await start('on', 'n3', { token: 'graceful' }))).nodes[0]?.outcome).toBe('done');
  }, 240_000);

  test.each<[string, number, string | null, CallOptions]>([
    ['no token', 401, null, { token: null }],
    ['a wrong token', 401, null, { token: null, headers: { authorization: 'Bearer secret-of-nobody-0123456789' } }],
    ['a token without the verb', 403, 'token', { token: 'graceful', headers: { 'idempotency-key': 'k' } }],
    ['a token that may only look', 403, 'token', { token: 'looker', headers: { 'idempotency-key': 'k' } }],
    ['a token without the node', 403, 'token', { token: 'part', headers: { 'idempotency-key': 'k' } }],
    ['no key', 428, null, {}],
    ['a node that there is not', 404, null, { body: { verb: 'force-off', nodes: ['n99'] }, headers: key() }],
    ['the master', 403, 'master', { body: { verb: 'force-off', nodes: ['n0'] }, headers: key() }],
    ['a protected node', 403, 'protected', { body: { verb: 'force-off', nodes: ['n1'] }, headers: key() }],
    ['one protected node of several', 403, 'protected', { body: { verb: 'off', nodes: ['n1', 'n2'] } }],
    ['a verb that there is not', 400, null, { body: { verb: 'explode', nodes: ['n2'] } }],
    ['a field that there is not', 400, null, { body: { verb: 'on', nodes: ['n2'], force: true } }],
    ['a cut at the deadline', 403, 'token', { token: 'graceful', body: cutAtDeadline() }],
    ['no JSON', 400, null, { body: '{"verb": "force-off", ' }],
    ['an oversized body', 413, null, { body: `{"verb":"off","nodes":["${'n'.repeat(20_000)}"]}` }],
    ['an unknown path', 404, null, { method: 'PUT' }],
  ])('%s is answered with %i, and nothing is switched', async (_what, status, rule, options) => {
    const before = await http.stand.rack.counters();
    const answer = await call('/v1/operations', {
      token: 'cutter',
      body: { verb: 'force-off', nodes: ['n2'] },
      ...options,
    });
    expect([answer.status, answer.body]).toEqual([status, expect.objectContaining({ status, rule })]);
    expect((answer.body as { detail: string }).detail).toMatch(/^['a-z].{10,}/);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const after = await http.stand.rack.counters();
    for (const [addr, { on, off }] of Object.entries(after.nodes))
      expect({ addr, on, off }).toEqual({ addr, on: before.nodes[addr]?.on, off: before.nodes[addr]?.off });
  });

  test('a node whose BMC is silent is refused with 409 and the rule’s sentence', async () => {
    await http.stand.rack.ctl('silent', { node: '02' });
    const { status, body } = await start('force-off', 'n2');
    expect(status).toBe(409);
    expect(body).toMatchObject({ rule: 'unknown', detail: expect.stringContaining('does not answer') as unknown });
  });

  test('an operation is aborted by a token that may act, and by no other', async () => {
    await http.stand.rack.ctl('off-ignored', { node: '04' });
    const begun = await start('off', 'n4', { token: 'part' });
    const path = begun.headers.get('location') ?? '';
    expect((await call(path, { method: 'DELETE', token: 'looker' })).status).toBe(403);
    expect((await call(path, { method: 'DELETE', token: 'part' })).status).toBe(202);
    expect((await ended(begun)).nodes[0]?.outcome).not.toBeNull();
    expect((await call('/v1/operations/zzz')).status).toBe(404);
  }, 150_000);
});

describe('calls that are no good', () => {
  test('a client that sends its request drop by drop is answered with 408 and disconnected', async () => {
    const before = await http.cuts();
    const socket = connect(http.port, '127.0.0.1');
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
    socket.on('error', () => undefined);
    const body = '{"verb":"force-off","nodes":["n2"]}';
    socket.write(
      `POST /v1/operations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secretOf('cutter')}\r\nIdempotency-Key: slow\r\nContent-Length: ${body.length}\r\n\r\n{"verb":`,
    );
    const closed = new Promise((resolve) => socket.once('close', resolve));
    expect((await call('/v1/nodes')).status).toBe(200);
    await closed;
    expect(said).toMatch(/^HTTP\/1.1 408/);
    expect(await http.cuts()).toBe(before);
  });

  test('clients that send no request do not keep others out for long', async () => {
    const idle = Array.from({ length: 80 }, () => connect(http.port, '127.0.0.1').on('error', () => undefined));
    await expect.poll(async () => call('/v1/nodes').then(({ status }) => status, String), LIMIT).toBe(200);
    for (const socket of idle) socket.destroy();
  });
});

describe('places and tokens that cannot be had', () => {
  test('a port in use, and tokens that others can read, are alarms, and the rest goes on', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const { folder } = http;
    const file = (name: string, mode: number): string => {
      const path = join(folder, name);
      writeFileSync(path, `a-token-of-its-own-${name}\n`);
      chmodSync(path, mode);
      return path;
    };
    const socket = join(folder, 'http.sock');
    await using other = await stand({
      config: [
        eightNodes(),
        `http:`,
        `  port: ${port}`,
        `  socket: ${socket}`,
        `  tokens:`,
        `    - { name: good, file: ${file('good', 0o600)} }`,
        `    - { name: open, file: ${file('open', 0o644)} }`,
        `    - { name: group, file: ${file('group', 0o640)} }`,
        `    - { name: absent, file: ${join(folder, 'absent')} }`,
        `    - { name: twin, file: ${file('good', 0o600)} }`,
      ].join('\n'),
    });
    const client = await other.client();
    const said = async (): Promise<string> =>
      (await client.request('alarms.list', { limit: 0 })).standing
        .filter(({ kind, clearedAt }) => kind === 'http' && clearedAt === null)
        .map(({ text }) => text)
        .join('\n');
    await expect.poll(said, LIMIT).toContain('another program uses this port: set another');
    for (const words of [
      `open: the secret in ${join(folder, 'open')} is readable by everyone: chmod 600`,
      `group: others than its owner can use the secret in ${join(folder, 'group')}: chmod 600`,
      `absent: cannot read the secret in ${join(folder, 'absent')}: ENOENT`,
      'twin: it is the same as that of good',
    ])
      expect(await said()).toContain(words);
    const status = (token: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request({ socketPath: socket, path: '/v1/nodes', headers: { authorization: `Bearer ${token}` } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .once('error', reject)
          .end();
      });
    expect(await status('a-token-of-its-own-good')).toBe(200);
    expect(await status('a-token-of-its-own-open')).toBe(401);
    await new Promise((resolve) => taken.close(resolve));
    chmodSync(join(folder, 'open'), 0o600);
    await expect.poll(said, LIMIT).not.toContain('this port');
    await expect.poll(() => status('a-token-of-its-own-open'), LIMIT).toBe(200);
  });

  test('a TLS key that cannot be used is an alarm with its reason until it can; nothing listens meanwhile', async () => {
    const folder = mkdtempSync(join(http.folder, 'tls-'));
    makeCertificate(folder);
    const [key, aside] = [join(folder, 'key.pem'), join(folder, 'aside.pem')];
    renameSync(key, aside);
    const port = await freePort();
    const tls = `{ certificate: ${join(folder, 'certificate.pem')}, key: ${key} }`;
    const tokens = `[{ name: looker, file: ${join(http.folder, 'looker')} }]`;
    const config = `${eightNodes()}\nhttp: { port: ${port}, tls: ${tls}, tokens: ${tokens} }\n`;
    await using secured = await sweptStand({ config });
    const client = await secured.client();
    const alarm = async (): Promise<string> =>
      (await client.request('alarms.list', { limit: 0 })).standing.find(
        ({ kind, clearedAt }) => kind === 'http' && clearedAt === null,
      )?.text ?? '';
    const place = `cannot provide all of its HTTP interface: at 127.0.0.1:${port} `;
    const check = (): Promise<Ran> => rackui(['--config', join(secured.folder, 'rack.yaml'), 'config', 'check']);
    const reason = async (why: string): Promise<void> => {
      await expect.poll(alarm, LIMIT).toBe(`${place}(${why})`);
      const { code, stderr } = await check();
      expect([code, stderr]).toEqual([78, expect.stringMatching(/rack\.yaml:\d+:\d+: http\.tls\.key: /)]);
      expect(stderr).toContain(why);
    };
    await reason(`cannot read the key in ${key}: ENOENT`);
    writeFileSync(key, 'no key', { mode: 0o600 });
    await reason(`${key} holds no private key in PEM`);
    const { bus, nodes } = await client.request('sweep', { addrs: [2], interrupt: false });
    expect([bus.state, nodes[0]?.reading.state]).toEqual(['ready', 'ok']);
    expect(spawnSync('ss', ['-Hlnt'], { encoding: 'utf8' }).stdout).not.toContain(`:${port} `);
    renameSync(aside, key);
    await expect.poll(alarm, LIMIT).toBe('');
    expect((await check()).code).toBe(0);
    const answer = spawnSync('curl', [
      ...['--silent', '--show-error', '--cacert', join(folder, 'certificate.pem')],
      ...['-H', `authorization: Bearer ${secretOf('looker')}`, `https://127.0.0.1:${port}/v1/nodes/n2`],
    ]);
    expect(JSON.parse(answer.stdout.toString() || answer.stderr.toString())).toMatchObject({ name: 'n2' });
  }, 120_000);

  test.skipIf(!IS_ROOT)(`a key of another user ends the check with 78${IS_ROOT ? '' : ' (needs root)'}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rackui-test-key-'));
    chmodSync(folder, 0o755);
    makeCertificate(folder);
    const file = (name: string): string => join(folder, name);
    writeFileSync(file('token'), 'a-token-of-somebody-else', { mode: 0o600 });
    chownSync(file('token'), NOBODY, NOBODY);
    const section = [
      'http:',
      '  port: 9466',
      '  tls:',
      `    certificate: ${file('certificate.pem')}`,
      `    key: ${file('key.pem')}`,
      `  tokens: [{ name: looker, file: ${file('token')} }]`,
    ];
    writeFileSync(file('rack.yaml'), `${eightNodes()}\n${section.join('\n')}\n`);
    await using run = rackuiAs(NOBODY, folder, ['--config', file('rack.yaml'), 'config', 'check']);
    expect([await run.exited, run.said()]).toEqual([
      78,
      `rackui: ${file('rack.yaml')}:14:10: http.tls.key: cannot read the key in ${file('key.pem')}: EACCES\n`,
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe('a server in a process of its own', () => {
  let inner: HttpStand;
  beforeAll(async () => {
    inner = http;
    http = await httpStand({ ownProcess: true });
  });
  afterAll(async () => {
    await http[Symbol.asyncDispose]();
    http = inner;
  });

  test('the same cut with its key again, also at the next server, cuts once', async () => {
    const before = await http.cuts();
    const repeat = (): Promise<Answer> => start('force-off', 'n5', { headers: { 'idempotency-key': 'once' } });
    const all = await Promise.all([repeat(), repeat(), repeat()]);
    const { id } = await ended(all[0]);
    expect(all.map(({ status, body }) => [status, (body as OperationBody).id])).toEqual(all.map(() => [202, id]));
    await http.stand.rack.ctl('power', { node: '05', state: 'on' });
    expect(((await repeat()).body as OperationBody).id).toBe(id);
    const other = await start('force-off', 'n6', { headers: { 'idempotency-key': 'once' } });
    expect([other.status, (other.body as { detail: string }).detail]).toEqual([
      422,
      'nothing was sent: the key once was used for another request',
    ]);
    await http.stand.killServer();
    await http.stand.startServer();
    await expect.poll(async () => (await call('/v1/nodes/n5')).body, LIMIT).toMatchObject({ power: 'on' });
    expect((await repeat()).status).toBe(409);
    expect((await http.cuts()) - before).toBe(1);
    expect(await http.stand.rack.node('05')).toMatchObject({ power: 'on' });
  });

  test('a server without the section http listens nowhere; with it, on loopback', async () => {
    const sockets = (pid: number): string[] =>
      spawnSync('ss', ['-Hlntup'], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter((line) => line.includes(`pid=${pid},`));
    await using quiet = await stand({ config: eightNodes() });
    expect(sockets(quiet.serverPid)).toEqual([]);
    expect(sockets(http.stand.serverPid)).toEqual([expect.stringContaining(`127.0.0.1:${http.port}`)]);
  });
});

function key(): Record<string, string> {
  return { 'idempotency-key': `key-${Math.random()}` };
}

function cutAtDeadline(): unknown {
  return { verb: 'off', nodes: ['n2'], deadlineS: 5, onDeadline: 'cut' };
}
