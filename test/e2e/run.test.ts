/** `rackui run` over the consoles of simulated nodes and of real shells: output, exit codes, refusals. Needs a build. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shellOf } from '../support/shells.ts';
import { eightNodes, PROGRAM, type Stand, sweptStand } from '../support/stand.ts';

const SHELLS = { n1: 'bash --norc', n2: 'dash', n3: 'zsh -f' };

let folder: string;
let rack: Stand;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-run-'));
  const password = join(folder, 'password');
  writeFileSync(password, 'raspberry\n', { mode: 0o600 });
  const sim = Object.entries(SHELLS).flatMap(([name, program]) => shellOf(folder, name, program));
  rack = await sweptStand({ config: `login: { user: pi, password: { file: ${password} } }\n${eightNodes()}`, sim });
});

afterAll(async () => {
  await rack[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Line {
  name: string;
  result: string;
  exitCode: number | null;
  output: string;
  why: string;
}

function run(...words: string[]): Promise<Ran> {
  return runAt(rack, ...words);
}

interface Ran {
  code: number;
  lines: Line[];
  stderr: string;
}

async function runAt({ socket }: Stand, ...words: string[]): Promise<Ran> {
  const args = [PROGRAM, '--socket', socket, 'run', '--json', ...words];
  const end = await promisify(execFile)(process.execPath, args).catch((error: unknown) => error as never);
  const { stdout, stderr, code = 0 } = end as { stdout: string; stderr: string; code?: number };
  const lines = stdout.split('\n').filter((line) => line !== '');
  return {
    code,
    stderr,
    lines: lines.map((line) => JSON.parse(line) as Line).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

test('a command runs in simulated systems and in bash, dash and zsh, with output and exit code of each', async () => {
  const { code, lines } = await run('n1', 'n2', 'n3', 'n4', '--', 'uname -n; echo "it\'s done"; exit 7');
  expect(lines.map(({ name, output, exitCode, why }) => ({ name, output, exitCode, why }))).toEqual(
    ['n1', 'n2', 'n3', 'n4'].map((name) => ({ name, output: `${name}\nit's done\n`, exitCode: 7, why: '' })),
  );
  expect(code).toBe(1);
  expect(rack.audit().filter(({ verb, stage }) => verb === 'run' && stage === 'outcome')).toHaveLength(4);
}, 120_000);

test('a command runs in each of 23 simulated systems, one after another', async () => {
  const addresses = Array.from({ length: 24 }, (_, n) => n.toString(16).padStart(2, '0'));
  const nodes = addresses.map((addr) => `  - { addr: "${addr}", name: x${addr} }`).join('\n');
  const login = `login: { user: pi, password: { file: ${join(folder, 'password')} } }`;
  await using whole = await sweptStand({ config: `${login}\nnodes:\n${nodes}`, sim: ['--time-scale', '20'] });
  const names = addresses.slice(1).map((addr) => `x${addr}`);
  const { code, lines } = await runAt(whole, ...names, '--', 'uname -n');
  expect(lines.map(({ name, output, exitCode, why }) => ({ name, output, exitCode, why }))).toEqual(
    names.map((name) => ({ name, output: `${name}\n`, exitCode: 0, why: '' })),
  );
  expect(code).toBe(0);
}, 240_000);

test('a command without end is interrupted at its limit', async () => {
  const { code, lines } = await run('n1', '--timeout', '2', '--', 'sleep 600');
  expect(lines).toMatchObject([{ result: 'cut', exitCode: null }]);
  expect(lines[0]?.why).toMatch(/no end within 2 s; interrupted/);
  expect(code).toBe(4);
}, 60_000);

test('run refuses while a session has the keyboard, and types nothing', async () => {
  const holder = await rack.client('holder');
  await holder.request('console.attach', { addr: 4, take: false, watch: false });
  const { code, lines } = await run('n5', '--', 'true');
  expect(lines).toMatchObject([{ result: 'refused', exitCode: null }]);
  expect(lines[0]?.why).toContain('holder has the keyboard of the console of n4');
  expect(code).toBe(3);
  holder.close();
}, 60_000);

test('a line that is too long for a terminal is refused before a console is opened', async () => {
  const { code, lines } = await run('n6', '--', `echo ${'x'.repeat(1000)}`);
  expect(lines).toMatchObject([{ result: 'refused', exitCode: null }]);
  expect(lines[0]?.why).toMatch(/^nothing was typed: it is \d+ characters too long for the line of a terminal$/);
  expect(code).toBe(3);
}, 60_000);
