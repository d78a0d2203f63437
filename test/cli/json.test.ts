/** docs/json.md against the program: every key that a command prints stands there, and every key there is printed. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMON_EXITS, EXITS, wordsOf } from '../../src/cli/exit-codes.ts';
import { declare } from '../../src/cli/program.ts';
import { logLine } from '../../src/console/log-lines.ts';
import { startCommand } from '../support/command.ts';
import { shellOf } from '../support/shells.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, PROGRAM, type Stand } from '../support/stand.ts';
import { jsonLines, rackui } from './support.ts';

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/json.md', import.meta.url)), 'utf8');

/** Cells of the rows of the table under a heading. */
function rowsUnder(heading: string): string[][] {
  const [, section = ''] = PAGE.split(`## ${heading}\n`);
  const [body = ''] = section.split('\n## ');
  return [...body.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row = '']) => row.split(/(?<!\\) \| /).map((cell) => cell.trim()))
    .filter(([first]) => first?.startsWith('`') === true);
}
const bare = (cell = ''): string => cell.replaceAll('`', '');

/** Every way to a value: `nodes[].last.power`. */
function keysOf(value: unknown, way = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [`${way}[]`] : value.flatMap((one) => keysOf(one, `${way}[]`));
  if (typeof value !== 'object' || value === null) return [way];
  return Object.entries(value).flatMap(([key, one]) => keysOf(one, way === '' ? key : `${way}.${key}`));
}

function commandsOf({ commands }: Command): Command[] {
  return commands.flatMap((command) => [command, ...commandsOf(command)]);
}

test('every command has its exit codes, in its help and on the page, and the page has no others', () => {
  const program = declare(() => () => Promise.resolve());
  const commands = commandsOf(program);
  expect(Object.keys(EXITS).sort()).toEqual(commands.map(wordsOf).sort());
  const told = new Map(rowsUnder('Exit codes').map(([words, codes]) => [bare(words), bare(codes)]));
  const known = Object.entries(EXITS).filter(([, codes]) => Object.keys(codes).length > 0);
  const said = (codes: object): string =>
    Object.entries(codes)
      .map(([code, when]) => `${code} ${String(when)}`)
      .join('; ');
  expect(Object.fromEntries(told)).toEqual({
    'every command': said(COMMON_EXITS),
    ...Object.fromEntries(known.map(([words, codes]) => [words, said(codes)])),
  });
});

const CONFIG = [
  eightNodes({ 0: 'role: master', 7: 'protected: true' }),
  'outage: { last: all-off }',
  'plans:',
  '  all-off: { description: d, steps: [{ name: a, selector: "n[1-2]", action: off }] }',
  '  back: { steps: [{ name: a, selector: n1, action: on }, { name: b, selector: n2, action: on, needs: [a] }] }',
  '',
].join('\n');

let folder: string;
let place: Stand;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-json-'));
  place = await innerStand({
    sim: ['--time-scale', '30', '--no-loss', ...shellOf(folder, 'n6', 'dash')],
    config: CONFIG,
  });
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Every way that `a b[]{c d}` names: `a`, `b[].c`, `b[].d`. */
function waysOf(shape: string): string[] {
  const words = shape.match(/[^\s{}]+|[{}]/g) ?? [];
  const ways: string[] = [];
  const above: string[] = [];
  words.forEach((word, i) => {
    if (word === '}') above.pop();
    else if (words[i + 1] === '{') above.push(word);
    else if (word !== '{') ways.push([...above, word].join('.'));
  });
  return ways;
}

/** Nothing where a key was null or an array empty, and another time was not. */
const filled = (keys: Iterable<string>): string[] => {
  const all = [...keys];
  const more = (key: string): boolean =>
    all.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[]`));
  return all.filter((key) => !more(key));
};

/** What the commands print in several situations, by the name of their row. */
async function printed(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  const note = (row: string, values: readonly unknown[]): void => {
    const keys = found.get(row) ?? new Set();
    found.set(row, keys);
    // An array of its own has the shape of what is in it.
    for (const value of values.flat()) for (const key of keysOf(value)) keys.add(key);
  };
  const ask = async (row: string, ...args: string[]): Promise<Record<string, unknown>[]> => {
    const ran = await rackui(['--socket', place.socket, ...args, '--json']);
    const values = jsonLines(ran);
    expect(values.length, `${args.join(' ')}: ${ran.stderr}`).toBeGreaterThan(0);
    note(row, values);
    return values;
  };
  const watch = follow('status', '--watch');
  await ask('status', 'status');
  await ask('ops ID, answer, abort', 'on', 'n3', '--detach');
  await ask('verify', 'verify', 'n3');
  note('run', jsonLines(await rackui(['--socket', place.socket, 'run', '--json', 'n3', '--', 'true'])));
  writeFileSync(join(folder, 'file'), 'sent');
  note(
    'put, get',
    jsonLines(await rackui(['--socket', place.socket, 'put', '--json', 'n6', join(folder, 'file'), 'file'])),
  );
  mkdirSync(join(place.folder, 'consoles'), { recursive: true, mode: 0o700 });
  const boot = ['U-Boot 2024.01', '[FAILED] Failed to start a.service.', 'n7 login:'];
  const lines = boot.map((text, i) => logLine('|', Date.parse('2026-07-14T12:00:00Z') + i * 1000, text));
  writeFileSync(join(place.folder, 'consoles', 'n7.log'), lines.join(''));
  await ask('log --boots', 'log', 'n7', '--boots');
  await ask('discover', 'discover', '--no-hosts');
  await ask('bus --raw', 'bus', 'n3', '--raw', '=');
  await ask('bus', 'bus');
  await ask('server status', 'server', 'status');
  await ask('doctor', 'doctor');
  note('calibrate', await calibrated());
  // A node that nobody may ask puts its question, a plan runs, a BMC falls silent, the mains go.
  const [operation] = await ask('ops ID, answer, abort', 'off', 'n4', '--confirm', 'n4', '--detach');
  const id = String(operation?.['id']);
  const lists =
    (row: string, ...args: string[]) =>
    async (): Promise<string> =>
      JSON.stringify(await ask(row, ...args));
  await expect.poll(lists('status', 'status'), { timeout: 40_000, interval: 200 }).toContain('"holder"');
  await expect.poll(lists('ops', 'ops'), { timeout: 40_000, interval: 500 }).toContain('"choices"');
  await ask('ops ID, answer, abort', 'ops', id);
  await ask('ops ID, answer, abort', 'answer', id, 'leave');
  await rackui(['--socket', place.socket, 'plan', 'run', 'all-off', '--armed', '--detach']);
  await ask('plan list', 'plan', 'list');
  await place.rack.ctl('silent', { node: '06' });
  await expect.poll(lists('alarms', 'alarms'), { timeout: 40_000, interval: 500 }).toContain('"kind"');
  await ask('alarms --ack', 'alarms', '--ack', 'all');
  await ask('alarms', 'alarms');
  await ask('events', 'events');
  await ask('outage', 'outage', 'battery', '--runtime', '600');
  await ask('status', 'status');
  await ask('outage report', 'outage', 'report');
  note('status --watch', await watch());
  return found;
}

/** Starts a command that goes on; what it has printed when it is interrupted. */
function follow(...args: string[]): () => Promise<unknown[]> {
  const command = startCommand(['--socket', place.socket, ...args, '--json']);
  return async () => {
    command.signal('SIGINT');
    return jsonLines(await command.ended);
  };
}

/** Two points of a meter, at two loads. */
async function calibrated(): Promise<unknown[]> {
  const child = spawn(process.execPath, [PROGRAM, '--socket', place.socket, 'calibrate', 'n5', '--json']);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdin.write('0.5\n');
  await expect.poll(() => stderr, { timeout: 30_000 }).toContain('point 1');
  await place.rack.ctl('shows-current', { node: '05', counts: '90' });
  child.stdin.end('1.2\n');
  const code = Number(await ended);
  return jsonLines({ code, stdout, stderr });
}

test(
  'every key that a command prints stands on the page, and every key there is printed',
  { timeout: 170_000 },
  async () => {
    const found = await printed();
    const rows = rowsUnder('Shapes');
    expect(rows.map(([command]) => bare(command)).sort()).toEqual([...found.keys()].sort());
    for (const [command, , shape] of rows)
      expect(filled(found.get(bare(command)) ?? []).sort(), bare(command)).toEqual(waysOf(bare(shape)).sort());
  },
);
