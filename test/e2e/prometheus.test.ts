/** Debian's Prometheus with the shipped rules and dashboard, against the running program on a simulated rack. */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { FAMILIES } from '../../src/server/metrics/families.ts';
import { missing, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/nut.ts';
import { eightNodes, stand, sweptStand } from '../support/stand.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/prometheus', import.meta.url));
const absent = missing('/usr/bin/prometheus', '/usr/bin/promtool');
const LIMIT = { timeout: 60_000, interval: 200 };
const run = promisify(execFile);

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

const dashboard = JSON.parse(readFileSync(join(EXAMPLES, 'dashboard.json'), 'utf8')) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

test('rules and dashboard use only metrics that the server has', () => {
  const known = new Set(FAMILIES.map(({ name }) => name));
  const rules = readFileSync(join(EXAMPLES, 'alerts.yaml'), 'utf8');
  const texts = [...queries.map(({ expr }) => expr), ...rules.split('\n').filter((line) => !line.includes('RackT'))];
  const used = texts.flatMap((text) => [...text.matchAll(/\b(?:rackui|process)_\w+/g)].map(([name]) => name));
  expect(used.length).toBeGreaterThan(30);
  expect(used.filter((name) => !known.has(name))).toEqual([]);
});

describe.skipIf(absent.length > 0)(`promtool${absent.length > 0 ? ` (${absent.join(', ')} missing)` : ''}`, () => {
  test('the shipped rules are valid, and each of their cases raises the alert that it shall', async () => {
    await run('/usr/bin/promtool', ['check', 'rules', 'alerts.yaml'], { cwd: EXAMPLES });
    const { stdout } = await run('/usr/bin/promtool', ['test', 'rules', 'alerts-test.yaml'], { cwd: EXAMPLES });
    expect(stdout).toContain('SUCCESS');
    await run('/usr/bin/promtool', ['check', 'config', 'prometheus.yaml'], { cwd: EXAMPLES });
  });

  test('names, units and help of a running server pass promtool check metrics', async () => {
    const port = await freePort();
    await using rack = await sweptStand({
      config: `${eightNodes()}\nmetrics: { port: ${port} }\ncalibration: { amps: 0.01 }`,
    });
    const scrape = async (): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept: 'text/plain' } });
      return answer.text();
    };
    await expect.poll(() => scrape().catch(() => ''), LIMIT).toContain('rackui_node_current_amperes');
    const text = await scrape();
    const { stdout, stderr, status } = spawnSync('/usr/bin/promtool', ['check', 'metrics'], { input: text });
    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', '']);
    expect(rack.serverPid).toBeGreaterThan(0);
  });
});

describe.skipIf(absent.length > 0)(`Prometheus${absent.length > 0 ? ` (${absent.join(', ')} missing)` : ''}`, () => {
  test('a real Prometheus scrapes the rack, and an alert fires for a node that stops answering', async () => {
    const [port, web] = [await freePort(), await freePort()];
    await using rack = await sweptStand({ config: `name: r1\n${eightNodes()}\nmetrics: { port: ${port} }` });
    const settings = readFileSync(join(EXAMPLES, 'prometheus.yaml'), 'utf8');
    cpSync(join(EXAMPLES, 'alerts.yaml'), join(rack.folder, 'alerts.yaml'));
    writeFileSync(
      join(rack.folder, 'prometheus.yaml'),
      settings.replaceAll('15s', '1s').replace('127.0.0.1:9465', `127.0.0.1:${port}`),
    );
    await using prometheus = startDaemon('/usr/bin/prometheus', [
      `--config.file=${join(rack.folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(rack.folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${web}`,
      '--log.level=warn',
    ]);
    const ask = async (path: string): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${web}/api/v1/${path}`);
      const { status, data, error } = (await answer.json()) as { status: string; data: unknown; error?: string };
      if (status !== 'success') throw new Error(`${path}: ${error ?? status}; ${prometheus.said()}`);
      return data;
    };
    const valueOf = async (expr: string): Promise<string[]> => {
      const { result } = (await ask(`query?query=${encodeURIComponent(expr)}`)) as { result: { value: [0, string] }[] };
      return result.map(({ value }) => value[1]);
    };
    const quietly = (expr: string) => (): Promise<string[]> => valueOf(expr).catch(() => []);

    await expect.poll(quietly('up{job="rackui"}'), LIMIT).toEqual(['1']);
    await expect.poll(quietly('sum(rackui_node_power{state="on"})'), LIMIT).toEqual(['8']);
    for (const { expr } of queries)
      await ask(
        `query?query=${encodeURIComponent(expr.replaceAll('$rack', '.*').replaceAll('$__rate_interval', '1m'))}`,
      );

    await rack.rack.ctl('silent', { node: '03' });
    const firing = async (): Promise<unknown> => {
      const { alerts } = (await ask('alerts')) as { alerts: { state: string; labels: Record<string, string> }[] };
      return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels);
    };
    await expect
      .poll(firing, LIMIT)
      .toContainEqual(expect.objectContaining({ alertname: 'RackAlarm', kind: 'lost', node: 'n3', rack: 'r1' }));
    await expect.poll(quietly('rackui_node_power{node="n3"}'), LIMIT).toEqual([]);
    await expect.poll(quietly('rackui_node_answers{node="n3"}'), LIMIT).toEqual(['0']);
  });
});

test('a server without the section metrics listens nowhere but at its own sockets', async () => {
  await using rack = await stand({ config: eightNodes() });
  const sockets = (pid: number): string =>
    spawnSync('ss', ['-Hlntup'], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((line) => line.includes(`pid=${pid},`))
      .join('\n');
  expect(sockets(rack.serverPid)).toBe('');
  const port = await freePort();
  await using open = await stand({ config: `${eightNodes()}\nmetrics: { port: ${port} }` });
  await expect.poll(() => sockets(open.serverPid), LIMIT).toContain(`127.0.0.1:${port}`);
  expect(sockets(open.serverPid).split('\n')).toHaveLength(1);
});
