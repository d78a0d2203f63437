/** What a server needs of its own machine: alarms that it raises and clears itself, and what doctor and config check say. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RackClient } from '../../src/client/client.ts';
import { configSchema } from '../../src/config/schema.ts';
import { unreadableSecrets } from '../../src/config/secrets.ts';
import type { Alarm } from '../../src/rack/alarms.ts';
import { checkStateDirectory, roomProblem, SelfCheck } from '../../src/server/self-check.ts';
import { rackui } from '../cli/support.ts';
import { eightNodes, stand } from '../support/stand.ts';

const WAIT = { timeout: 40_000, interval: 200 };
/** Programs are started one after another, and other tests keep the processors busy. */
const LONG = 180_000;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-self-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const GOOD = { write: true, absent: false };
const config = configSchema.parse({ console: { log: { free: 1 } } });
const troubles = async (stateDir: string, how = GOOD, consoleLogDir = stateDir): Promise<string[]> =>
  (await checkStateDirectory({ stateDir, consoleLogDir, config }, how))
    .filter(({ trouble }) => trouble)
    .map(({ seen }) => seen);

describe('the state directory', () => {
  test.each<[what: string, prepare: (path: string) => void, seen: RegExp | null]>([
    ['usable', (path) => mkdirSync(path), null],
    ['away', () => undefined, /no longer exists/],
    ['a file', (path) => writeFileSync(path, ''), /it is not a directory/],
    [
      'with a directory for an audit log',
      (path) => mkdirSync(join(path, 'audit.jsonl'), { recursive: true }),
      /EISDIR at audit\.jsonl/,
    ],
  ])('%s', async (what, prepare, seen) => {
    const path = join(folder, `state ${what}`);
    prepare(path);
    const found = await troubles(path);
    expect(found).toHaveLength(seen === null ? 0 : 1);
    if (seen !== null) expect(found[0]).toMatch(seen);
  });

  test('of a file system on which nothing can be made is told, although its mode lets the user write', async () => {
    expect((await troubles('/proc')).join()).toMatch(/cannot write its state directory \/proc/);
  });

  test('has room, while the disk of the console logs has none: that is told', async () => {
    // A file system in which nothing can be made has no free blocks.
    expect(await troubles(folder, GOOD, '/proc/rackui')).toEqual([
      'has too little disk space: the disk of /proc/rackui is full',
    ]);
  });

  test('that a server is yet to make is no trouble for doctor', async () => {
    expect(await troubles(join(folder, 'a', 'b'), { write: false, absent: true })).toEqual([]);
  });

  test.each([
    ['room', [100_000, 4096, 1000, 10], null],
    ['no block', [0, 4096, 1000, 10], /is full/],
    ['less than a megabyte', [200, 4096, 1000, 10], /is full/],
    ['no inode', [100_000, 4096, 1000, 0], /no free inode/],
    ['no count of inodes', [100_000, 4096, 0, 0], null],
    ['less than console logs need', [10_000, 4096, 1000, 10], /39 MB left, and below 100 MB no console log/],
  ] as const)('a disk with %s', (_what, [bavail, bsize, files, ffree], seen) => {
    const found = roomProblem({ bavail, bsize, files, ffree }, 100);
    if (seen === null) expect(found).toBeNull();
    else expect(found).toMatch(seen);
  });
});

describe('secrets', () => {
  test('each that cannot be read is told with its place, whatever names it, and never what it is', async () => {
    const open = file('open', 'tell-nobody\n', 0o644);
    const wrong = configSchema.parse({
      unlock: { file: join(folder, 'absent') },
      login: { user: 'op', password: { file: open } },
      ssh: { identity: join(folder, 'no-key') },
      ups: [
        { name: 'fine', user: 'u', password: { file: file('fine', 'x\n') } },
        { name: 'odd', user: 'u', password: { command: ['rackui-no-such-program'] }, ca: join(folder, 'no-ca') },
      ],
    });
    for (const how of ['look', 'run'] as const) {
      const found = await unreadableSecrets(wrong, how);
      expect(found.map(({ path }) => path.join('.')).sort()).toEqual(
        ['login.password', 'ssh.identity', 'unlock', 'ups.1.ca', 'ups.1.password'].sort(),
      );
      expect(JSON.stringify(found)).not.toMatch(/tell-nobody/);
    }
  });

  test('a command is run only where somebody asks', async () => {
    const witness = join(folder, 'ran');
    const asking = configSchema.parse({
      login: { user: 'op', password: { command: ['sh', '-c', `echo x >>${witness}; exit 3`] } },
    });
    expect(await unreadableSecrets(asking, 'look')).toEqual([]);
    expect(() => readFileSync(witness)).toThrow();
    expect((await unreadableSecrets(asking, 'run'))[0]?.message).toMatch(/exit code 3/);
    const alarms: (string | null)[] = [];
    mkdirSync(join(folder, 'st'));
    const check = new SelfCheck({
      ...{ stateDir: join(folder, 'st'), consoleLogDir: folder, config: asking, now: () => 0 },
      alarm: (kind, text) => {
        if (kind === 'secret') alarms.push(text);
      },
    });
    check.start();
    const found = await check.check();
    check.suspect();
    await check.check();
    check.stop();
    expect(alarms[0]).toBeNull();
    expect(alarms.slice(1).every((text) => text?.includes('exit code 3'))).toBe(true);
    expect(found.filter(({ trouble }) => trouble).map(({ id }) => id)).toEqual(['secret']);
  });

  test(
    'config check names each with file, line and column, and ends with 78',
    async () => {
      const text = (password: string): string =>
        `name: lab\n${eightNodes()}\nlogin:\n  user: op\n  password: { ${password} }\n`;
      const check = (password: string): ReturnType<typeof rackui> =>
        rackui(['--config', file('rack.yaml', text(password)), 'config', 'check']);
      for (const [password, seen] of [
        [`file: ${join(folder, 'nowhere')}`, /rack\.yaml:13:\d+: login\.password: .*ENOENT/],
        [`file: ${file('empty', '\n')}`, /rack\.yaml:13:\d+: login\.password: .*is empty/],
        ['command: ["false"]', /rack\.yaml:13:\d+: login\.password: .*exit code 1/],
      ] as const) {
        const { code, stderr } = await check(password);
        expect(stderr).toMatch(seen);
        expect(code).toBe(78);
      }
      expect((await check(`file: ${file('right', 'x\n')}`)).code).toBe(0);
    },
    LONG,
  );
});

async function lasting(client: RackClient): Promise<Record<string, Alarm>> {
  const { standing } = await client.request('alarms.list', { limit: 0 });
  return Object.fromEntries(standing.filter(({ clearedAt }) => clearedAt === null).map((alarm) => [alarm.kind, alarm]));
}

test(
  'a server raises alarms of its state directory and of secrets, and clears them when they are mended',
  async () => {
    const password = join(folder, 'later');
    await using place = await stand({
      config: `name: lab\n${eightNodes({ 0: 'role: master' })}\nlogin: { user: op, password: { file: "${password}" } }\n`,
      sim: ['--no-loss'],
    });
    const client = await place.client();
    await vi.waitFor(
      async () => expect((await lasting(client)).secret?.text).toMatch(/login\.password: .*ENOENT/),
      WAIT,
    );
    const audit = join(place.folder, 'audit.jsonl');
    rmSync(audit, { force: true });
    mkdirSync(audit);
    await vi.waitFor(async () => expect((await lasting(client)).state?.text).toMatch(/EISDIR at audit\.jsonl/), WAIT);
    const looked = await rackui([
      '--socket',
      place.socket,
      '--config',
      join(place.folder, 'rack.yaml'),
      'doctor',
      '--json',
    ]);
    const { checks } = JSON.parse(looked.stdout) as { checks: { id: string; verdict: string; seen: string }[] };
    for (const id of ['state', 'secret'])
      expect(checks.find((check) => check.id === id)).toMatchObject({
        verdict: 'failure',
        seen: expect.stringContaining(`pid ${place.serverPid}`) as string,
      });
    expect(looked.code).toBe(5);
    const told = await rackui(['--socket', place.socket, 'alarms']);
    expect(told.stdout).toMatch(/ server cannot write its state directory/);
    rmSync(audit, { recursive: true });
    writeFileSync(password, 'x\n', { mode: 0o600 });
    await vi.waitFor(async () => {
      const { state, secret } = await lasting(client);
      expect([state, secret]).toEqual([undefined, undefined]);
    }, WAIT);
  },
  LONG,
);
