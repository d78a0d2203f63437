/** Metrics: what they say of a rack, and how the server provides them. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { Changes } from '../../src/server/changes.ts';
import { writeMetrics } from '../../src/server/metrics/metrics.ts';
import { type MetricFacts, Tallies } from '../../src/server/metrics/families.ts';
import { RACK } from '../screens/scene.ts';
import { freePort } from '../support/nut.ts';
import { MIXED_SNAPSHOT } from '../support/snapshot.ts';
import { eventually, Harness, NODES } from './harness.ts';

function facts(over: Partial<MetricFacts> = {}): MetricFacts {
  return {
    snapshot: MIXED_SNAPSHOT,
    counters: { exchanges: 100, silent: 1, garbled: 2, foreign: 3, stray: 4, recoveries: 5 },
    tallies: new Tallies(new Changes()),
    version: '1.2.3',
    process: { cpuSeconds: 1.5, residentBytes: 5e7, openFiles: 20, startedAtSeconds: 1000 },
    ...over,
  };
}

/** The values of a metric: its labels but `rack` and `node` as they stand, and the number. */
async function valuesOf(name: string, of: MetricFacts = facts()): Promise<Record<string, number>> {
  const text = await writeMetrics(of, 'openmetrics');
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels = '', value] = /^[^{ ]+(?:\{(.*)\})? (.*)$/.exec(line) ?? [];
      const shown = labels.replaceAll(/(rack|node)="[^"]*",?/g, '').replace(/,$/, '');
      return [shown, Number(value)];
    }),
  );
}

describe('metrics of a rack', () => {
  test('a node that is off has power state off and 0 counts', async () => {
    const power = await valuesOf('rackui_node_power');
    expect([power['addr="05",state="off"'], power['addr="05",state="on"']]).toEqual([1, 0]);
    expect((await valuesOf('rackui_node_current_counts'))['addr="05"']).toBe(0);
  });

  test.each([
    ['an old reading', '0e'],
    ['a node that stopped answering', '11'],
    ['a node that never answered', '12'],
    ['a node that was not asked yet', '14'],
  ])('%s has no power, current and fan, instead of 0', async (_what, addr) => {
    const text = await writeMetrics(facts(), 'openmetrics');
    const about = text.split('\n').filter((line) => line.includes(`addr="${addr}"`));
    expect(about.filter((line) => /^rackui_node_(power|current|fan|system)/.test(line))).toEqual([]);
    expect(about.filter((line) => line.startsWith('rackui_node_info'))).toHaveLength(1);
  });

  test('whether a BMC answers is absent before the first request, 0 for silence, 1 for an answer', async () => {
    const answers = await valuesOf('rackui_node_answers');
    expect(['14', '11', '12', '05'].map((addr) => answers[`addr="${addr}"`])).toEqual([undefined, 0, 0, 1]);
  });

  test('the age is that of the last valid answer, also where it is old', async () => {
    const ages = await valuesOf('rackui_node_reading_age_seconds');
    expect([ages['addr="0e"'], ages['addr="12"']]).toEqual([42, undefined]);
  });

  test('amperes are given for calibrated nodes only', async () => {
    expect(await valuesOf('rackui_node_current_amperes')).toEqual({});
    const nodes = RACK.nodes.map((node) =>
      node.addr === 5 || node.addr === 0 ? { ...node, calibration: { amps: 0.01, zero: 0 } } : node,
    );
    const calibrated = { ...MIXED_SNAPSHOT, rack: { ...RACK, nodes } };
    const amperes = await valuesOf('rackui_node_current_amperes', facts({ snapshot: calibrated }));
    expect(Object.keys(amperes)).toEqual(['addr="00"', 'addr="05"']);
    expect(amperes['addr="05"']).toBe(0);
  });

  test('the sweep before the first one is over has no duration', async () => {
    expect(await valuesOf('rackui_bus_sweep_duration_seconds')).toEqual({ '': 0.4125 });
    const early = { ...MIXED_SNAPSHOT, bus: { ...MIXED_SNAPSHOT.bus, sweepMs: null } };
    expect(await valuesOf('rackui_bus_sweep_duration_seconds', facts({ snapshot: early }))).toEqual({});
  });

  test('a UPS that does not answer has no charge, load or supply state', async () => {
    const ups = {
      ...{ name: 'a', state: 'unknown' as const, why: 'silent', charge: 80, runtimeS: 900, load: 30, low: false },
      ...{ shutdown: false, replaceBattery: false, calibrating: false, unregistered: null, answeredAt: null },
    };
    const fine = { ...ups, name: 'b', state: 'battery' as const, why: null };
    const supply = { state: 'unknown' as const, low: false, shutdown: false, runtimeS: null, charge: null, why: null };
    const view = { nodes: 'the whole rack', supply, ups: [ups, fine], batteryS: null, last: null };
    const policy = { ...view, problems: [], forecast: [], phase: null, outage: null };
    const snapshot = { ...MIXED_SNAPSHOT, outage: { policies: [policy], dateAhead: 0 } };
    const text = (await writeMetrics(facts({ snapshot }), 'openmetrics')).split('\n');
    expect(text.filter((line) => /^rackui_ups.*ups="a"/.test(line))).toEqual([
      'rackui_ups_answers{rack="er24a",ups="a"} 0',
    ]);
    expect(text.filter((line) => /^rackui_ups.*ups="b"/.test(line))).toEqual([
      'rackui_ups_answers{rack="er24a",ups="b"} 1',
      'rackui_ups_on_battery{rack="er24a",ups="b"} 1',
      'rackui_ups_battery_charge_ratio{rack="er24a",ups="b"} 0.8',
      'rackui_ups_battery_runtime_seconds{rack="er24a",ups="b"} 900',
      'rackui_ups_load_ratio{rack="er24a",ups="b"} 0.3',
    ]);
  });

  test('a rack name with quotes and line ends is escaped', async () => {
    const snapshot = { ...MIXED_SNAPSHOT, rack: { ...RACK, name: 'a"b\\c\nd' } };
    expect(await writeMetrics(facts({ snapshot }), 'text')).toContain('rack="a\\"b\\\\c\\nd"');
  });
});

test('tallies count readings, console output and ended operations once', () => {
  const changes = new Changes();
  const tallies = new Tallies(changes);
  changes.emit('read', 5, { state: 'failed', failure: 'garbled', since: 0, tries: 1, last: null });
  changes.emit('output', 5, 10);
  changes.emit('output', 5, 2);
  changes.emit('gap', 5);
  const node = { addr: 5, name: 'n5', phase: 'ended' as const, since: 0, until: null, detail: '', evidence: [] };
  const nodes = [{ ...node, question: null, outcome: 'done' as const }];
  const operation = { id: 'x', verb: 'off' as const, label: '', by: 'ada', startedAt: 0, endedAt: null, nodes };
  for (const endedAt of [null, 1, 2]) changes.emit('changed', { operation: { ...operation, endedAt } });
  expect(Object.fromEntries(tallies.outcomes)).toEqual({ 'off done': 1 });
  expect([tallies.reads.get(5), tallies.readsFailed.garbled.get(5), tallies.readsFailed.silent.get(5)]).toEqual([
    1,
    1,
    undefined,
  ]);
  expect([tallies.consoleBytes.get(5), tallies.consoleGaps.get(5)]).toEqual([12, 1]);
  tallies.close();
  expect(changes.eventNames()).toEqual([]);
});

interface Answer {
  code: number | undefined;
  type: string | undefined;
  text: string;
}

function get(
  where: { port: number } | { socketPath: string },
  { path = '/metrics', method = 'GET', accept }: { path?: string; method?: string; accept?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = accept === undefined ? {} : { accept };
    request({ host: '127.0.0.1', ...where, path, method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ code: response.statusCode, type: response.headers['content-type'], text }));
    })
      .once('error', reject)
      .end();
  });
}

async function withMetrics(metrics: Record<string, unknown>): Promise<Harness> {
  return Harness.start({ config: { nodes: NODES, metrics } });
}

describe('a server with metrics', () => {
  test('the port answers in OpenMetrics, and in text where only that is accepted', async () => {
    const port = await freePort();
    await using harness = await withMetrics({ port });
    await harness.ready();
    const answer = await get({ port });
    expect([answer.code, answer.type]).toEqual([200, expect.stringContaining('application/openmetrics-text')]);
    expect(answer.text).toMatch(/# EOF\n$/);
    expect(answer.text).toContain('rackui_node_power{rack="rack",node="alpha",addr="01",state="on"} 1');
    const text = await get({ port }, { accept: 'text/plain' });
    expect([text.type, text.text]).toEqual([
      expect.stringContaining('text/plain; version=0.0.4'),
      expect.stringContaining('# TYPE rackui_node_reads_total counter'),
    ]);
  });

  test('other paths and methods are refused', async () => {
    const port = await freePort();
    await using harness = await withMetrics({ port });
    await harness.ready();
    expect((await get({ port }, { path: '/' })).code).toBe(404);
    expect((await get({ port }, { method: 'POST' })).code).toBe(405);
  });

  test('a Unix socket answers, with the mode of its group, and is removed at the end', async () => {
    const harness = new Harness();
    const socket = join(harness.dir, 'metrics.sock');
    harness.write(`nodes: ${JSON.stringify(NODES)}\nmetrics: { socket: ${socket} }`);
    await harness.server.start();
    await harness.configuration.reload();
    await eventually(() => expect(existsSync(socket)).toBe(true));
    expect((await get({ socketPath: socket })).text).toContain('rackui_build_info');
    expect(statSync(socket).mode & 0o777).toBe(0o660);
    await harness.close();
    expect(existsSync(socket)).toBe(false);
    await harness[Symbol.asyncDispose]();
  });

  test('the file is whole, readable by all, written anew, and removed at the end', async () => {
    const harness = new Harness();
    const textfile = join(harness.dir, 'rackui.prom');
    harness.write(`nodes: ${JSON.stringify(NODES)}\nmetrics: { textfile: ${textfile}, interval: 1 }`);
    await harness.server.start();
    await harness.configuration.reload();
    await eventually(() => expect(existsSync(textfile)).toBe(true));
    expect(statSync(textfile).mode & 0o777).toBe(0o644);
    const { ino } = statSync(textfile);
    await eventually(() => expect(statSync(textfile).ino).not.toBe(ino));
    expect(readFileSync(textfile, 'utf8')).toMatch(/^# HELP rackui_node_info[^]*process_start_time_seconds \d+.*\n$/);
    await harness.close();
    expect(existsSync(textfile)).toBe(false);
    await harness[Symbol.asyncDispose]();
  });

  test('a port in use is an alarm, the rack is served, and the port is taken when it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await using harness = await withMetrics({ port });
    const { client } = await harness.ready();
    const alarms = async (): Promise<string[]> =>
      (await client.request('alarms.list', { limit: 0 })).standing
        .filter(({ kind, clearedAt }) => kind === 'metrics' && clearedAt === null)
        .map(({ text }) => text);
    await expect
      .poll(alarms, { timeout: 30_000 })
      .toEqual([`cannot provide its metrics: at 127.0.0.1:${port} (another program uses this port: set another)`]);
    expect((await client.request('sweep', { addrs: null, interrupt: false })).bus.state).toBe('ready');
    await new Promise((resolve) => other.close(resolve));
    await expect.poll(alarms, { timeout: 30_000 }).toEqual([]);
    expect((await get({ port })).code).toBe(200);
  });

  test('a folder that is not there and a socket in the way are one alarm, and nothing else fails', async () => {
    const harness = new Harness();
    const socket = join(harness.dir, 'taken.sock');
    writeFileSync(socket, 'not a socket');
    const textfile = join(harness.dir, 'missing/rackui.prom');
    harness.write(
      `nodes: ${JSON.stringify(NODES)}\nmetrics: { socket: ${socket}, textfile: ${textfile}, interval: 1 }`,
    );
    await harness.server.start();
    await harness.configuration.reload();
    const { client } = await harness.ready();
    const text = async (): Promise<string> =>
      (await client.request('alarms.list', { limit: 0 })).standing.find(
        ({ kind, clearedAt }) => kind === 'metrics' && clearedAt === null,
      )?.text ?? '';
    await expect.poll(text, { timeout: 30_000 }).toMatch(/taken\.sock.*exists and is no socket.*missing.*ENOENT/);
    expect(readFileSync(socket, 'utf8')).toBe('not a socket');
    mkdirSync(join(harness.dir, 'missing'));
    await expect.poll(text, { timeout: 30_000 }).not.toContain('ENOENT');
    await harness[Symbol.asyncDispose]();
  });

  test('a reload that takes the section away closes the port and clears the alarm', async () => {
    const port = await freePort();
    await using harness = await withMetrics({ port });
    await harness.ready();
    await expect
      .poll(
        () =>
          get({ port }).then(
            ({ code }) => code,
            () => null,
          ),
        { timeout: 30_000 },
      )
      .toBe(200);
    harness.write(`nodes: ${JSON.stringify(NODES)}`);
    await harness.configuration.reload();
    await expect
      .poll(() => get({ port }).catch((error: unknown) => (error as NodeJS.ErrnoException).code))
      .toBe('ECONNREFUSED');
  });
});

describe('the section metrics', () => {
  test.each([
    ['metrics: { prot: 1 }', "rack.yaml:1:12: metrics.prot: no such setting; did you mean 'port'?"],
    ['metrics: { port: 70000 }', 'rack.yaml:1:18: metrics.port: found 70000; '],
    ['metrics: {}', 'rack.yaml:1:10: metrics: expected port, socket or textfile'],
    ['metrics: { port: 9465, address: 0.0.0.0 }', "metrics.address: found '0.0.0.0'; other machines can reach it"],
    ["metrics: { port: 9465, address: '::' }", 'add beyondLoopback: true, or use 127.0.0.1'],
    ['metrics: { port: 9465, address: localhost }', "found 'localhost'; expected an IPv4 or IPv6 address"],
    ['metrics: { textfile: rackui.prom }', "found 'rackui.prom'; expected an absolute path"],
    ['metrics: { textfile: /var/lib/rackui.txt }', 'a path that ends in .prom'],
  ])('%s is refused with its place', (text, says) => {
    expect(() => parseConfig(text, 'rack.yaml')).toThrow(says);
  });

  test('an address beyond loopback is accepted where the file says so', () => {
    const text = "metrics: { port: 9465, address: '::', beyondLoopback: true }";
    expect(parseConfig(text, 'rack.yaml').metrics).toMatchObject({ address: '::', port: 9465 });
    expect(configSchema.parse({}).metrics).toBeUndefined();
  });
});
