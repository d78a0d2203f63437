/**
 * Messages: which hook gets what, in what words, and the shipped programs against stand-ins on loopback. Time is virtual: it
 * stands while a hook runs.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { MessageHook } from '../../src/config/schema.ts';
import { argumentsFor, environmentFor, fieldsOf, isFor, type Message } from '../../src/server/messages/message.ts';
import { RACK } from '../screens/scene.ts';
import { eventually, VirtualClock } from '../support/virtual-clock.ts';
import { Harness, NODES } from './harness.ts';

const HOOKS = fileURLToPath(new URL('../../examples/hooks', import.meta.url));
/** Behind the pause after a hook that failed. */
const LIMIT_MS = 60_000;

const message = (over: Partial<Message> = {}): Message => ({
  ...{ when: 'alarm', level: 'alarm', kind: 'lost', addr: 3, text: 'n3 (A-3, 03) does not answer', at: 1000 },
  ...over,
});
const fields = (messages: readonly Message[], dropped = 0): ReturnType<typeof fieldsOf> =>
  fieldsOf(messages, dropped, { inventory: { ...RACK, name: 'r1' }, wallTime: (at) => at });
const hook = (over: Partial<MessageHook>): MessageHook => ({
  ...{ when: 'alarm', nodes: 'all', run: ['x'], limit: 60, required: false },
  ...over,
});

describe('a message', () => {
  test('one alone is its own text', () => {
    expect(fields([message()])).toMatchObject({
      ...{ rack: 'r1', when: 'alarm', level: 'alarm', kind: 'lost', count: '1', time: '1970-01-01T00:00:01.000Z' },
      ...{ title: 'r1: n3 (A-3, 03) does not answer', text: 'n3 (A-3, 03) does not answer' },
    });
  });

  test('several are lines of one, with the highest level, and the rest is counted', () => {
    const many = Array.from({ length: 40 }, (_, i) =>
      message({ text: `line ${i}`, level: i === 7 ? 'alarm' : 'info' }),
    );
    const { title, text, level, count } = fields(many, 5);
    expect([title, level, count]).toEqual(['r1: line 0 (and 44 more)', 'alarm', '45']);
    expect(text.split('\n')).toHaveLength(31);
    expect(text).toMatch(/line 29\nand 15 other messages; see rackui alarms and rackui events$/);
  });

  test.each<[what: string, hook: Partial<MessageHook>, message: Partial<Message>, gets: boolean]>([
    ['an alarm', {}, {}, true],
    ['an alarm that is over, for a hook of raised ones', {}, { when: 'alarm-cleared' }, false],
    ['an event below the usual level', { when: 'event' }, { when: 'event', level: 'notice' }, false],
    ['a warning', { when: 'event' }, { when: 'event', level: 'warning' }, true],
    [
      'a notice, where notices are wanted',
      { when: 'event', level: 'notice' },
      { when: 'event', level: 'notice' },
      true,
    ],
    ['an alarm of another node', { nodes: '05' }, {}, false],
    ['an alarm of the node', { nodes: '03' }, {}, true],
    ['an alarm of the bus, for all', {}, { addr: null }, true],
    ['an alarm of the bus, for some nodes', { nodes: '03' }, { addr: null }, false],
  ])('%s: sent or not', (_what, of, about, gets) => {
    expect(isFor(hook(of), message(about), RACK)).toBe(gets);
  });

  test('braces are filled inside their own argument, and braces in a text stay text', () => {
    const filled = argumentsFor(['{title}', '--kind={kind}'], fields([message({ text: '{rack} $(id); {text}' })]));
    expect(filled).toEqual(['r1: {rack} $(id); {text}', '--kind=lost']);
  });

  test('the environment holds the fields and what programs need, and nothing else', () => {
    const around = { PATH: '/bin', HOME: '/root', SECRET: 'x', NODE_OPTIONS: '--inspect' };
    const environment = environmentFor(fields([message()]), around);
    expect(environment).toMatchObject({ PATH: '/bin', HOME: '/root', RACKUI_KIND: 'lost', RACKUI_COUNT: '1' });
    expect(Object.keys(environment).filter((name) => /SECRET|NODE/.test(name))).toEqual(['RACKUI_NODE']);
  });
});

/** Lets time be virtual in each test of a group. */
function inVirtualTime(): void {
  let clock: VirtualClock;
  beforeEach(() => void (clock = new VirtualClock()));
  afterEach(() => clock[Symbol.dispose]());
}

/** A harness whose hook appends all that it is given to a file. */
async function recording(hooks: (folder: string) => Record<string, unknown>[]): Promise<Harness> {
  const harness = new Harness();
  harness.write(`nodes: ${JSON.stringify(NODES)}\nhooks: ${JSON.stringify(hooks(harness.dir))}`);
  await harness.server.start();
  await harness.configuration.reload();
  return harness;
}

function alphaAnswers(harness: Harness, answers: boolean): void {
  harness.rack.tamper = (reply, addr) => (addr === 1 && !answers ? null : reply);
}

const writer = (file: string): string[] => [
  '/bin/sh',
  '-c',
  `printf '%s\\n' "$RACKUI_TEXT" >>"$0"; env >>"$0.env"`,
  file,
];
const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

describe('a server with hooks for messages', () => {
  inVirtualTime();

  test('an alarm and its end reach their hooks, with the name of the node', async () => {
    await using harness = await recording((dir) => [
      { when: 'alarm', run: writer(join(dir, 'raised')) },
      { when: 'alarm-cleared', run: writer(join(dir, 'cleared')) },
      { when: 'event', nodes: 'beta', run: writer(join(dir, 'beta')) },
    ]);
    await harness.ready();
    alphaAnswers(harness, false);
    await eventually(() =>
      expect(textOf(join(harness.dir, 'raised'))).toContain('alpha (A-1, 01) does not answer (silent); it was on\n'),
    );
    alphaAnswers(harness, true);
    await eventually(() =>
      expect(textOf(join(harness.dir, 'cleared'))).toContain('Over: alpha (A-1, 01) does not answer'),
    );
    expect(textOf(join(harness.dir, 'beta'))).toBe('');
    expect(textOf(join(harness.dir, 'raised.env'))).not.toMatch(/^NODE_|^VITEST/m);
  });

  test('a hook that fails is an alarm, is tried again with what came meanwhile, and makes no message of itself', async () => {
    await using harness = await recording((dir) => [
      {
        when: 'event',
        level: 'info',
        run: ['/bin/sh', '-c', 'echo run >>"$0.runs"; cat "$0.gate" >&2', join(dir, 'x')],
      },
    ]);
    const { client } = await harness.ready();
    const alarms = async (): Promise<string[]> =>
      (await client.request('alarms.list', { limit: 0 })).standing
        .filter(({ kind, clearedAt }) => kind === 'message' && clearedAt === null)
        .map(({ text }) => text);
    await eventually(async () =>
      expect(await alarms()).toEqual([
        expect.stringMatching(
          /^cannot send its messages: sh \(exit code 1, its last output: “cat: .*x\.gate: No such file/,
        ),
      ]),
    );
    writeFileSync(join(harness.dir, 'x.gate'), '');
    await eventually(async () => expect(await alarms()).toEqual([]), LIMIT_MS);
    expect(textOf(join(harness.dir, 'x.runs')).split('\n').length).toBeLessThan(6);
  });

  test('messages that wait when the server ends are sent', async () => {
    const harness = await recording((dir) => [{ when: 'event', level: 'notice', run: writer(join(dir, 'end')) }]);
    await harness.ready();
    await harness.close();
    expect(textOf(join(harness.dir, 'end'))).toContain('The server stops: the test is over');
    await harness[Symbol.asyncDispose]();
  });
});

interface Posted {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An HTTP server on loopback that keeps what is posted to it. */
async function stub(code = 200): Promise<{ url: string; posted: Posted[]; close(): void }> {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      posted.push({ url: request.url ?? '', headers: request.headers, body });
      response.writeHead(code).end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, posted, close: () => void server.close() };
}

/** Runs a hook on a harness until an alarm about alpha was given to it. */
async function sendAlarm(run: (dir: string) => string[], done: (dir: string) => boolean): Promise<void> {
  await using harness = await recording((dir) => [{ when: 'alarm', run: run(dir) }]);
  await harness.ready();
  alphaAnswers(harness, false);
  await eventually(() => expect(done(harness.dir)).toBe(true));
}

describe('the shipped hooks', () => {
  inVirtualTime();

  test('mail gives a whole message to sendmail', async () => {
    let mail = '';
    await sendAlarm(
      (dir) => {
        const sendmail = join(dir, 'sendmail');
        writeFileSync(
          sendmail,
          `#!/bin/sh\ncat >"${dir}/mail.new"; echo "$*" >"${dir}/args"; mv "${dir}/mail.new" "${dir}/mail"\n`,
        );
        chmodSync(sendmail, 0o755);
        return [join(HOOKS, 'mail'), 'ops@example.org', sendmail];
      },
      (dir) => {
        mail = textOf(join(dir, 'mail'));
        return mail !== '' && textOf(join(dir, 'args')) === '-i -- ops@example.org\n';
      },
    );
    const [head = '', body = ''] = mail.split('\n\n');
    expect(head).toContain('To: ops@example.org\n');
    const subject = /^Subject: =\?UTF-8\?B\?(.*)\?=$/m.exec(head)?.[1] ?? '';
    expect(Buffer.from(subject, 'base64').toString()).toBe('rack: alpha (A-1, 01) does not answer (silent); it was on');
    expect(body).toBe('alpha (A-1, 01) does not answer (silent); it was on');
  });

  test('ntfy posts text, title, priority and the token of its file', async () => {
    const topic = await stub();
    await sendAlarm(
      (dir) => {
        writeFileSync(join(dir, 'header'), 'Authorization: Bearer tk_1\n', { mode: 0o600 });
        return [join(HOOKS, 'ntfy'), `${topic.url}/rack`, join(dir, 'header')];
      },
      () => topic.posted.length > 0,
    );
    topic.close();
    expect(topic.posted[0]).toMatchObject({
      url: '/rack',
      body: 'alpha (A-1, 01) does not answer (silent); it was on',
      headers: { priority: '4', authorization: 'Bearer tk_1', title: expect.stringContaining('alpha') as string },
    });
  });

  test('webhook.js posts the fields as JSON', async () => {
    const chat = await stub();
    await sendAlarm(
      () => [join(HOOKS, 'webhook.js'), `${chat.url}/hook`],
      () => chat.posted.length > 0,
    );
    chat.close();
    expect(chat.posted[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(chat.posted[0]?.body ?? '')).toMatchObject({
      ...{ rack: 'rack', when: 'alarm', kind: 'lost', node: 'alpha', level: 'alarm' },
      text: 'alpha (A-1, 01) does not answer (silent); it was on',
    });
  });

  test('an answer that is no success makes the hook fail', async () => {
    const broken = await stub(500);
    await using harness = await recording(() => [
      { when: 'event', level: 'info', run: [join(HOOKS, 'webhook.js'), broken.url] },
    ]);
    const { client } = await harness.ready();
    await eventually(async () =>
      expect((await client.request('alarms.list', { limit: 0 })).standing.map(({ text }) => text).join()).toContain(
        'webhook.js (exit code 1, its last output: “the webhook failed: 500 Internal Server Error”)',
      ),
    );
    broken.close();
  });
});

test.each([
  ["hooks: [{ when: alarm, run: [x, '{ip}'] }]", "hooks.0.run.1: found '{ip}'; braces hold one of {rack} {when}"],
  [
    "hooks: [{ when: before-off, run: [x, '{text}'] }]",
    "hooks.0.run.1: found '{text}'; braces hold one of {name} {ip}",
  ],
  ['hooks: [{ when: alarm, run: [x], required: true }]', 'hooks.0.required: '],
  ['hooks: [{ when: alarm, run: [x], level: info }]', 'hooks.0.level: '],
  ['hooks: [{ when: alarms, run: [x] }]', "did you mean 'alarm'?"],
])('%s is refused', (text, says) => {
  expect(() => parseConfig(text, 'rack.yaml')).toThrow(says);
});
