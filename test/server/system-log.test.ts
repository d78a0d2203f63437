/** Events and audit entries in the system's log: as text with fields, in a real journal, at a real syslog server. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { exposures, systemLog } from '../../src/config/reporting-schema.ts';
import type { AuditEntry } from '../../src/power/ports.ts';
import { auditEntry, commandFor, eventEntry, isWritten } from '../../src/server/system-log/entry.ts';
import { RACK } from '../screens/scene.ts';
import { missing, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/nut.ts';
import { IS_ROOT } from '../support/other-user.ts';
import { eightNodes, stand } from '../support/stand.ts';
import { CUT_ALPHA, Harness, NODES } from './harness.ts';

const LIMIT = { timeout: 60_000, interval: 100 };
const PLACE = { inventory: { ...RACK, name: 'r1' }, wallTime: (at: number): number => at };
const EVENT = { seq: 1, at: 0, level: 'warning', topic: 'node', addr: 3, text: 'it said "a"\nMESSAGE=b' } as const;
const BY = { user: 'alice', from: '192.0.2.1', tty: null, program: 'rackui off', pid: 7 };
const OUTCOME: AuditEntry = {
  ...{ at: 0, stage: 'outcome', op: 'k3', verb: 'off', reportedBy: BY, session: 1, evidence: [], tries: 1 },
  ...{ node: { name: 'n3', pos: 'A-3', addr: '03' }, outcome: 'done', detail: 'halted; cut' },
};

test('an entry of the journal is lines of fields, and no text can add one', () => {
  const { argv, input } = commandFor(eventEntry(EVENT, PLACE), systemLog.parse({ to: 'journal' }));
  expect(argv).toEqual(['logger', '--journald']);
  expect(input.split('\n')).toEqual([
    'MESSAGE=it said "a"?MESSAGE=b',
    ...['PRIORITY=4', 'SYSLOG_FACILITY=3', 'SYSLOG_IDENTIFIER=rackui', 'RACKUI_RACK=r1', 'RACKUI_ENTRY=event'],
    ...['RACKUI_LEVEL=warning', 'RACKUI_TOPIC=node', `RACKUI_NODE=${RACK.nodes[3]?.name ?? ''}`, 'RACKUI_ADDR=03'],
    ...['RACKUI_POSITION=A-3', 'RACKUI_TIME=1970-01-01T00:00:00.000Z', ''],
  ]);
});

test('an audit entry says who did what to which node, without evidence', () => {
  const { text, fields } = auditEntry(OUTCOME, PLACE);
  expect(text).toBe('off of n3 (A-3, 03) by alice: done: halted; cut');
  expect(fields).toMatchObject({ entry: 'audit', verb: 'off', user: 'alice', from: '192.0.2.1', operation: 'k3' });
  expect(fields).not.toHaveProperty('evidence');
  const call = { at: 0, token: null, from: '::1', call: 'GET /v1/nodes', status: 401, count: 3 };
  expect(auditEntry({ ...call, stage: 'call' }, PLACE).text).toBe(
    'Call of no known token: GET /v1/nodes: 401, 3 times',
  );
  const raw = { ...OUTCOME, verb: 'raw', raw: '=', detail: '' } as const;
  expect(auditEntry(raw, PLACE)).toMatchObject({ text: 'raw = of n3 (A-3, 03) by alice: outcome' });
});

test('syslog on this machine gets the fields as words, another machine as structured data', () => {
  const entry = eventEntry({ ...EVENT, text: 'x' }, { ...PLACE, inventory: { ...RACK, name: 'a "b]' } });
  const local = commandFor(entry, systemLog.parse({ to: 'syslog' }));
  expect(local.argv).toContain('--priority=daemon.warning');
  expect(local.input).toMatch(/^x \[rack="a \\"b\]" entry=event level=warning topic=node /);
  const remote = commandFor(entry, systemLog.parse({ to: 'syslog', host: 'log.example' }));
  expect(remote.argv).toContain(String.raw`--sd-param=rack="a \"b\]"`);
  expect(remote.input).toBe('x\n');
});

test('events below the level are left out', () => {
  const config = systemLog.parse({ to: 'journal', level: 'warning' });
  expect([isWritten(EVENT, config), isWritten({ ...EVENT, level: 'notice' }, config)]).toEqual([true, false]);
});

test.each([
  ['systemLog: {}', 'systemLog.to: missing; allowed: journal, syslog'],
  ['systemLog: { to: journal, host: x }', "systemLog.host: found 'x'; is for to: syslog"],
  ['systemLog: { to: syslog, tcp: true }', 'systemLog.tcp: found true; needs host'],
  ['systemLog: { to: syslog, host: "-x" }', 'systemLog.host: '],
])('%s is refused', (text, says) => {
  expect(() => parseConfig(text, 'rack.yaml')).toThrow(says);
});

test('a syslog server on another machine is a warning of the configuration’s check', () => {
  const said = (host: string): string[] => exposures(parseConfig(`systemLog: { to: syslog, host: ${host} }`, 'x'));
  expect(said('log.example')).toEqual([expect.stringContaining('without TLS')]);
  expect(said('127.0.0.1')).toEqual([]);
});

/** A title that says why its test is skipped. */
const titled = (title: string, absent: readonly string[]): string =>
  absent.length === 0 ? title : `${title} (${absent.join(', ')} missing)`;

const JOURNALD = '/lib/systemd/systemd-journald';
/** A journal for one program: on a /run of its own, gone with the program. */
const WITH_JOURNAL = `
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log
setpriv --pdeathsig=TERM ${JOURNALD} &
until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
exec "$@"`;
const journal = [
  ...(IS_ROOT ? [] : ['the rights of root']),
  ...missing(JOURNALD, '/usr/bin/journalctl', '/usr/bin/logger', '/usr/bin/nsenter', '/etc/machine-id'),
];

test.skipIf(journal.length > 0)(
  titled('the journal has events and audit entries by their fields', journal),
  async () => {
    await using place = await stand({
      config: `name: r1\n${eightNodes()}\nsystemLog: { to: journal }\n`,
      sim: ['--time-scale', '20'],
      through: ['unshare', '--mount', 'sh', '-c', WITH_JOURNAL, 'sh'],
    });
    const entries = (...match: string[]): Record<string, string>[] => {
      const journalctl = ['journalctl', '--output=json', '--no-pager', 'SYSLOG_IDENTIFIER=rackui', ...match];
      const said = execFileSync('nsenter', [`--target=${place.serverPid}`, '--mount', ...journalctl], {
        encoding: 'utf8',
      });
      return said
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, string>);
    };
    await expect
      .poll(() => entries('RACKUI_TOPIC=server').map(({ MESSAGE }) => MESSAGE), LIMIT)
      .toEqual([expect.stringMatching(/^Server started/)]);
    const client = await place.client('alice');
    await client.request('sweep', { addrs: null, interrupt: false });
    await client.request('power.start', { ...CUT_ALPHA, nodes: [3], label: 'n3', confirm: 'n3' });
    await expect
      .poll(() => entries('RACKUI_ENTRY=audit', 'RACKUI_STAGE=outcome'), LIMIT)
      .toEqual([
        expect.objectContaining({
          ...{
            PRIORITY: '5',
            RACKUI_NODE: 'n3',
            RACKUI_VERB: 'force-off',
            RACKUI_OUTCOME: 'done',
            RACKUI_USER: 'alice',
          },
          ...{ RACKUI_RACK: 'r1', RACKUI_POSITION: 'A-3' },
        }) as unknown,
      ]);
    await place.rack.ctl('silent', { node: '05' });
    await expect.poll(() => entries('RACKUI_NODE=n5').map(({ PRIORITY }) => PRIORITY), LIMIT).toContain('3');
  },
);

const rsyslog = missing('/usr/sbin/rsyslogd', '/usr/bin/logger');
test.skipIf(rsyslog.length > 0)(
  titled('a syslog server that comes late gets what waited, as structured data', rsyslog),
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rackui-test-syslog-'));
    try {
      const port = await freePort();
      await using harness = await Harness.start({
        config: { nodes: NODES, systemLog: { to: 'syslog', host: '127.0.0.1', port, tcp: true } },
      });
      const { client } = await harness.ready();
      const alarms = async (): Promise<string[]> =>
        (await client.request('alarms.list', { limit: 0 })).standing
          .filter(({ kind, clearedAt }) => kind === 'system-log' && clearedAt === null)
          .map(({ text }) => text);
      await expect
        .poll(alarms, LIMIT)
        .toEqual([expect.stringMatching(/^cannot write to the system's log: logger: exit code 1 \(.*onnect/)]);
      const file = join(folder, 'received');
      const line = '%syslogseverity-text%|%programname%|%structured-data%|%msg%\\n';
      writeFileSync(
        join(folder, 'rsyslog.conf'),
        `module(load="imtcp")\ninput(type="imtcp" port="${port}" address="127.0.0.1")
template(name="all" type="string" string="${line}")\naction(type="omfile" file="${file}" template="all")\n`,
      );
      await using daemon = startDaemon('/usr/sbin/rsyslogd', [
        ...['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')],
      ]);
      const received = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : daemon.said());
      await expect
        .poll(received, LIMIT)
        .toMatch(
          /^info\|rackui\|\[rackui@32473 rack="rack" entry="event" level="info" topic="server" .*\| ?Server started/m,
        );
      await client.request('power.start', CUT_ALPHA);
      await expect
        .poll(received, LIMIT)
        .toMatch(
          /^notice\|rackui\|\[.* entry="audit" stage="outcome" verb="force-off" outcome="done" node="alpha" .*\| ?force-off of alpha/m,
        );
      await expect.poll(alarms, LIMIT).toEqual([]);
      expect(statSync(file).size).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
