/** The demo leaves nothing behind, however it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROGRAM } from '../support/stand.ts';
import { rackui } from './support.ts';

let temp: string;
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), 'rackui-test-demo-'));
});
afterEach(() => rmSync(temp, { recursive: true, force: true }));

/** A headless demo that is ready; its temporary directory is in `temp`. */
async function startDemo(): Promise<{ child: ChildProcess; said: Record<'port' | 'socket' | 'control', string> }> {
  const child = spawn(process.execPath, [PROGRAM, 'demo', '--headless', '--seed', '7'], {
    env: { ...process.env, TMPDIR: temp },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (/^ready$/m.test(output)) resolve();
    });
    child.once('exit', () => reject(new Error(`the demo ended: ${output}`)));
  });
  const word = (name: string): string => new RegExp(`^${name} (.*)$`, 'm').exec(output)?.[1] ?? '';
  const said = { port: word('port'), socket: word('socket'), control: word('control') };
  return { child, said };
}

/** Command lines of processes that mention the directory. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(directory) ? [line] : [];
      } catch {
        return [];
      }
    });
}

async function untilNothingIsLeft(): Promise<void> {
  const limit = performance.now() + 15_000;
  for (;;) {
    const left = [...readdirSync(temp).filter((name) => name.startsWith('rackui-')), ...processesOf(temp)];
    if (left.length === 0) return;
    if (performance.now() > limit) throw new Error(`left behind:\n${left.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test.each<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'])('%s ends all of it', async (signal) => {
  const { child, said } = await startDemo();
  expect(existsSync(said.port)).toBe(true);
  expect(processesOf(temp).length).toBeGreaterThanOrEqual(3);
  const { code, stdout } = await rackui(['--socket', said.socket, 'status']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('24 on')]);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill(signal);
  expect(await ended).toBe(signal === 'SIGKILL' ? null : 0);
  await untilNothingIsLeft();
});

test('a rack file that is not there is said, with exit code 5 or 78, and nothing is left', async () => {
  const { code, stderr } = await rackui(['demo', '--headless', '--rack', join(temp, 'none.yaml')], {
    env: { TMPDIR: temp },
  });
  expect(stderr).toContain('none.yaml');
  expect(stderr).not.toMatch(/^\s+at /m);
  expect([5, 78]).toContain(code);
  await untilNothingIsLeft();
});
