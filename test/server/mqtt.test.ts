/** What an MQTT broker gets of a rack, and the section of the configuration. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { exposures } from '../../src/config/reporting-schema.ts';
import { configSchema } from '../../src/config/schema.ts';
import { unreadableSecrets } from '../../src/config/secrets.ts';
import { describeDevice, statesOf, Topics, valuesOf } from '../../src/server/mqtt/topics.ts';
import { MIXED_SNAPSHOT } from '../support/snapshot.ts';

const TOPICS = new Topics({ prefix: 'home/racks', discovery: 'homeassistant' }, 'Er 24/A');
const parsed = (text: string | undefined): unknown => JSON.parse(text ?? 'null');

test('the name of a rack becomes one part of each topic', () => {
  expect([TOPICS.status, TOPICS.discovery]).toEqual([
    'home/racks/er_24_a/status',
    'homeassistant/device/rackui_er_24_a/config',
  ]);
  expect(TOPICS.commandAddress('home/racks/er_24_a/node/0b/power/set')).toBe(11);
  for (const topic of ['home/racks/er_24_a/node/zz/power/set', 'other/node/0b/power/set', TOPICS.status])
    expect(TOPICS.commandAddress(topic)).toBeNull();
});

test.each([
  ['an old reading', 0x0e],
  ['a node that stopped answering', 0x11],
  ['a node that never answered', 0x12],
  ['a node that was not asked yet', 0x14],
])('%s is offline, with power null and no values', (_what, addr) => {
  const states = statesOf(MIXED_SNAPSHOT, TOPICS);
  expect(states.get(TOPICS.node(addr, 'status'))).toBe('offline');
  expect(parsed(states.get(TOPICS.node(addr, 'state')))).toMatchObject({ power: null, system: null });
  expect(valuesOf(MIXED_SNAPSHOT, TOPICS).has(TOPICS.node(addr, 'values'))).toBe(false);
});

test('a node that is off is online, with power OFF', () => {
  const states = statesOf(MIXED_SNAPSHOT, TOPICS);
  expect(states.get(TOPICS.node(5, 'status'))).toBe('online');
  expect(parsed(states.get(TOPICS.node(5, 'state')))).toMatchObject({ power: 'OFF', disabled: false });
});

test('an entity of an earlier description that is gone is removed by its platform', () => {
  const gone = new Map([['rackui_er_24_a_77_power', 'binary_sensor']]);
  const { components } = parsed(
    describeDevice(MIXED_SNAPSHOT, TOPICS, { power: 'graceful', version: '1.0.0', gone }),
  ) as { components: Record<string, Record<string, unknown>> };
  expect(components.rackui_er_24_a_77_power).toEqual({ platform: 'binary_sensor' });
  const switches = Object.values(components).filter(({ platform }) => platform === 'switch');
  expect(switches).toHaveLength(24);
  expect(switches.every((one) => one.enabled_by_default === false)).toBe(true);
});

test.each([
  ['mqtt: { hots: x }', "mqtt.hots: no such setting; did you mean 'host'?"],
  ['mqtt: { port: 0 }', 'rack.yaml:1:15: mqtt.port: found 0'],
  ['mqtt: { power: force }', "mqtt.power: found 'force'; allowed: none, graceful"],
  ['mqtt: { user: x, password: y }', 'mqtt.password: a secret is { file: PATH }'],
  ['mqtt: { password: { file: /x } }', 'mqtt.password: needs user'],
  ['mqtt: { ca: /x }', 'mqtt.ca: '],
  ["mqtt: { prefix: 'a/#' }", 'a topic of letters'],
])('%s is refused with its place', (text, says) => {
  expect(() => parseConfig(text, 'rack.yaml')).toThrow(says);
});

test('a password file that others can read is found with its place', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-mqtt-'));
  const file = join(folder, 'word');
  writeFileSync(file, 'x', { mode: 0o644 });
  const config = configSchema.parse({ mqtt: { user: 'rack', password: { file } } });
  expect(await unreadableSecrets(config, 'run')).toEqual([
    expect.objectContaining({ path: ['mqtt', 'password'], message: expect.stringContaining('chmod 600') as string }),
  ]);
  rmSync(folder, { recursive: true });
});

test('the check of a configuration says what others can read or switch', () => {
  const said = (text: string): string[] => exposures(parseConfig(text, 'rack.yaml'));
  expect(said('mqtt: {}')).toEqual([]);
  expect(said('mqtt: { host: broker.example, tls: true }')).toEqual([]);
  expect(said('mqtt: { host: broker.example }')).toEqual([expect.stringContaining('without TLS')]);
  expect(said('mqtt: { power: graceful }')).toEqual([expect.stringContaining('can switch nodes on')]);
  expect(said('metrics: { port: 1, address: 0.0.0.0, beyondLoopback: true }')).toEqual([
    expect.stringContaining('can be read from other machines'),
  ]);
});
