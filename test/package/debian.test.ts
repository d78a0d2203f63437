/**
 * The Debian packages, installed into fresh systems: as the service's operators meet them on amd64, and by an emulated
 * processor on arm64. Needs root, the network for the first download, and the programs that `.ci/run` installs.
 */
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startRack } from '../support/rack.ts';
import { eightNodes, PROGRAM } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';
import { entered, freshRoot, missingFor, runIn, serveIn, sharedRoot, started, stopped } from './debian-root.ts';

const exec = promisify(execFile);
const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const TSX = join(CHECKOUT, 'node_modules/.bin/tsx');
const QEMU = '/usr/bin/qemu-aarch64-static';
const folder = mkdtempSync(join(tmpdir(), 'rackui-test-debian-'));
const LIMIT_MS = 600_000;
const LONG = { timeout: LIMIT_MS, concurrent: true };

const packageFor = (architecture: string): string => {
  const name = readdirSync(folder).find((file) => file.endsWith(`_${architecture}.deb`));
  return join(folder, name ?? '');
};

beforeAll(async () => {
  // The default compressor would take 10 s of processor time, and is dpkg-deb's alone.
  const env = { ...process.env, DPKG_DEB_COMPRESSOR_TYPE: 'gzip', DPKG_DEB_COMPRESSOR_LEVEL: '1' };
  await exec(TSX, ['packaging/deb/package.ts', folder], { cwd: CHECKOUT, env });
}, LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A title that says why its test is skipped. */
const titled = (title: string, missing: string | null): string =>
  missing === null ? title : `${title} (needs ${missing})`;

/** Returns the checksums of a package's files without those that are for its processor, and the licences of these. */
async function commonFiles(architecture: string): Promise<string[]> {
  const { stdout } = await exec('dpkg-deb', ['--info', packageFor(architecture), 'md5sums']);
  return stdout.split('\n').filter((line) => !/linux-(x64|arm64)\/|\/copyright$/.test(line));
}

/** Lintian's checks of what is not in the other package, too. */
const OF_THE_PROCESSOR = [
  ...['architecture', 'architecture/other', 'corrupted', 'hardening', 'prerequisites', 'rpath', 'static'].map(
    (name) => `binaries/${name}`,
  ),
  ...['libraries/shared/stack', 'fields/architecture', 'debian/copyright', 'md5sums', 'deb-format'],
];

const lintian = missingFor('lintian');
test.skipIf(lintian !== null)(
  titled('lintian has no error and no warning for any package', lintian),
  LONG,
  async () => {
    const said = async (...args: string[]) => (await exec('lintian', ['--allow-root', ...args])).stdout;
    expect(await said(packageFor('amd64'))).toBe('');
    // The other package has the same files, which are not read twice.
    expect(await commonFiles('arm64')).toEqual(await commonFiles('amd64'));
    expect(await said('--check-part', OF_THE_PROCESSOR.join(','), packageFor('arm64'))).toBe('');
  },
);

/**
 * Files that the system's own tools write; a user of the system stays when a package goes. The links in /var lead to
 * this machine's own /run.
 */
const OF_THE_SYSTEM =
  /^\/etc\/(\.pwd\.lock|(passwd|group|shadow|gshadow)-?)$|^\/var\/log\/dpkg\.log$|^\/(dev|tmp|var\/run|var\/lock)\//;

const filesOf = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => `/${path}`)
    .filter((path) => !OF_THE_SYSTEM.test(path))
    .sort();

/** Writes the package as another version into the system, as `/tmp/VERSION.deb`. */
async function writeVersion(root: string, version: string): Promise<void> {
  const tree = join(folder, 'tree');
  if (!existsSync(tree)) await exec('dpkg-deb', ['--raw-extract', packageFor('amd64'), tree]);
  const control = join(tree, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`));
  await exec('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, join(root, `tmp/${version}.deb`)]);
}

const installing = missingFor('unshare');
test.skipIf(installing !== null)(
  titled('a fresh system installs the package, serves members of its group, upgrades and purges it', installing),
  LONG,
  async () => {
    const root = join(folder, 'amd64');
    // Of a try that failed.
    rmSync(root, { recursive: true, force: true });
    await freshRoot(
      root,
      ['nodejs', 'systemd-standalone-sysusers', 'systemd-standalone-tmpfiles'],
      '--variant=essential',
    );
    // A service manager that notes what it is asked for.
    const manager = '#!/bin/sh\necho "$*" >>/tmp/calls\n[ "$2" != is-enabled ] || echo enabled\n';
    writeFileSync(join(root, 'usr/bin/systemctl'), manager, { mode: 0o755 });
    mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
    mkdirSync(join(root, 'run/rackui'));
    const before = filesOf(root);
    const install = async (version: string): Promise<{ said: string; calls: string }> => {
      await writeVersion(root, version);
      rmSync(join(root, 'tmp/calls'), { force: true });
      const { code, said } = await runIn(root, ['dpkg', '--force-unsafe-io', '--install', `/tmp/${version}.deb`]);
      expect(code, said).toBe(0);
      return { said, calls: readFileSync(join(root, 'tmp/calls'), 'utf8') };
    };

    expect((await install('9.0')).calls).toContain('start rackui.service');
    await using rack = await startRack({ args: ['--nodes', '8'] });
    const port = realpathSync(rack.link);
    chmodSync(port, 0o666);
    const configFile = join(root, 'etc/rackui/rack.yaml');
    const config = `name: lab\nport: ${port}\nserver: { group: rackui }\n${eightNodes()}\n`;
    writeFileSync(configFile, config);
    await runIn(root, ['chown', 'rackui:rackui', '/run/rackui']);
    const env = {
      ...{ RUNTIME_DIRECTORY: '/run/rackui', STATE_DIRECTORY: '/var/lib/rackui' },
      LOGS_DIRECTORY: '/var/log/rackui',
    };
    const member = '1000:rackui';
    const rackui = (...words: string[]) => runIn(root, ['rackui', ...words], member);

    let server = await serveIn(root, ['rackui', 'serve'], 'rackui:rackui', env);
    try {
      expect((await rackui('status')).said).toMatch(/ n7 /);
      expect(await runIn(root, ['rackui', 'status'], '1000:1000')).toMatchObject({ code: 5 });
      await using terminal = openTerminal('unshare', entered(root, ['rackui'], member), { cols: 120, rows: 40 });
      await terminal.waitFor('n7', 'a node', 60_000);

      expect(await rackui('console', 'n2', '--send', '', '--expect', 'login:', '--timeout', '60')).toMatchObject({
        code: 0,
      });
      const logs = join(root, 'var/log/rackui', `dev-pts-${basename(port)}`);
      await vi.waitFor(() => expect(readdirSync(logs)).toContain('n2.log'));

      // A guest that hangs keeps an operation open: the upgrade leaves its server alone.
      await rack.ctl('hang', { node: '03', on: true });
      const detached = await rackui('off', 'n3', '--confirm', 'n3', '--detach');
      const id = /^[0-9a-z]{6}$/m.exec(detached.said)?.[0] ?? detached.said;
      const busy = await install('9.1');
      expect(busy.said).toContain("'systemctl restart rackui' starts the new one");
      expect(busy.calls).not.toContain('restart');
      expect(await rackui('abort', id)).toMatchObject({ code: 0 });
      const events = join(root, 'var/lib/rackui', `dev-pts-${basename(port)}`, 'events.jsonl');
      const kept = readFileSync(events, 'utf8');
      expect((await install('9.2')).calls).toContain('restart rackui.service');
      await stopped(server);
      server = await serveIn(root, ['rackui', 'serve'], 'rackui:rackui', env);
      expect(readFileSync(configFile, 'utf8')).toBe(config);
      expect(readFileSync(events, 'utf8').startsWith(kept)).toBe(true);
    } finally {
      await stopped(server);
    }
    expect(await runIn(root, ['dpkg', '--purge', 'rackui'])).toMatchObject({ code: 0 });
    expect(filesOf(root)).toEqual(before);
  },
);

const emulating = missingFor('qemu-aarch64-static');
test.skipIf(emulating !== null)(
  titled('the arm64 package sweeps, opens a console and cuts a node that has halted', emulating),
  LONG,
  async () => {
    const root = await sharedRoot(['nodejs'], '--variant=extract', '--arch=arm64');
    const installed = join(folder, 'arm64');
    await exec('dpkg-deb', ['--extract', packageFor('arm64'), installed]);

    const socket = join(folder, 'arm64.sock');
    const configFile = join(folder, 'arm64.yaml');
    const login = 'login: { user: pi, password: { command: [echo, raspberry] } }';
    writeFileSync(configFile, `name: lab\n${login}\npoll: { interval: 10 }\n${eightNodes()}\n`);
    await using rack = await startRack({ args: ['--rack', configFile, '--time-scale', '5'] });
    // What makes programs faster on a processor takes more time under emulation than it saves: helper threads of the
    // engine, its machine code, also that of patterns. The Raspberry Pi 4's processor has no pointer authentication,
    // whose emulation took half. In a larger young generation there is less to collect.
    const flags = ['--single-threaded', '--jitless', '--min-semi-space-size=64'];
    const node = [join(root, 'usr/bin/node'), ...flags, '--max-semi-space-size=64'];
    const program = ['-cpu', 'cortex-a72', '-L', root, ...node, join(installed, 'usr/lib/rackui/bin/rackui')];
    const options = ['--config', configFile, '--port', rack.link, '--socket', socket];
    // The clients are this machine's own: what is built for a processor, the server loads, and emulation is slow.
    const rackui = async (...words: string[]) => (await exec(PROGRAM, [...options, ...words])).stdout;
    // Nothing is to be compiled for later starts, which there are none of.
    const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
    const serve = [...program, ...options, 'serve', '--state', join(folder, 'state')];
    const server = await started(spawn(QEMU, serve, { env }));
    try {
      expect(await rackui('status')).toMatch(/ n7 /);
      // The node has five seconds to answer the first Enter, too few for an emulated server on a busy machine.
      const login = ['console', 'n3', '--send', '', '--expect', 'login:', '--timeout', '60'];
      expect(await vi.waitFor(() => rackui(...login), { timeout: 120_000 })).toContain('login:');
      expect(await rackui('off', 'n3', '--confirm', 'n3')).toMatch(/halted/);
      expect(await rack.node('03')).toMatchObject({ power: 'off' });
      expect((await rack.counters()).nodes['03']).toMatchObject({ cutAlive: 0 });
    } finally {
      await stopped(server);
    }
  },
);
