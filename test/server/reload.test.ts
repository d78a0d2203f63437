/** Reloads: what of a changed configuration is effective at once, what is named as not, and what a broken file does. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configSentences, configWords } from '../../src/api/configuration.ts';
import { RPC_ERROR } from '../../src/api/methods.ts';
import { parseConfig } from '../../src/config/load.ts';
import { changedSettings } from '../../src/server/active-config.ts';
import { startRack } from '../support/rack.ts';
import { CUT_ALPHA, eventually, Harness, NODES, refusal } from './harness.ts';
import { ServeProcess } from './process.ts';

const RACK = NODES.map((node) => `  - ${JSON.stringify(node)}`).join('\n');
const GUARDED = RACK.replace('"name":"alpha"', '"name":"alpha","protected":true');
const file = (nodes: string, more = ''): string => `nodes:\n${nodes}\n${more}`;
const NIGHT = 'plans: { night: { steps: [{ name: rest, selector: beta, action: off }] } }';

describe('a setting that a reload takes over', () => {
  test('a node protected in the file is refused a cut after the reload, and only then', async () => {
    await using harness = await Harness.start();
    const { client } = await harness.ready();
    harness.write(file(GUARDED));
    expect((await client.request('power.check', CUT_ALPHA)).nodes[0]?.refusals).toEqual([]);
    expect((await client.request('server.info', {})).configuration.changed).toEqual(['nodes']);
    expect(await client.request('server.reload', {})).toMatchObject({ taken: ['nodes'], config: { changed: [] } });
    const check = await client.request('power.check', CUT_ALPHA);
    expect(check.nodes[0]?.refusals.map(({ rule }) => rule)).toContain('protected');
  });

  test.each([
    ['a plan', NIGHT, 'plans.night'],
    ['an alarm limit', 'alarms: { after: 0, currentHigh: 1 }', 'alarms.currentHigh'],
    ['the limit of a shutdown', 'shutdown: { hard: 77 }', 'shutdown.hard'],
    ['a trigger', 'console: { triggers: [oom] }', 'console.triggers'],
    ['what lookers may read', 'server: { viewOnly: { consoleText: true } }', 'server.viewOnly.consoleText'],
    ['credentials', 'login: { user: pi, password: { file: /etc/rackui/word } }', 'login'],
    ['a hook', 'hooks: [{ when: before-off, nodes: all, run: [/bin/true] }]', 'hooks'],
  ])('%s is named as changed, then in force', async (_what, text, setting) => {
    await using harness = await Harness.start();
    const { client } = await harness.ready();
    harness.write(file(RACK, text));
    const { taken, config } = await client.request('server.reload', {});
    expect(taken).toContain(setting);
    expect(config).toMatchObject({ changed: [], later: [], problem: null });
    expect(changedSettings(harness.configuration.config, parseConfig(file(RACK, text), 'rack.yaml'))).toEqual([]);
  });

  test('a plan that the file has anew can be shown, one that it has no longer cannot', async () => {
    await using harness = await Harness.start();
    const { client } = await harness.ready();
    harness.write(file(RACK, NIGHT));
    await client.request('server.reload', {});
    expect((await client.request('plan.show', { name: 'night' })).name).toBe('night');
    harness.write(file(RACK));
    await client.request('server.reload', {});
    expect((await refusal(client.request('plan.show', { name: 'night' }))).code).toBe(RPC_ERROR.unknown);
  });

  test('an alarm limit judges the next reading', async () => {
    await using harness = await Harness.start();
    const { client } = await harness.ready();
    harness.write(file(RACK, 'alarms: { after: 0, settle: 0, currentHigh: 1 }'));
    await client.request('server.reload', {});
    await client.request('sweep', { addrs: null, interrupt: false });
    const { standing } = await client.request('alarms.list', { limit: 0 });
    expect(standing.map(({ kind }) => kind)).toContain('current-high');
  });

  test('a node that the file has no longer leaves the rack, not while its console is open', async () => {
    await using harness = await Harness.start();
    const alice = await harness.ready();
    await alice.client.request('console.attach', { addr: 3, take: false, watch: false });
    harness.write(file(RACK.split('\n').slice(0, 3).join('\n')));
    const refused = await refusal(alice.client.request('server.reload', {}));
    expect(refused.message).toContain('gamma (A-3, 03) is no longer in the file');
    await alice.client.request('console.detach', {});
    await expect
      .poll(
        () =>
          alice.client.request('server.reload', {}).then(
            () => 'taken',
            () => 'refused',
          ),
        { timeout: 10_000 },
      )
      .toBe('taken');
    const { rack } = await alice.client.request('sweep', { addrs: null, interrupt: false });
    expect(rack.nodes.map(({ name }) => name)).toEqual(['boss', 'alpha', 'beta']);
  });
});

describe('a setting that a reload does not take over', () => {
  test.each([
    ['unlock: { file: /etc/rackui/unlock }', 'unlock'],
    ['port: /dev/ttyAMA3', 'port'],
    ['server: { group: dialout }', 'server.group'],
    ['poll: { interval: 3 }', 'poll.interval'],
    ['console: { log: { keep: 9 } }', 'console.log.keep'],
  ])('%s is named, and the old value stays in force', async (text, setting) => {
    await using harness = await Harness.start();
    const { client } = await harness.ready();
    const before = structuredClone(harness.configuration.config);
    harness.write(file(RACK, text));
    const { taken, config } = await client.request('server.reload', {});
    expect(taken).toEqual([]);
    expect(config.later).toEqual([{ setting, when: 'needs a restart: rackui server stop' }]);
    expect(harness.configuration.config).toEqual(before);
    expect(configWords(config)).toBe('config: restart');
    expect(configSentences(config)).toEqual([`not in force yet: ${setting}: needs a restart: rackui server stop`]);
  });

  test('an outage policy changed while its outage is under way', async () => {
    await using harness = await Harness.start();
    const { client } = await harness.ready();
    await client.request('outage.tell', { supply: 'battery', runtimeS: 600, settled: false });
    harness.write(
      file(
        RACK,
        'outage: { runtime: 90, last: shed-all }\nplans: { shed-all: { steps: [{ name: rest, selector: beta, action: off }] } }',
      ),
    );
    const { taken, config } = await client.request('server.reload', {});
    expect(taken).toEqual(['plans.shed-all']);
    expect(config.later).toEqual([{ setting: 'outage', when: 'an outage is under way: reload after it' }]);
    await client.request('outage.tell', { supply: 'mains', runtimeS: null, settled: false });
  });

  test('an outage policy changed while the mains are there is in force at once', async () => {
    await using harness = await Harness.start();
    const { client } = await harness.ready();
    harness.write(
      file(
        RACK,
        'outage: { runtime: 90, last: shed-all }\nplans: { shed-all: { steps: [{ name: rest, selector: beta, action: off }] } }',
      ),
    );
    expect((await client.request('server.reload', {})).taken).toEqual(['plans.shed-all', 'outage']);
    expect((await client.request('outage.status', {})).policies[0]?.last?.plan).toBe('shed-all');
  });
});

describe('a file that cannot be used', () => {
  test.each([
    ['no YAML', `${file(RACK)}\nplans: [`, /rack\.yaml:\d+:\d+: not YAML/],
    ['an unknown setting', `${file(RACK)}\nalarm: {}`, /rack\.yaml:7:\d+: alarm: no such setting/],
    ['two nodes at one address', file(`${RACK}\n  - { addr: "03", name: delta }`), /rack\.yaml:6:\d+: .*already gamma/],
  ])('%s: the former configuration stays in force, and the error has its place', async (_what, text, place) => {
    await using harness = await Harness.start();
    const alice = await harness.ready();
    harness.write(file(GUARDED));
    await alice.client.request('server.reload', {});
    harness.write(text);
    const broken = await refusal(alice.client.request('server.reload', {}));
    expect(broken.code).toBe(RPC_ERROR.config);
    expect(broken.message).toMatch(place);
    const check = await alice.client.request('power.check', CUT_ALPHA);
    expect(check.nodes[0]?.refusals.map(({ rule }) => rule)).toContain('protected');
    await eventually(() => expect(alice.updates.findLast(({ config }) => config)?.config?.problem).toMatch(place));
    // A looker learns that it is so, not what stands in the file.
    const looker = await harness.connect('eve', 'view');
    expect(looker.client.welcome.snapshot.config.problem).toBe('the file cannot be used');
    harness.write(file(GUARDED));
    expect(await alice.client.request('server.reload', {})).toMatchObject({ config: { problem: null, changed: [] } });
  });
});

test('a file that says the same in other words does not differ', async () => {
  await using harness = await Harness.start();
  const { client } = await harness.ready();
  harness.write(`# the rack\nname: rack\n${file(RACK, 'poll: { interval: 1 }\n')}\nkeys: { map: { help: F1 } }`);
  const { configuration } = await client.request('server.info', {});
  expect(configuration).toMatchObject({ changed: [], later: [], problem: null });
  expect(configSentences(configuration)).toEqual([]);
});

test('SIGHUP takes a changed file over, and does no harm where it is unchanged or broken', async () => {
  const rack = await startRack({ args: ['--nodes', '4'] });
  try {
    await using server = await new ServeProcess({ port: rack.port, config: file(RACK) }).ready();
    const path = join(server.dir, 'rack.yaml');
    const put = (text: string): void => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
    const alice = await server.connect();
    const { client } = alice;
    await client.request('sweep', { addrs: null, interrupt: false });
    const rules = async (): Promise<string[]> =>
      (await client.request('power.check', CUT_ALPHA)).nodes.flatMap(({ refusals }) =>
        refusals.map(({ rule }) => rule),
      );
    expect(await rules()).not.toContain('protected');
    server.kill('SIGHUP');
    await eventually(() =>
      expect(alice.events.map(({ text }) => text).join()).toContain('SIGHUP: configuration reloaded'),
    );
    put(file(GUARDED));
    // It is seen without being asked for.
    await eventually(() => expect(alice.updates.findLast(({ config }) => config)?.config?.changed).toEqual(['nodes']));
    server.kill('SIGHUP');
    await eventually(() => expect(alice.events.map(({ text }) => text).join()).toContain('in force now: nodes'));
    expect(await rules()).toContain('protected');
    put('nodes: 3\n');
    server.kill('SIGHUP');
    await eventually(() => expect(alice.events.map(({ text }) => text).join()).toContain(`${path}:1:8: nodes`));
    expect(await rules()).toContain('protected');
  } finally {
    await rack.stop();
  }
});
