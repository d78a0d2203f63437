/** Programs of the configuration: argument vectors, bounded in time and words; ssh's arguments; who is in the network. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { parseConfig, inventoryOf } from '../../src/config/load.ts';
import { configSchema, type HookConfig } from '../../src/config/schema.ts';
import { runProgram } from '../../src/lib/subprocess.ts';
import { hooksFor } from '../../src/server/power-services.ts';
import { Network, sshArguments } from '../../src/server/ssh.ts';

const NEVER = new AbortController().signal;
const node = (script: string, ...args: string[]): string[] => [process.execPath, '-e', script, ...args];

test('its words and its exit code', async () => {
  expect(await runProgram(node('console.log("one"); console.error("two")'), 20, NEVER)).toEqual({
    code: 0,
    why: '',
    output: ['one', 'two'],
  });
  expect(await runProgram(node('process.exit(3)'), 20, NEVER)).toMatchObject({ code: 3, why: 'exit code 3' });
});

test('what it prints is bounded and harmless', async () => {
  const flood = 'for (let n = 0; n < 5000; n++) console.log("\\x1b[31m" + n + "x".repeat(500))';
  const { output } = await runProgram(node(flood), 20, NEVER);
  expect(output).toHaveLength(20);
  expect(output.at(-1)).toMatch(/^4999x+$/);
  expect(Math.max(...output.map((line) => line.length))).toBeLessThanOrEqual(200);
});

test('one line of megabytes, with tabs and without, is read at the speed of its program', async () => {
  const line = 'process.stdout.write("x".repeat(2e6) + "\\t" + "y".repeat(2e6) + "\\nend\\n")';
  const longestMs = await longestTurn(async () => {
    const { why, output } = await runProgram(node(line), 20, NEVER);
    expect([why, output.at(-1)]).toEqual(['', 'end']);
  });
  // One chunk of 64 KiB once took 16 s.
  expect(longestMs).toBeLessThan(2000);
});

/** Returns the longest time between two turns of the event loop while `work` goes on, ms. */
async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 10);
  await work();
  clearInterval(timer);
  return longest;
}

test('output beyond its limit ends a program, and what it started', async () => {
  const flood = ['/bin/sh', '-c', 'trap "" TERM; echo $$; yes & yes'];
  const { why, output } = await runProgram(flood, 20, NEVER, { mostBytes: 64 * 1024, lines: 100_000 });
  expect(why).toBe('it printed more than 64 KiB');
  await vi.waitFor(() => expect(runs(output[0] ?? '')).toBe(false), 10_000);
});

/** One that has ended and that nobody waited for has no command line any more. */
function runs(pid: string): boolean {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) && readFileSync(file).length > 0;
}

test('one that does not end is ended, with what it started', async () => {
  const stubborn = ['/bin/sh', '-c', 'trap "" TERM; sleep 1000 & echo $!; wait'];
  const { output, ...late } = await runProgram(stubborn, 1, NEVER);
  expect(late).toEqual({ code: null, why: 'no end within 1 s' });
  await vi.waitFor(() => expect(runs(output[0] ?? '')).toBe(false));
  const leaving = ['/bin/sh', '-c', '(trap "" TERM; exec sleep 1000) & echo $!; wait'];
  const left = await runProgram(leaving, 1, NEVER);
  expect(left.why).toBe('no end within 1 s');
  await vi.waitFor(() => expect(runs(left.output[0] ?? '')).toBe(false), 10_000);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 200);
  expect(await runProgram(stubborn, 20, abort.signal)).toMatchObject({ code: null, why: 'aborted' });
  expect(await runProgram(['/no/such/program'], 20, NEVER)).toMatchObject({
    code: null,
    why: '/no/such/program cannot be started: ENOENT',
  });
});

const INVENTORY = inventoryOf(
  configSchema.parse({
    nodes: [
      { addr: '00', role: 'master' },
      { addr: '03', name: 'web1', ip: '192.0.2.7', cluster: 'prod' },
    ],
  }),
);
const hook = (run: string[], nodes = 'all', when: HookConfig['when'] = 'before-off'): HookConfig => ({
  when,
  nodes,
  run,
  limit: 20,
  required: false,
});

test('braces become the node’s values, and each argument stays one, whatever is in it', async () => {
  const run = node(
    'console.log(JSON.stringify(process.argv.slice(1)))',
    '{name} {ip}; $(id)',
    '{pos}/{addr}',
    '{verb}',
  );
  const [found] = hooksFor([hook(run)], INVENTORY, 'before-off', 3, { op: 'x1', verb: 'off' });
  expect((await found?.run(NEVER))?.output).toEqual(['["web1 192.0.2.7; $(id)","A-3/03","off"]']);
});

test('a hook is for its moment and its nodes, and is not run without a value that it names', async () => {
  const hooks = [hook(['a'], 'cluster:prod'), hook(['b'], 'all', 'after-off'), hook(['c', '{role}'])];
  const texts = (addr: number): string[] =>
    hooksFor(hooks, INVENTORY, 'before-off', addr, { op: 'x1', verb: 'off' }).map(({ text }) => text);
  expect(texts(3)).toEqual(['a', 'c ']);
  expect(texts(0)).toEqual(['c master']);
  const last = hooksFor(hooks, INVENTORY, 'before-off', 3, { op: 'x1', verb: 'off' }).at(-1);
  expect(await last?.run(NEVER)).toMatchObject({ code: null, why: expect.stringContaining('names no role') as string });
});

test('ssh: keys only, host keys checked, the host after --, and no option that undoes ours', () => {
  const text = 'ssh: { user: pi, port: 2222, identity: /k, options: [ "ProxyJump=gate" ] }\n';
  const { ssh } = parseConfig(text, 'x');
  if (!ssh) throw new Error('no ssh in the configuration');
  const argv = sshArguments(ssh, '192.0.2.7');
  expect(argv[0]).toBe('ssh');
  expect(argv.slice(argv.indexOf('--'))).toEqual(['--', '192.0.2.7']);
  for (const option of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'PasswordAuthentication=no', 'ProxyJump=gate'])
    expect(argv[argv.indexOf(option) - 1]).toBe('-o');
  expect(argv.indexOf('StrictHostKeyChecking=yes')).toBeLessThan(argv.indexOf('ProxyJump=gate'));
  for (const option of ['StrictHostKeyChecking=no', 'batchmode=no', 'PubkeyAuthentication=no', 'not an option'])
    expect(() => parseConfig(`ssh: { options: ["${option}"] }\n`, 'x')).toThrow(/x:1:18/);
});

test('in the network: greeting, refusing, silent', async () => {
  const sshd = createServer((socket) => socket.end('SSH-2.0-test\r\n')).listen(0, '127.0.0.1');
  await once(sshd, 'listening');
  const { port } = sshd.address() as AddressInfo;
  const network = (at: number): Network =>
    new Network(
      () => ({ port: at, options: [], limit: 5 }),
      () => inventoryOf(configSchema.parse({ nodes: [{ addr: '03', ip: '127.0.0.1' }, { addr: '04' }] })),
    );
  expect([await network(port).reachable(3), await network(port).greets(3)]).toEqual([true, true]);
  sshd.close();
  await once(sshd, 'close');
  expect([await network(port).reachable(3), await network(port).greets(3)]).toEqual([true, false]);

  // A listener that accepts nobody, and whose queue is full: the kernel drops what comes, as an absent machine does.
  const deaf = spawn(process.execPath, [
    '-e',
    `const server = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       require('fs').writeSync(1, server.address().port + '\\n');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
  ]);
  const queue: Socket[] = [];
  try {
    const [chunk] = (await once(deaf.stdout, 'data')) as [Buffer];
    const deafPort = Number(chunk.toString());
    for (let n = 0; n < 4; n++) queue.push(connect(deafPort, '127.0.0.1').on('error', () => undefined));
    await expect.poll(() => network(deafPort).reachable(3), { timeout: 20_000 }).toBe(false);
  } finally {
    for (const socket of queue) socket.destroy();
    deaf.kill('SIGKILL');
  }
});
