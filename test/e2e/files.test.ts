/**
 * `rackui put` and `get` over consoles of real shells, on a bus that loses bytes sent back to back: checksums, modes,
 * breaks in the middle, refusals. Needs a build.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
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
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shellOf } from '../support/shells.ts';
import { eightNodes, PROGRAM, type Stand, sweptStand } from '../support/stand.ts';

const LIMIT = { timeout: 300_000, interval: 100 };
const LONG = 600_000;
const SHELLS = { n1: 'bash --norc', n2: 'dash', n3: 'zsh -f', n5: 'busybox ash' };

let folder: string;
let rack: Stand;

/** Prints a kernel line every second. */
const NOISE =
  '(n=100;while sleep 1;do n=$((n+1));printf "[%5d.123456] usb 1-1: device not accepting address\\r\\n" $n;done)&';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-files-'));
  const sim = Object.entries(SHELLS).flatMap(([name, program]) => shellOf(folder, name, program, NOISE));
  rack = await sweptStand({ config: eightNodes(), sim });
}, 60_000);

afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const words = (...more: string[]): string[] => [PROGRAM, '--socket', rack.socket, ...more];

async function rackui(...more: string[]): Promise<Ended> {
  const end = await promisify(execFile)(process.execPath, words(...more)).catch((error: unknown) => error as never);
  const { stdout, stderr, code = 0 } = end as { stdout: string; stderr: string; code?: number };
  return { code, stdout, stderr };
}

const hash = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** A file of words: gzip makes it some four times smaller. */
function text(file: string, bytes: number): string {
  const path = join(folder, file);
  const seeds = randomBytes(2048).toString('hex');
  let lines = '';
  for (let n = 0; lines.length < bytes; n++)
    lines += `${n} ${seeds.slice((n * 7) % 4000, ((n * 7) % 4000) + 6)} the quick brown fox jumps over the lazy dog\n`;
  writeFileSync(path, lines.slice(0, bytes));
  return path;
}

test.each(Object.keys(SHELLS))(
  '%s: a file goes there and back, with its mode, between kernel lines',
  async (name) => {
    const source = join(folder, `${name}.bin`);
    writeFileSync(source, randomBytes(2_000));
    chmodSync(source, 0o750);
    const put = await rackui('put', '--json', name, source, 'it’s here');
    expect(put).toMatchObject({ code: 0, stderr: '' });
    const there = join(folder, name, 'it’s here');
    expect(JSON.parse(put.stdout)).toMatchObject({ node: name, path: there, size: 2_000, resumed: 0 });
    expect([hash(there), statSync(there).mode & 0o777]).toEqual([hash(source), 0o750]);
    const back = join(folder, `${name}.back`);
    expect(await rackui('get', name, 'it’s here', back)).toMatchObject({ code: 0, stderr: '' });
    expect([hash(back), statSync(back).mode & 0o777]).toEqual([hash(source), 0o750]);
    expect(readdirSync(join(folder, name))).toEqual(['it’s here']);
    // The terminal echoes again.
    const { stdout } = await rackui('run', '--console', name, '--', 'stty -a </dev/tty');
    expect(stdout).toMatch(/ echo /);
  },
  LONG,
);

/** Starts a transfer and cuts it, by `cut`, when the part file has `bytes`. */
async function cutAt(
  part: string,
  bytes: number,
  args: string[],
  cut: (child: ChildProcess) => unknown,
): Promise<Ended> {
  const child = spawn(process.execPath, words(...args), { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  await expect.poll(() => (existsSync(part) ? statSync(part).size : 0), LIMIT).toBeGreaterThan(bytes);
  await cut(child);
  return { code: await exited, ...said };
}

test(
  'a transfer continues through a pipe that falls shut and after its command was killed; the old file stands until then',
  async () => {
    const source = join(folder, 'cut.bin');
    writeFileSync(source, randomBytes(6_000));
    const there = join(folder, 'n1', 'cut');
    writeFileSync(there, 'old');
    const part = `${there}.rackui-part`;
    const killed = await cutAt(part, 1_500, ['put', 'n1', source, 'cut'], (child) => child.kill('SIGKILL'));
    expect(killed.code).toBe(-1);
    expect(readFileSync(there, 'utf8')).toBe('old');
    const again = await cutAt(part, 3_500, ['put', '--json', 'n1', source, 'cut'], () => rack.rack.ctl('drop-pipe'));
    expect(again).toMatchObject({ code: 0 });
    expect((JSON.parse(again.stdout) as { resumed: number }).resumed).toBeGreaterThan(1_500);
    expect(hash(there)).toBe(hash(source));
    // Several pieces: one alone has its name before anything can cut it.
    writeFileSync(source, randomBytes(60_000));
    writeFileSync(there, readFileSync(source));
    const back = join(folder, 'cut.back');
    const broken = await cutAt(`${back}.rackui-part`, 1, ['get', 'n1', 'cut', back], (child) => child.kill('SIGKILL'));
    expect([broken.code, existsSync(back)]).toEqual([-1, false]);
    expect(await rackui('get', 'n1', 'cut', back)).toMatchObject({ code: 0, stderr: '' });
    expect(hash(back)).toBe(hash(source));
    expect(existsSync(`${back}.rackui-part`)).toBe(false);
    // A pipe that falls shut while keys go to a node that does not echo: what a BIOS may get of them, and never a verb. An
    // answer that was under way then counts for the keys before it, and lets as many go once more.
    const { bus } = await rack.rack.counters();
    expect(bus.masterForConsole.printable).toBeLessThanOrEqual(2 * 48);
    expect(bus).toMatchObject({ masterCuts: 0, nestedPipes: 0, catastrophe: false });
  },
  LONG,
);

test(
  'random bytes, which gzip makes no smaller, go there and back through a pipe that falls shut and a console that is taken away',
  async () => {
    const source = join(folder, 'random.bin');
    writeFileSync(source, randomBytes(16_000));
    const there = join(folder, 'n3', 'random');
    const taker = await rack.client('taker');
    /** Somebody opens the console that the transfer uses, takes the keyboard, and leaves. */
    const takeAway = async (): Promise<void> => {
      await taker.request('console.attach', { addr: 3, take: true, watch: false });
      await taker.request('console.detach', {});
    };
    const dropped = await cutAt(`${there}.rackui-part`, 2_000, ['put', 'n3', source, 'random'], async () => {
      await rack.rack.ctl('drop-pipe');
      await expect.poll(() => statSync(`${there}.rackui-part`).size, LIMIT).toBeGreaterThan(4_000);
      await takeAway();
    });
    // A transfer gives way; the same command continues it.
    const put = dropped.code === 0 ? dropped : await rackui('put', 'n3', source, 'random');
    expect(put).toMatchObject({ code: 0 });
    expect(hash(there)).toBe(hash(source));
    const back = join(folder, 'random.back');
    const broken = await cutAt(`${back}.rackui-part`, 1, ['get', 'n3', 'random', back], async () => {
      await rack.rack.ctl('drop-pipe');
      await takeAway();
    });
    const got = broken.code === 0 ? broken : await rackui('get', 'n3', 'random', back);
    expect(got).toMatchObject({ code: 0 });
    expect(hash(back)).toBe(hash(source));
    taker.close();
    const { bus } = await rack.rack.counters();
    expect(bus).toMatchObject({ masterCuts: 0, nestedPipes: 0, catastrophe: false });
  },
  LONG,
);

test(
  'what is no file, a folder, a full disk, no prompt, a held console and a node that is off are refused',
  async () => {
    const source = text('small', 500);
    expect(await rackui('get', 'n2', 'nothing', join(folder, 'x'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no such file') as unknown,
    });
    expect(await rackui('put', 'n2', source, '/tmp')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it is a folder') as unknown,
    });
    const full = await rackui('put', 'n2', source, '/dev/full/x');
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('the node takes no file there') as unknown });
    expect((await rackui('put', 'n2', join(folder, 'absent'))).code).toBe(64);
    // A simulated system that asks for a login, and none is configured.
    expect(await rackui('put', 'n4', source)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('it requires a login') as unknown,
    });
    const holder = await rack.client('holder');
    await holder.request('console.attach', { addr: 2, take: false, watch: false });
    expect(await rackui('put', 'n2', source)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('holder has the keyboard of the console of n2') as unknown,
    });
    holder.close();
    await rack.rack.ctl('power', { node: '06', state: 'off' });
    const off = async (): Promise<Ended> => rackui('put', 'n6', source);
    await expect.poll(off, LIMIT).toMatchObject({ code: 5, stderr: expect.stringContaining('is off') as unknown });
    const audit = rack.audit().filter(({ verb, stage }) => verb === 'put' && stage === 'outcome');
    expect(audit.at(-1)?.detail).toContain('0 bytes went; the node takes no file there');
  },
  LONG,
);
