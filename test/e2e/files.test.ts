/**
 * `rackui put` and `get` over consoles of real shells, on a bus that loses bytes sent back to back: checksums, modes,
 * breaks in the middle, refusals. Each group has a rack of its own; the groups play beside each other, because a transfer
 * mostly waits: 2 ms before each byte to a node. The bytes from it come four times as fast as on hardware. Needs a build.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startCommand, startProcess, type Ran } from '../support/command.ts';
import { innerStand } from '../support/inner-stand.ts';
import { shellOf } from '../support/shells.ts';
import { eightNodes, type Stand } from '../support/stand.ts';

const LIMIT = { timeout: 300_000, interval: 20 };
/** Of one group, one after another. */
const LONG = { timeout: 600_000, concurrent: false };
const SHELLS = { n1: 'bash --norc', n2: 'dash', n3: 'zsh -f', n5: 'busybox ash' };

/** Prints a kernel line every second. */
const NOISE =
  '(n=100;while sleep 1;do n=$((n+1));printf "[%5d.123456] usb 1-1: device not accepting address\\r\\n" $n;done)&';

/** A rack whose nodes have real shells, for the tests of one group. */
interface Place {
  readonly folder: string;
  readonly stand: Stand;
  words(...more: string[]): string[];
  rackui(...more: string[]): Promise<Ran>;
}

function ownPlace(...names: (keyof typeof SHELLS)[]): Place {
  let stand: Stand;
  const folder = mkdtempSync(join(tmpdir(), 'rackui-files-'));
  beforeAll(async () => {
    const shells = names.flatMap((name) => shellOf(folder, name, SHELLS[name], NOISE));
    stand = await innerStand({ config: eightNodes(), sim: ['--line-rate', '460800', ...shells] });
  }, 120_000);
  afterAll(async () => {
    await stand[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const words = (...more: string[]): string[] => ['--socket', stand.socket, ...more];
  return {
    folder,
    get stand() {
      return stand;
    },
    words,
    rackui: (...more) => startCommand(words(...more)).ended,
  };
}

const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** A file of words: gzip makes it some four times smaller. */
function writeText(path: string, bytes: number): string {
  const seeds = randomBytes(2048).toString('hex');
  let lines = '';
  for (let n = 0; lines.length < bytes; n++)
    lines += `${n} ${seeds.slice((n * 7) % 4000, ((n * 7) % 4000) + 6)} the quick brown fox jumps over the lazy dog\n`;
  writeFileSync(path, lines.slice(0, bytes));
  return path;
}

/** Cuts a transfer that was started, by `cut`, when the part file has `bytes`. */
async function cutAt(
  part: string,
  bytes: number,
  transfer: Pick<ReturnType<typeof startProcess>, 'ended' | 'signal'>,
  cut: (signal: (name: NodeJS.Signals) => void) => unknown,
): Promise<Ran> {
  const early = transfer.ended.then(({ code, stderr }) => {
    throw new Error(`it ended with code ${code} before ${bytes} bytes had come: ${stderr}`);
  });
  const size = (): number => (existsSync(part) ? statSync(part).size : 0);
  await Promise.race([vi.waitFor(() => expect(size()).toBeGreaterThan(bytes), LIMIT), early]);
  await cut(transfer.signal);
  return transfer.ended;
}

/** As the kernel's end of a program that needs memory. */
const kill = (signal: (name: NodeJS.Signals) => void): void => signal('SIGKILL');

describe.concurrent('each shell', () => {
  const own = ownPlace('n1', 'n2', 'n3', 'n5');

  test.each(Object.keys(SHELLS))(
    '%s: a file goes there and back, with its mode, between kernel lines',
    LONG,
    async (name) => {
      const source = join(own.folder, `${name}.bin`);
      writeFileSync(source, randomBytes(700));
      chmodSync(source, 0o750);
      const put = await own.rackui('put', '--json', name, source, 'it’s here');
      expect(put).toMatchObject({ code: 0, stderr: '' });
      const there = join(own.folder, name, 'it’s here');
      expect(JSON.parse(put.stdout)).toMatchObject({ node: name, path: there, size: 700, resumed: 0 });
      expect([hash(there), statSync(there).mode & 0o777]).toEqual([hash(source), 0o750]);
      const back = join(own.folder, `${name}.back`);
      expect(await own.rackui('get', name, 'it’s here', back)).toMatchObject({ code: 0, stderr: '' });
      expect([hash(back), statSync(back).mode & 0o777]).toEqual([hash(source), 0o750]);
      expect(readdirSync(join(own.folder, name))).toEqual(['it’s here']);
      // The terminal echoes again.
      const { stdout } = await own.rackui('run', '--console', name, '--', 'stty -a </dev/tty');
      expect(stdout).toMatch(/ echo /);
    },
  );
});

describe.concurrent('a transfer that breaks off', () => {
  const own = ownPlace('n1');

  test(
    'a transfer continues through a pipe that falls shut and after its command was killed; the old file stands until then',
    LONG,
    async () => {
      const source = join(own.folder, 'cut.bin');
      writeFileSync(source, randomBytes(2_300));
      const there = join(own.folder, 'n1', 'cut');
      writeFileSync(there, 'old');
      const part = `${there}.rackui-part`;
      const killed = await cutAt(part, 500, startProcess(own.words('put', 'n1', source, 'cut')), kill);
      expect(killed.code).toBe(null);
      expect(readFileSync(there, 'utf8')).toBe('old');
      const again = await cutAt(part, 1_100, startCommand(own.words('put', '--json', 'n1', source, 'cut')), () =>
        own.stand.rack.ctl('drop-pipe'),
      );
      expect(again).toMatchObject({ code: 0 });
      expect((JSON.parse(again.stdout) as { resumed: number }).resumed).toBeGreaterThan(500);
      expect(hash(there)).toBe(hash(source));
      // Several pieces: one alone has its name before anything can cut it.
      writeFileSync(source, randomBytes(40_000));
      writeFileSync(there, readFileSync(source));
      const back = join(own.folder, 'cut.back');
      const broken = await cutAt(`${back}.rackui-part`, 1, startProcess(own.words('get', 'n1', 'cut', back)), kill);
      expect([broken.code, existsSync(back)]).toEqual([null, false]);
      expect(await own.rackui('get', 'n1', 'cut', back)).toMatchObject({ code: 0, stderr: '' });
      expect(hash(back)).toBe(hash(source));
      expect(existsSync(`${back}.rackui-part`)).toBe(false);
      // A pipe that falls shut while keys go to a node that does not echo: what a BIOS may get of them, and never a verb. An
      // answer that was under way then counts for the keys before it, and lets as many go once more.
      const { bus } = await own.stand.rack.counters();
      expect(bus.masterForConsole.printable).toBeLessThanOrEqual(2 * 48);
      expect(bus).toMatchObject({ masterCuts: 0, nestedPipes: 0, catastrophe: false });
    },
  );
});

describe.concurrent('random bytes and refusals', () => {
  const own = ownPlace('n2', 'n3');

  test(
    'random bytes, which gzip makes no smaller, go there and back through a pipe that falls shut and a console that is taken away',
    LONG,
    async () => {
      const source = join(own.folder, 'random.bin');
      writeFileSync(source, randomBytes(2_300));
      const there = join(own.folder, 'n3', 'random');
      const taker = await own.stand.client('taker');
      /** Somebody opens the console that the transfer uses, takes the keyboard, and leaves. */
      const takeAway = async (): Promise<void> => {
        await taker.request('console.attach', { addr: 3, take: true, watch: false });
        await taker.request('console.detach', {});
      };
      const dropped = await cutAt(
        `${there}.rackui-part`,
        500,
        startCommand(own.words('put', 'n3', source, 'random')),
        async () => {
          await own.stand.rack.ctl('drop-pipe');
          await vi.waitFor(() => expect(statSync(`${there}.rackui-part`).size).toBeGreaterThan(1_100), LIMIT);
          await takeAway();
        },
      );
      // A transfer gives way; the same command continues it.
      const put = dropped.code === 0 ? dropped : await own.rackui('put', 'n3', source, 'random');
      expect(put).toMatchObject({ code: 0 });
      expect(hash(there)).toBe(hash(source));
      // Several pieces.
      writeFileSync(source, randomBytes(40_000));
      writeFileSync(there, readFileSync(source));
      const back = join(own.folder, 'random.back');
      const broken = await cutAt(
        `${back}.rackui-part`,
        1,
        startCommand(own.words('get', 'n3', 'random', back)),
        async () => {
          await own.stand.rack.ctl('drop-pipe');
          await takeAway();
        },
      );
      const got = broken.code === 0 ? broken : await own.rackui('get', 'n3', 'random', back);
      expect(got).toMatchObject({ code: 0 });
      expect(hash(back)).toBe(hash(source));
      taker.close();
      const { bus } = await own.stand.rack.counters();
      expect(bus).toMatchObject({ masterCuts: 0, nestedPipes: 0, catastrophe: false });
    },
  );

  test(
    'what is no file, a folder, a full disk, no prompt, a held console and a node that is off are refused',
    LONG,
    async () => {
      const source = writeText(join(own.folder, 'small'), 500);
      expect(await own.rackui('get', 'n2', 'nothing', join(own.folder, 'x'))).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('there is no such file') as unknown,
      });
      expect(await own.rackui('put', 'n2', source, '/tmp')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('it is a folder') as unknown,
      });
      const full = await own.rackui('put', 'n2', source, '/dev/full/x');
      expect(full).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('the node takes no file there') as unknown,
      });
      expect((await own.rackui('put', 'n2', join(own.folder, 'absent'))).code).toBe(64);
      // A simulated system that asks for a login, and none is configured.
      expect(await own.rackui('put', 'n4', source)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('it requires a login') as unknown,
      });
      const holder = await own.stand.client('holder');
      await holder.request('console.attach', { addr: 2, take: false, watch: false });
      expect(await own.rackui('put', 'n2', source)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('holder has the keyboard of the console of n2') as unknown,
      });
      holder.close();
      await own.stand.rack.ctl('power', { node: '06', state: 'off' });
      const isOff = { code: 5, stderr: expect.stringContaining('is off') as unknown };
      await vi.waitFor(async () => expect(await own.rackui('put', 'n6', source)).toMatchObject(isOff), {
        ...LIMIT,
        interval: 1_000,
      });
      const audit = own.stand.audit().filter(({ verb, stage }) => verb === 'put' && stage === 'outcome');
      expect(audit.at(-1)?.detail).toContain('0 bytes went; the node takes no file there');
    },
  );
});
