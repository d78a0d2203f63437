/** Debian's powerman, conserver, conman and Ansible with the shipped files, against a running server. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RackClient } from '../../src/client/client.ts';
import { missing, startDaemon } from '../support/daemon.ts';
import { httpStand, type HttpStand, secretOf } from '../support/http.ts';
import { freePort } from '../support/nut.ts';
import { PROGRAM } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const LIMIT = { timeout: 90_000, interval: 500 };
const WAIT = 60_000;
const LONG = 240_000;
const run = promisify(execFile);

let http: HttpStand;
let watcher: RackClient;
let command: string;
beforeAll(async () => {
  http = await httpStand({ nodes: { 2: 'role: worker', 3: 'role: worker', 4: 'role: worker' } });
  watcher = await http.stand.client();
  // As the installed program would be found.
  command = put('rackui', `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} --socket ${http.stand.socket} "$@"\n`, 0o755);
});
afterAll(() => http[Symbol.asyncDispose]());
beforeEach(async () => {
  await http.stand.rack.ctl('clear');
  await http.stand.rack.ctl('power', { node: 'all', state: 'on' });
  // An operation of an earlier test may still watch a boot, and open the one console again for that.
  const running = async (): Promise<unknown> =>
    (await watcher.request('ops.list', {})).filter(({ endedAt }) => endedAt === null);
  await expect.poll(running, LIMIT).toEqual([]);
  await expect.poll(openConsole, LIMIT).toBeNull();
});

/** Address of the node whose console is open, or null. */
const openConsole = async (): Promise<number | null> =>
  (await watcher.request('sweep', { addrs: [], interrupt: false })).console?.addr ?? null;

function put(name: string, text: string, mode = 0o644): string {
  const path = join(http.folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const example = (name: string): string => readFileSync(join(EXAMPLES, name), 'utf8');

/** Title of tests that need programs, and whether they are skipped. */
function needs(name: string, ...programs: string[]): [string, boolean] {
  const absent = missing(...programs);
  return [absent.length > 0 ? `${name}: ${absent.join(', ')} missing` : name, absent.length > 0];
}

const [powerman, noPowerman] = needs('powerman', '/usr/sbin/powermand', '/usr/bin/powerman', '/usr/sbin/httppower');
describe.skipIf(noPowerman)(powerman, () => {
  test(
    'queries nodes, switches one off gracefully and on, and knows nothing of a silent one',
    async () => {
      const port = await freePort();
      const device = example('powerman/rackui.dev').replace('powerman:TOKEN', `graceful:${secretOf('graceful')}`);
      const lines = [
        `listen "127.0.0.1:${port}"`,
        `include "${put('rackui.dev', device)}"`,
        `device "rack" "rackui" "/usr/sbin/httppower --url http://127.0.0.1:${http.port} |&"`,
        'node "n[2-5]" "rack" "n[2-5]"',
      ];
      await using daemon = startDaemon('/usr/sbin/powermand', [
        ...['-f', '-c', put('powerman.conf', `${lines.join('\n')}\n`)],
      ]);
      const ask = async (...args: string[]): Promise<string> =>
        run('/usr/bin/powerman', ['-h', `127.0.0.1:${port}`, ...args]).then(
          ({ stdout }) => stdout,
          (error: unknown) => (error as { stdout: string }).stdout + daemon.said(),
        );
      await expect.poll(() => ask('-q'), LIMIT).toMatch(/^on:\s+n\[2-5\]$/m);
      expect(await ask('-0', 'n5')).toContain('Command completed successfully');
      await expect.poll(() => ask('-q'), LIMIT).toMatch(/^off:\s+n5$/m);
      expect((await http.stand.rack.counters()).nodes['05']).toMatchObject({ off: 1, cutAlive: 0 });
      expect(await ask('-1', 'n5')).toContain('Command completed successfully');
      await expect.poll(() => ask('-q'), LIMIT).toMatch(/^on:\s+n\[2-5\]$/m);
      await http.stand.rack.ctl('silent', { node: '04' });
      await expect.poll(() => ask('-q'), LIMIT).toMatch(/^unknown:\s+n4$/m);
    },
    LONG,
  );
});

const [conserver, noConserver] = needs('conserver', '/usr/sbin/conserver', '/usr/bin/console');
describe.skipIf(noConserver)(conserver, () => {
  test(
    'opens a node’s console for its client, logs it, and closes it with the client',
    async () => {
      const port = await freePort();
      const config = example('conserver/conserver.cf')
        .replace('/var/log/conserver', http.folder)
        .replace('rackui console', `${command} console`)
        .replaceAll('worker-01', 'n3');
      const said = join(http.folder, 'conserver.said');
      // Into a file: the console's program inherits its output, and outlives it for a moment.
      await using daemon = startDaemon('/bin/sh', [
        ...['-c', `exec /usr/sbin/conserver "$@" >${said} 2>&1`, 'conserver'],
        ...['-C', put('conserver.cf', config), '-P', put('conserver.passwd', '*any*:\n'), '-M', '127.0.0.1'],
        ...['-p', `${port}`, '-b', `${await freePort()}`, '-E'],
      ]);
      const master = ['-M', '127.0.0.1', '-p', `${port}`, '-E'];
      const listed = (): Promise<string> =>
        run('/usr/bin/console', [...master, '-x']).then(
          ({ stdout }) => stdout,
          () => daemon.said() + readFileSync(said, 'utf8'),
        );
      await expect.poll(listed, LIMIT).toMatch(/^\s*n3\b/m);
      await using terminal = openTerminal('/usr/bin/console', [...master, 'n3']);
      await terminal.waitFor('Enter `^Ec?', undefined, WAIT);
      await expect.poll(openConsole, LIMIT).toBe(3);
      terminal.type('\r');
      await terminal.waitFor(/n3 login:/, undefined, WAIT);
      terminal.type('\x05c.');
      await expect.poll(openConsole, LIMIT).toBeNull();
      expect(readFileSync(join(http.folder, 'n3.log'), 'utf8')).toContain('n3 login:');
    },
    LONG,
  );
});

const [conman, noConman] = needs('conman', '/usr/sbin/conmand', '/usr/bin/conman');
describe.skipIf(noConman)(conman, () => {
  test(
    'shows and logs what a node prints, and holds no console',
    async () => {
      const port = await freePort();
      const log = put('rackui-log', example('conman/rackui-log').replace('exec rackui', `exec ${command}`), 0o755);
      const config = example('conman/conman.conf')
        .replace('SERVER loopback=ON', `SERVER loopback=ON\nSERVER port=${port}`)
        .replace('/var/log/conman', http.folder)
        .replaceAll('/usr/share/doc/rackui/examples/conman/rackui-log', log)
        .replaceAll('worker-01', 'n6')
        .replaceAll('worker-02', 'n7');
      await using daemon = startDaemon('/usr/sbin/conmand', ['-F', '-c', put('conman.conf', config)]);
      const client = ['-d', `127.0.0.1:${port}`];
      const listed = (): Promise<string> =>
        run('/usr/bin/conman', [...client, '-q']).then(
          ({ stdout }) => stdout,
          () => daemon.said(),
        );
      await expect.poll(listed, LIMIT).toMatch(/^n6\b/m);
      await using terminal = openTerminal('/usr/bin/conman', [...client, '-m', 'n6']);
      await terminal.waitFor(/[Cc]onnection to console \[n6\] opened/, daemon.said(), WAIT);
      await run(command, ['console', 'n6', '--send', '', '--expect', 'login:', '--timeout', '60']);
      await terminal.waitFor(/n6 login:/, undefined, WAIT);
      await expect.poll(() => readFileSync(join(http.folder, 'n6.log'), 'utf8'), LIMIT).toContain('n6 login:');
    },
    LONG,
  );
});

const [ansible, noAnsible] = needs('Ansible', '/usr/bin/ansible-inventory', '/usr/bin/ansible-playbook');
describe.skipIf(noAnsible)(ansible, () => {
  const environment = (): NodeJS.ProcessEnv => {
    const home = join(http.folder, 'home');
    mkdirSync(home, { recursive: true });
    return { ...process.env, HOME: home, RACKUI: command, ANSIBLE_NOCOLOR: '1', LC_ALL: 'C.UTF-8' };
  };
  const inventory = join(EXAMPLES, 'ansible/rackui-inventory');

  test(
    'the inventory has groups by role, row and power, and a silent node’s power is unknown',
    async () => {
      await http.stand.rack.ctl('silent', { node: '02' });
      const graph = async (): Promise<string> =>
        (await run('/usr/bin/ansible-inventory', ['-i', inventory, '--graph'], { env: environment() })).stdout;
      await expect.poll(graph, LIMIT).toMatch(/@power_unknown:\n\s+\|\s+\|--n2/);
      const shown = await graph();
      expect(shown).toMatch(/@role_worker:\n(\s+\|\s+\|--n[234]\n){3}/);
      expect(shown).toMatch(/@row_A:\n(\s+\|\s+\|--n[0123]\n){4}/);
    },
    LONG,
  );

  test(
    'the playbook restarts the chosen node after its shutdown, and no other',
    async () => {
      const { stdout } = await run(
        '/usr/bin/ansible-playbook',
        ['-i', inventory, '--limit', 'n3', '-e', `rackui=${command}`, join(EXAMPLES, 'ansible/restart.yaml')],
        { env: environment() },
      );
      expect(stdout).toMatch(/n3\s+: ok=1\s+changed=1\s+unreachable=0\s+failed=0/);
      const { nodes } = await http.stand.rack.counters();
      expect(nodes['03']).toMatchObject({ off: 1, on: 1, cutAlive: 0 });
      expect(
        Object.entries(nodes)
          .filter(([, { off }]) => off > 0)
          .map(([addr]) => addr),
      ).toEqual(noPowerman ? ['03'] : ['03', '05']);
    },
    LONG,
  );
});
