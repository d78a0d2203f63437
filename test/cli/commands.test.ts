/** The commands against a real server on a simulated rack: what they print, what they send, how they end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceStand } from '../support/inner-stand.ts';
import { PROGRAM, type Stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';
import { jsonLines, rackui, type Ran, type RunOptions } from './support.ts';

let place: Stand;
beforeAll(async () => {
  place = await referenceStand();
});
afterAll(() => place[Symbol.asyncDispose]());

const run = (args: string[], options?: RunOptions): Promise<Ran> =>
  rackui(['--socket', place.socket, ...args], options);

function inTerminal(args: string[]): TestTerminal {
  return openTerminal(process.execPath, [PROGRAM, '--socket', place.socket, ...args]);
}

/** How often power was cut on the wire, on all nodes. */
async function cuts(): Promise<number> {
  const { nodes } = await place.rack.counters();
  return Object.values(nodes).reduce((sum, { off }) => sum + off, 0);
}

describe('status', () => {
  test('prints a line for each node and says how the bus is', async () => {
    const { code, stdout } = await run(['status']);
    expect(stdout.split('\n')[0]).toMatch(/^er24a: bus ready on .*; 24 on, current \d+ counts in total$/);
    expect(stdout).toMatch(/^03 {4}A-3 {2}k8s-worker-04 +worker +on +\d+ +\d+ {2}\d\.\d s$/m);
    expect(stdout.trimEnd().split('\n')).toHaveLength(26);
    expect(code).toBe(0);
  });

  test('has a documented JSON, limited to the selector', async () => {
    const { code, stdout } = await run(['status', 'row:A', '!02', '--json']);
    const report = JSON.parse(stdout) as { rack: string; bus: unknown; nodes: Record<string, unknown>[] };
    expect(report).toMatchObject({ rack: 'er24a', bus: { state: 'ready', master: '00' } });
    expect(
      report.nodes.map(({ addr, pos, name, role, power, master }) => [addr, pos, name, role, power, master]),
    ).toEqual([
      ['00', 'A-0', 'mcp01', 'master', 'on', true],
      ['01', 'A-1', 'dk8s-worker-01', 'worker', 'on', false],
      ['03', 'A-3', 'k8s-worker-04', 'worker', 'on', false],
    ]);
    for (const { ageMs, current, fan } of report.nodes) {
      expect(ageMs).toBeLessThan(5000);
      expect([current, fan]).toEqual([expect.any(Number), expect.any(Number)]);
    }
    expect(code).toBe(0);
  });

  test('refuses a selector that matches nothing, by the word', async () => {
    const { code, stdout, stderr } = await run(['status', 'k8s-worker-99']);
    expect(stderr).toContain("'k8s-worker-99' is not a node of er24a");
    expect([code, stdout]).toEqual([64, '']);
  });

  test('a reader that goes away ends it without a word', async () => {
    const shell = [
      '-c',
      `"${process.execPath}" "${PROGRAM}" --socket "${place.socket}" status | head -1; echo "rest: $?"`,
    ];
    await using terminal = openTerminal('/bin/sh', shell, { cols: 120 });
    await terminal.waitFor('rest: 0');
    expect(terminal.text()).not.toContain('EPIPE');
  });

  test('--watch tells changes as lines where there is no terminal', async () => {
    await using terminal = openTerminal('/bin/sh', [
      '-c',
      `"${process.execPath}" "${PROGRAM}" --socket "${place.socket}" status 17 --watch | cat`,
    ]);
    await terminal.waitFor('k8s-worker-09');
    await place.rack.ctl('silent', { node: '17' });
    await terminal.waitFor(/k8s-worker-09 \(F-3, 17\) unknown/);
    await place.rack.ctl('clear', { node: '17' });
    await terminal.waitFor(/k8s-worker-09 \(F-3, 17\) on/);
  });
});

describe('power', () => {
  test('a dry run says what it means and what confirms it, and sends nothing', async () => {
    const { code, stdout } = await run(['off', 'dk8s-worker-[01-03]', '--force', '--dry-run']);
    expect(stdout).toContain('force-off dk8s-worker-[01-03] (3 nodes): cuts power at once');
    expect(stdout).toContain('chassis fan 1 stops');
    expect(stdout).toContain("--confirm 'dk8s-worker-[01-03] 3'");
    expect([code, await cuts()]).toEqual([0, 0]);
  });

  test.each<[args: string[], code: number, says: string]>([
    [['off', 'ns02'], 64, "add --confirm 'ns02'"],
    [['off', 'ns02', '--confirm', 'ns01'], 3, "'ns01' does not match"],
    [['off', 'row:B', '--force', '--confirm', 'row:B'], 3, "--confirm 'row:B 4'"],
    [['off', 'mcp01', '--force', '--confirm', 'mcp01'], 3, 'refused (master)'],
    [['cycle', '00', '--force', '--dry-run'], 3, ''],
    [['off', 'ns02', '--deadline', 'soon', '--confirm', 'ns02'], 64, '--deadline soon'],
    [
      ['off', 'ns02', '--on-deadline', 'explode', '--confirm', 'ns02'],
      64,
      "--on-deadline: found 'explode'; allowed: leave (the default), cut",
    ],
    [['off', 'nobody', '--confirm', 'nobody'], 64, "'nobody' is not a node"],
    [['on'], 64, 'selector'],
    [['abort', 'none'], 64, 'none'],
    [['ops', 'none'], 64, "there is no operation 'none'"],
  ])('%j ends with %i and cuts nothing', async (args, code, says) => {
    const ran = await run(args);
    expect(ran.stderr).toContain(says);
    expect([ran.code, await cuts()]).toEqual([code, 0]);
  });

  test('cuts what was confirmed, and nothing else; switches it on again', async () => {
    const off = await run(['off', 'dk8s-worker-02', '--force', '--confirm', 'dk8s-worker-02']);
    expect(off.stdout).toMatch(/1 done \(dk8s-worker-02\)$/m);
    expect(off.code).toBe(0);
    const { nodes } = await place.rack.state();
    expect(nodes.filter(({ power }) => power !== 'on').map(({ addr }) => addr)).toEqual(['05']);

    const on = await run(['on', 'dk8s-worker-02', '--json']);
    const lines = jsonLines(on);
    expect(lines.map(({ type }) => type)).toEqual(['start', ...lines.slice(2).map(() => 'node'), 'end']);
    expect(lines.at(-1)).toMatchObject({ verb: 'on', exitCode: 0, nodes: [{ addr: '05', outcome: 'done' }] });
    expect([on.code, (await place.rack.node('05')).power]).toEqual([0, 'on']);
  });

  test('--detach prints the operation, which ops then knows', async () => {
    const { code, stdout } = await run(['on', 'ns01', '--detach']);
    expect(code).toBe(0);
    const id = stdout.trim();
    expect(id).toMatch(/^\S+$/);
    const shown = await run(['ops', id, '--json']);
    expect(jsonLines(shown)[0]).toMatchObject({ id, verb: 'on', label: 'ns01' });
    expect((await run(['ops'])).stdout).toContain(id);
  });

  test('asks on a terminal, where only the right words go on', async () => {
    const before = await cuts();
    await using wrong = inTerminal(['off', 'dk8s-worker-03', '--force']);
    await wrong.waitFor('Type dk8s-worker-03 and Enter to confirm');
    wrong.type('\r');
    await wrong.waitFor('nothing was typed');
    expect([(await wrong.exited).code, await cuts()]).toEqual([3, before]);

    await using right = inTerminal(['off', 'dk8s-worker-03', '--force']);
    await right.waitFor('Type dk8s-worker-03 and Enter to confirm');
    right.type('dk8s-worker-03\r');
    await right.waitFor('1 done (dk8s-worker-03)');
    expect((await right.exited).code).toBe(0);
    expect((await place.rack.node('09')).power).toBe('off');
  });
});

describe('console', () => {
  /** What a command says beside the console's gaps, which come where this machine holds the rack or the server up. */
  const besideGaps = (stderr: string): string => stderr.replace(/^rackui: \S+ \([^)]*\): gap of .*\n/gm, '');

  test('in a script: lines go in when the node is ready for them, plain text comes out', async () => {
    const { code, stdout, stderr } = await run(['console', 'ns01'], { input: 'pi\nraspberry\nhostname\nexit\n' });
    expect(besideGaps(stderr)).toBe('');
    expect(stdout).toMatch(/^ns01$/m);
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect(code).toBe(0);
  });

  test('a terminal becomes the console; Ctrl-G stays here, Ctrl-] d leaves and the screen stays', async () => {
    await using terminal = inTerminal(['console', 'ns01']);
    await terminal.waitFor('Ctrl-] d leaves');
    terminal.type('\r');
    await terminal.waitFor('ns01 login:');
    terminal.type('\x07');
    await terminal.waitFor('Ctrl-G was not sent');
    terminal.type('nobody\r');
    await terminal.waitFor('Password:');
    terminal.type('\x1dd');
    expect((await terminal.exited).code).toBe(0);
    expect(terminal.text()).toContain('Password:');
    expect(terminal.alternate).toBe(false);
  });

  test.each<[args: string[], code: number, says: string]>([
    [['console', 'mcp01'], 3, 'is the master'],
    [['console', 'row:A'], 64, 'selects several nodes'],
    [['console', 'nobody'], 64, "'nobody' is not a node"],
  ])('%j ends with %i', async (args, code, says) => {
    const ran = await run(args);
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(says)]);
  });

  test('held by somebody: says by whom; --force takes it', async () => {
    const holder = await place.client('alice');
    await holder.request('console.attach', { addr: 4, take: false, watch: false });
    const refused = await run(['console', 'ns02'], { input: 'x\n' });
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/alice.*--force/)]);
    const taken = await run(['console', 'ns02', '--force'], { input: '\n' });
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('ns02 login:') as string });
    expect(besideGaps(taken.stderr)).toBe('');
  });
});

test('events are told in order, as text and as JSON', async () => {
  const { stdout, code } = await run(['events', '--json']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; text: string });
  expect(events.length).toBeGreaterThan(0);
  expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).sort((a, b) => a - b));
  expect((await run(['events'])).stdout).toContain(events[0]?.text);
  expect(code).toBe(0);
});

test('server status names pid, port and configuration', async () => {
  const { stdout, code } = await run(['server', 'status']);
  expect(stdout).toContain(`pid ${place.serverPid}`);
  expect(stdout).toContain(place.rack.link);
  expect(code).toBe(0);
});

// Last: the bus does not come back before the adapter does.
test('a bus that is gone is exit code 5, its reason said, and nothing reported as known', async () => {
  await place.rack.ctl('unplug');
  const client = await place.client();
  while ((await client.request('sweep', { addrs: null, interrupt: false })).bus.state !== 'down');
  const { code, stdout } = await run(['status', '--json']);
  const report = JSON.parse(stdout) as {
    bus: { state: string; detail: string };
    nodes: { power: string; current: unknown }[];
  };
  expect(report.bus.state).toBe('down');
  expect(report.bus.detail).not.toBe('');
  expect(report.nodes.map(({ power, current }) => [power, current])).toEqual(report.nodes.map(() => ['unknown', null]));
  expect(report.nodes).toHaveLength(24);
  expect(code).toBe(5);
  const off = await run(['off', 'ns02', '--force', '--confirm', 'ns02']);
  expect([off.code, off.stderr]).toEqual([5, expect.stringContaining(report.bus.detail)]);
});
