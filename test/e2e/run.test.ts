/**
 * `rackui run` over the consoles of real shells, and of simulated nodes, of which many are in virtual time: output, exit
 * codes, refusals.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { shellOf } from '../support/shells.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, type Stand } from '../support/stand.ts';
import type { TestRack } from '../support/rack.ts';
import { eventually, VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';

const SHELLS = { n1: 'bash --norc', n2: 'dash', n3: 'zsh -f' };

interface Line {
  name: string;
  result: string;
  exitCode: number | null;
  output: string;
  why: string;
}

interface Ran {
  code: number | null;
  lines: Line[];
  stderr: string;
}

async function runAt({ socket }: Stand, ...words: string[]): Promise<Ran> {
  const { code, stdout, stderr } = await startCommand(['--socket', socket, 'run', '--json', ...words]).ended;
  const lines = stdout.split('\n').filter((line) => line !== '');
  return {
    code,
    stderr,
    lines: lines.map((line) => JSON.parse(line) as Line).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

test('a command runs in each of 23 simulated systems, one after another', async () => {
  const addresses = Array.from({ length: 24 }, (_, n) => n.toString(16).padStart(2, '0'));
  const nodes = addresses.map((addr) => `  - { addr: "${addr}", name: x${addr} }`).join('\n');
  const login = 'login: { user: pi, password: { command: [echo, raspberry] } }';
  using clock = new VirtualClock();
  const config = `${login}\nnodes:\n${nodes}`;
  await using whole = await virtualStand({ clock, config, sim: ['--time-scale', '20'] });
  const names = addresses.slice(1).map((addr) => `x${addr}`);
  const { code, lines } = await runAt(whole, ...names, '--', 'uname -n');
  expect(lines.map(({ name, output, exitCode, why }) => ({ name, output, exitCode, why }))).toEqual(
    names.map((name) => ({ name, output: `${name}\n`, exitCode: 0, why: '' })),
  );
  expect(code).toBe(0);
});

test.each([1, 2])(
  'a command whose line breaks off while it is typed %d times is typed again, and runs',
  async (times) => {
    const login = 'login: { user: pi, password: { command: [echo, raspberry] } }';
    using clock = new VirtualClock();
    await using small = await virtualStand({ clock, config: `${login}\n${eightNodes()}` });
    const command = `uname -n; echo ${'x'.repeat(500)}`;
    const ran = runAt(small, 'n1', '--', command);
    for (let time = 1; time <= times; time++) await breakOff(small.rack, 'n1', 300);
    const { code, lines } = await ran;
    expect(lines).toMatchObject([{ output: `n1\n${'x'.repeat(500)}\n`, exitCode: 0, why: '' }]);
    expect(code).toBe(0);
  },
);

/** Breaks the line off when a node has got so many bytes more: the login and half of the command. */
async function breakOff(rack: TestRack, name: string, bytes: number): Promise<void> {
  const got = async (): Promise<number> => (await rack.counters()).nodes[name.replace('n', '0')]?.consoleIn ?? 0;
  const before = await got();
  await eventually(async () => expect(await got()).toBeGreaterThan(before + bytes));
  await rack.ctl('unplug');
  // Longer than a console stays proven.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await rack.ctl('replug');
}

describe('between processes', () => {
  let folder: string;
  let rack: Stand;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rackui-run-'));
    const password = join(folder, 'password');
    writeFileSync(password, 'raspberry\n', { mode: 0o600 });
    const sim = Object.entries(SHELLS).flatMap(([name, program]) => shellOf(folder, name, program));
    rack = await innerStand({ config: `login: { user: pi, password: { file: ${password} } }\n${eightNodes()}`, sim });
  });

  afterAll(async () => {
    await rack[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(...words: string[]): Promise<Ran> {
    return runAt(rack, ...words);
  }

  test('a command runs in simulated systems and in bash, dash and zsh, with output and exit code of each', async () => {
    const { code, lines } = await run('n1', 'n2', 'n3', 'n4', '--', 'uname -n; echo "it\'s done"; exit 7');
    expect(lines.map(({ name, output, exitCode, why }) => ({ name, output, exitCode, why }))).toEqual(
      ['n1', 'n2', 'n3', 'n4'].map((name) => ({ name, output: `${name}\nit's done\n`, exitCode: 7, why: '' })),
    );
    expect(code).toBe(1);
    expect(rack.audit().filter(({ verb, stage }) => verb === 'run' && stage === 'outcome')).toHaveLength(4);
  }, 120_000);

  test.each(Object.keys(SHELLS))(
    'a command whose line breaks off while %s reads it runs once',
    async (name) => {
      const file = join(folder, `${name}-ran`);
      const ran = run(name, '--', `echo ran >>${file}; echo ${'x'.repeat(400)}`);
      await breakOff(rack.rack, name, 220);
      expect((await ran).lines).toMatchObject([{ output: `${'x'.repeat(400)}\n`, exitCode: 0, why: '' }]);
      expect(readFileSync(file, 'utf8')).toBe('ran\n');
    },
    120_000,
  );

  test('a command without end is interrupted at its limit', async () => {
    const { code, lines } = await run('n1', '--timeout', '2', '--', 'sleep 600');
    const end = expect.stringMatching(/no end within 2 s; interrupted/) as string;
    expect(lines.map(({ result, exitCode, why }) => ({ result, exitCode, why }))).toEqual([
      { result: 'cut', exitCode: null, why: end },
    ]);
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
});
