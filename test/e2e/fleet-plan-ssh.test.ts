/** A plan of several racks over real ssh and sshd on loopback, whose line is cut in the middle. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { farMachine } from '../support/far-machine.ts';
import { HAS_SSHD } from '../support/ssh-hosts.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes, PROGRAM } from '../support/stand.ts';

const WAIT = 60_000;

test.skipIf(!HAS_SSHD)(
  'a line that is cut in the middle of a plan: the part goes on there, is found again, and is begun once; needs openssh-server',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rackui-fleet-'));
    writeFileSync(join(folder, 'password'), 'raspberry\n', { mode: 0o600 });
    const config = [
      ...['name: far', 'port: /dev/null', 'boot: { proof: status }', eightNodes({ 0: 'role: master' })],
      `login: { user: pi, password: { file: ${join(folder, 'password')} } }`,
      'shutdown: { settle: 1, request: 20, acknowledged: 20, stopping: 20, hard: 30 }',
      'plans: { shed: { steps: [{ name: a, action: off, selector: "n[1-2]", parallel: 1, verify: status }] } }',
      '',
    ].join('\n');
    await using place = await innerStand({ config, sim: ['--time-scale', '20', '--no-loss'] });
    await using far = await farMachine(place.socket);
    const list = join(folder, 'racks.yaml');
    const away = '{ name: south, ssh: nobody@127.0.0.1, port: 1 }';
    writeFileSync(
      list,
      `racks:\n  - ${far.entry('north')}\n  - ${away}\nplans: { shed: { steps: [{ name: a, plans: [north/shed] }] } }\n`,
      { mode: 0o600 },
    );
    const child = spawn(process.execPath, [PROGRAM, 'plan', 'run', 'shed', '--confirm', 'shed 2', '--json'], {
      env: {
        ...process.env,
        ...{ RACKUI_SOCKET: undefined, RACKUI_CONFIG: list, HOME: folder, XDG_STATE_HOME: join(folder, 'state') },
      },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    await expect.poll(() => out + err, { timeout: WAIT }).toMatch(/"type":"plan-node".*"phase":"stopping"/);
    far.line.down = true;
    far.line.cut();
    await expect.poll(() => out + err, { timeout: WAIT }).toMatch(/"type":"fleet-part".*"state":"lost"/);
    // The rack goes on meanwhile.
    const off = async (): Promise<number> =>
      Object.values((await place.rack.counters()).nodes).reduce((sum, node) => sum + node.off, 0);
    await expect.poll(off, { timeout: WAIT }).toBe(2);
    far.line.down = false;
    expect(await exited, out + err).toBe(0);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/"type":"fleet-end".*"exitCode":0/);
    const client = await place.client();
    const { runs } = await client.request('plan.list', {});
    expect(runs.map(({ plan, state }) => `${plan} ${state}`)).toEqual(['shed ended']);
    expect(await off()).toBe(2);
    rmSync(folder, { recursive: true });
  },
  WAIT * 2,
);
