/** Debian's mosquitto on loopback: what it gets of a running rack, what it may switch, and what is when it is away. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RackClient } from '../../src/client/client.ts';
import { type Ran, rackui } from '../cli/support.ts';
import { missing, startDaemon, type Daemon } from '../support/daemon.ts';
import { freePort, until } from '../support/nut.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, stand, type Stand } from '../support/stand.ts';

const BROKER = '/usr/sbin/mosquitto';
const absent = missing(BROKER, '/usr/bin/mosquitto_sub', '/usr/bin/mosquitto_pub', '/usr/bin/openssl');
const LIMIT = { timeout: 60_000, interval: 200 };
const run = promisify(execFile);

let folder: string;
let port: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-mqtt-'));
  port = await freePort();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A broker with these lines of configuration, which accepts connections. */
async function broker(
  lines: readonly string[] = ['allow_anonymous true'],
): Promise<Daemon & { listen: typeof listen }> {
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, ['user root', `listener ${port} 127.0.0.1`, ...lines].join('\n') + '\n');
  const daemon = startDaemon(BROKER, ['-c', file]);
  await until(() => isListening(port), [daemon.said()]);
  return { ...daemon, listen };
}

function isListening(at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(at, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

interface Listener extends AsyncDisposable {
  /** The latest message of each topic. */
  readonly topics: Map<string, string>;
  json(topic: string): Record<string, unknown>;
}

/** `mosquitto_sub` on all topics. */
function listen(args: readonly string[] = []): Listener {
  const child = spawn('/usr/bin/mosquitto_sub', ['-h', '127.0.0.1', '-p', `${port}`, '-t', '#', '-v', ...args]);
  const topics = new Map<string, string>();
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) topics.set(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1));
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    topics,
    json: (topic) => JSON.parse(topics.get(topic) ?? '{}') as Record<string, unknown>,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

async function publish(topic: string, text: string, ...more: string[]): Promise<void> {
  await run('/usr/bin/mosquitto_pub', [
    '-h',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-t',
    topic,
    '-m',
    text,
    '-q',
    '1',
    ...more,
  ]);
}

/** `start`: where its server runs, which is killed in one of these tests. */
function rackWith(mqtt: string, more: Readonly<Record<number, string>> = {}, start = innerStand): Promise<Stand> {
  const nodes = eightNodes({ 0: 'role: master', ...more });
  const login = 'login: { user: pi, password: { command: [echo, raspberry] } }';
  const config = `name: Attic\n${nodes}\n${login}\nshutdown: { settle: 1 }\nmqtt: { port: ${port}, ${mqtt} }`;
  return start({ sim: ['--time-scale', '20'], config });
}

async function alarmsOf(client: RackClient): Promise<string[]> {
  const { standing } = await client.request('alarms.list', { limit: 0 });
  return standing.filter(({ kind, clearedAt }) => kind === 'mqtt' && clearedAt === null).map(({ text }) => text);
}

const eventsOf = async (client: RackClient): Promise<string> =>
  (await client.request('events.list', { limit: 200 })).map(({ text }) => text).join('\n');

describe.skipIf(absent.length > 0)(
  `an MQTT broker${absent.length > 0 ? ` (${absent.join(', ')} missing)` : ''}`,
  () => {
    test('gets states and one device with its nodes; a killed server is offline by its last will', async () => {
      await using mosquitto = await broker();
      await using heard = mosquitto.listen();
      await using rack = await rackWith('interval: 1', {}, stand);
      await expect.poll(() => heard.topics.get('rackui/attic/status'), LIMIT).toBe('online');
      await expect
        .poll(() => heard.json('rackui/attic/node/03/state'), LIMIT)
        .toMatchObject({ name: 'n3', power: 'ON' });
      await expect.poll(() => heard.json('rackui/attic/node/03/values').current, LIMIT).toEqual(expect.any(Number));
      const device = heard.json('homeassistant/device/rackui_attic/config') as {
        device: Record<string, unknown>;
        components: Record<string, Record<string, unknown>>;
      };
      expect(device.device).toMatchObject({ identifiers: ['rackui_attic'], name: 'Rack Attic' });
      expect(Object.values(device.components).filter(({ name }) => String(name).endsWith('power'))).toHaveLength(8);
      expect(Object.values(device.components).filter(({ platform }) => platform === 'switch')).toEqual([]);
      const wanted = Object.values(device.components).map(({ state_topic: topic }) => String(topic));
      await expect.poll(() => wanted.filter((topic) => !heard.topics.has(topic)), LIMIT).toEqual([]);

      await rack.rack.ctl('silent', { node: '03' });
      await expect.poll(() => heard.topics.get('rackui/attic/node/03/status'), LIMIT).toBe('offline');
      expect(heard.json('rackui/attic/node/03/state').power).toBeNull();

      await rack.killServer();
      await expect.poll(() => heard.topics.get('rackui/attic/status'), LIMIT).toBe('offline');
      await rack.startServer();
      await expect.poll(() => heard.topics.get('rackui/attic/status'), LIMIT).toBe('online');
      await rack.killServer('SIGTERM');
      await expect.poll(() => heard.topics.get('rackui/attic/status'), LIMIT).toBe('offline');
      await using late = mosquitto.listen();
      await expect.poll(() => late.topics.get('rackui/attic/status'), LIMIT).toBe('offline');
    });

    test('switches a node off gracefully and on again, under its own name, where that is allowed', async () => {
      await using mosquitto = await broker();
      await using heard = mosquitto.listen();
      await using rack = await rackWith('power: graceful', { 2: 'protected: true' });
      const client = await rack.client();
      await expect.poll(() => heard.json('rackui/attic/node/03/state').power, LIMIT).toBe('ON');
      const { components } = heard.json('homeassistant/device/rackui_attic/config') as {
        components: Record<string, Record<string, unknown>>;
      };
      expect(components.rackui_attic_03_switch).toMatchObject({ platform: 'switch', enabled_by_default: false });

      await publish('rackui/attic/node/03/power/set', 'OFF');
      await expect.poll(() => heard.json('rackui/attic/node/03/state').power, LIMIT).toBe('OFF');
      expect((await rack.rack.counters()).nodes['03']).toMatchObject({ off: 1 });
      const cut = rack.audit().filter(({ node }) => (node as { name: string }).name === 'n3');
      expect(cut.map(({ verb }) => verb)).toContain('off');
      expect(cut.map(({ reportedBy }) => (reportedBy as { user: string }).user)).toContain('mqtt');

      await publish('rackui/attic/node/03/power/set', 'ON');
      await expect.poll(() => heard.json('rackui/attic/node/03/state').power, LIMIT).toBe('ON');

      for (const [addr, why] of [
        ['00', 'manages this bus'],
        ['02', 'is protected'],
        ['7f', 'there is no such node'],
      ]) {
        await publish(`rackui/attic/node/${addr ?? ''}/power/set`, 'OFF');
        await expect.poll(() => eventsOf(client), LIMIT).toContain(why);
      }
      await publish('rackui/attic/node/04/power/set', 'force-off');
      await expect.poll(() => eventsOf(client), LIMIT).toContain('expected ON or OFF');
      const { bus, nodes } = await rack.rack.counters();
      expect([bus.masterCuts, nodes['02']?.off, nodes['04']?.off]).toEqual([0, 0, 0]);
    });

    test('a request that the broker kept is not carried out, and without power none is', async () => {
      await using mosquitto = await broker();
      await publish('rackui/attic/node/05/power/set', 'OFF', '-r');
      await using heard = mosquitto.listen();
      {
        await using rack = await rackWith('power: graceful');
        await expect.poll(async () => eventsOf(await rack.client()), LIMIT).toContain('a retained request is ignored');
        expect((await rack.rack.counters()).nodes['05']?.off).toBe(0);
      }
      await using closed = await rackWith('power: none');
      await expect.poll(() => heard.json('rackui/attic/node/03/state').power, LIMIT).toBe('ON');
      await publish('rackui/attic/node/03/power/set', 'OFF');
      await publish('rackui/attic/node/03/power/set', 'OFF');
      const client = await closed.client();
      await client.request('sweep', { addrs: null, interrupt: false });
      expect(await client.request('ops.list', {})).toEqual([]);
    });

    test('that is away is one alarm; sweeps go on, and states arrive when it is there', async () => {
      await using rack = await rackWith('interval: 1');
      const client = await rack.client();
      await expect
        .poll(() => alarmsOf(client), LIMIT)
        .toEqual([expect.stringMatching(/^cannot reach its MQTT broker 127\.0\.0\.1:\d+ \(.*ECONNREFUSED/)]);
      await expect
        .poll(async () => (await client.request('sweep', { addrs: null, interrupt: false })).bus.sweepsPerS, LIMIT)
        .toBeGreaterThan(0.5);
      expect((await eventsOf(client)).match(/MQTT broker/g)).toHaveLength(1);
      await using mosquitto = await broker();
      await using heard = mosquitto.listen();
      await expect.poll(() => heard.topics.get('rackui/attic/status'), LIMIT).toBe('online');
      await expect.poll(() => alarmsOf(client), LIMIT).toEqual([]);
    });

    test('an authority that cannot be read is an alarm with its file until it can, and ends the check with 78', async () => {
      const key = (name: string): string => join(folder, name);
      const made = ['-keyout', key('ca.key'), '-out', key('ca.crt')];
      spawnSync('/usr/bin/openssl', [
        ...['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', '-subj', '/CN=ca'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1', ...made],
      ]);
      await using daemon = await broker([
        ...['allow_anonymous true', `certfile ${key('ca.crt')}`, `keyfile ${key('ca.key')}`],
      ]);
      await using heard = daemon.listen(['--cafile', key('ca.crt')]);
      await using rack = await rackWith(`tls: true, ca: ${key('known.crt')}`);
      const client = await rack.client();
      const why = `cannot read the certificate in ${key('known.crt')}: ENOENT`;
      await expect
        .poll(() => alarmsOf(client), LIMIT)
        .toEqual([`cannot reach its MQTT broker 127.0.0.1:${port} (${why}): retrying`]);
      const check = (): Promise<Ran> => rackui(['--config', join(rack.folder, 'rack.yaml'), 'config', 'check']);
      const { code, stderr } = await check();
      expect([code, stderr]).toEqual([78, expect.stringMatching(/rack\.yaml:\d+:\d+: mqtt\.ca: /)]);
      expect(stderr).toContain(why);
      const { bus, nodes } = await client.request('sweep', { addrs: [2], interrupt: false });
      expect([bus.state, nodes[0]?.reading.state]).toEqual(['ready', 'ok']);
      copyFileSync(key('ca.crt'), key('known.crt'));
      await expect.poll(() => heard.topics.get('rackui/attic/status'), LIMIT).toBe('online');
      expect(await alarmsOf(client)).toEqual([]);
      expect((await check()).code).toBe(0);
    });

    test('with TLS and a password from a file; a wrong password and a foreign authority are alarms', async () => {
      const key = (name: string): string => join(folder, name);
      for (const name of ['ca', 'other'])
        spawnSync('/usr/bin/openssl', [
          ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
          ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'],
          ...['-keyout', key(`${name}.key`), '-out', key(`${name}.crt`)],
        ]);
      writeFileSync(key('passwords'), 'rack:secret\n', { mode: 0o600 });
      await run('/usr/bin/mosquitto_passwd', ['-U', key('passwords')]);
      writeFileSync(key('right'), 'secret\n', { mode: 0o600 });
      writeFileSync(key('wrong'), 'guess\n', { mode: 0o600 });
      await using daemon = await broker([
        ...['allow_anonymous false', `password_file ${key('passwords')}`],
        ...[`certfile ${key('ca.crt')}`, `keyfile ${key('ca.key')}`, `cafile ${key('ca.crt')}`],
      ]);
      await using heard = daemon.listen(['--cafile', key('ca.crt'), '-u', 'rack', '-P', 'secret']);
      const settings = (ca: string, password: string): string =>
        `tls: true, ca: ${key(ca)}, user: rack, password: { file: ${key(password)} }`;
      for (const [ca, password, why] of [
        ['ca.crt', 'wrong', /Not authorized/],
        ['other.crt', 'right', /self-signed certificate|unable to verify/],
      ] as const) {
        await using rack = await rackWith(settings(ca, password));
        const client = await rack.client();
        await expect.poll(() => alarmsOf(client), LIMIT).toEqual([expect.stringMatching(why)]);
      }
      expect(heard.topics.get('rackui/attic/status'), daemon.said()).toBeUndefined();
      await using rack = await rackWith(settings('ca.crt', 'right'));
      await expect.poll(() => heard.topics.get('rackui/attic/status'), LIMIT).toBe('online');
      expect(await alarmsOf(await rack.client())).toEqual([]);
    });
  },
);
