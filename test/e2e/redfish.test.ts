/** Debian's Redfish clients, and the calls of MAAS's driver, against a running server with TLS. */
import { execFile } from 'node:child_process';
import { request } from 'node:https';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RackClient } from '../../src/client/client.ts';
import { missing } from '../support/daemon.ts';
import { httpStand, type HttpStand, secretOf, type TokenName } from '../support/http.ts';
import { until } from '../support/nut.ts';

const FENCE = '/usr/sbin/fence_redfish';
const TOOL = '/usr/bin/redfishtool';
const SUSHY = '/usr/lib/python3/dist-packages/sushy/__init__.py';
const absent = missing('/usr/bin/openssl');
const LIMIT = { timeout: 80_000, interval: 200 };
const LONG = 180_000;
const NODES = ['n2', 'n3', 'n4', 'n5', 'n6', 'n7'];

let http: HttpStand;
let operator: RackClient;
beforeAll(async () => {
  if (absent.length > 0) return;
  const hook = 'hooks:\n  - { when: after-off, nodes: n6, run: [sleep, "1"] }';
  http = await httpStand({ tls: true, nodes: { 2: 'calibration: { amps: 0.01 }' }, config: hook });
  operator = await http.stand.client();
  await until(async () => (await get('/redfish/v1/', null)).status === 200);
});
afterAll(() => (absent.length > 0 ? undefined : http[Symbol.asyncDispose]()));
// A boot occupies its blade until the operation has ended, and a node that one has cannot be switched by the next test.
beforeEach(async () => {
  await http.stand.rack.ctl('clear');
  const running = async (): Promise<unknown> =>
    (await operator.request('ops.list', {})).filter(({ endedAt }) => endedAt === null);
  await expect.poll(running, LIMIT).toEqual([]);
  await http.stand.rack.ctl('power', { node: 'all', state: 'on' });
  await expect.poll(async () => Promise.all(NODES.map(powerOf)), LIMIT).toEqual(NODES.map(() => 'On'));
}, LONG);

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
}

function send(
  method: string,
  path: string,
  token: TokenName | null,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const basic = token === null ? null : Buffer.from(`${token}:${secretOf(token)}`).toString('base64');
  const ca = readFileSync(join(http.folder, 'certificate.pem'));
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: '127.0.0.1', port: http.port, path, method, ca },
        headers: { ...(basic === null ? {} : { authorization: `Basic ${basic}` }), ...headers },
      },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.once('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
          }),
        );
      },
    );
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const get = (path: string, token: TokenName | null = 'looker'): Promise<Answer> => send('GET', path, token);
const reset = (node: string, type: string, token: TokenName = 'cutter'): Promise<Answer> =>
  send('POST', `/redfish/v1/Systems/${node}/Actions/ComputerSystem.Reset`, token, { ResetType: type });
const powerOf = async (node: string): Promise<unknown> => (await get(`/redfish/v1/Systems/${node}`)).body['PowerState'];

async function run(program: string, ...args: string[]): Promise<{ code: number; said: string }> {
  return promisify(execFile)(program, args, {
    env: { ...process.env, PYTHONWARNINGS: 'ignore', REQUESTS_CA_BUNDLE: join(http.folder, 'certificate.pem') },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, said: stdout + stderr };
    },
  );
}

describe.skipIf(absent.length > 0)(
  `the Redfish subset${absent.length > 0 ? `: ${absent.join(', ')} missing` : ''}`,
  () => {
    test('every link that a walk from the root finds is answered', async () => {
      const seen = new Set<string>();
      const walk = async (path: string): Promise<void> => {
        if (seen.has(path) || path.includes('#')) return;
        seen.add(path);
        const { status, body } = await get(path);
        expect([path, status]).toEqual([path, 200]);
        for (const [, found = ''] of JSON.stringify(body).matchAll(/"@odata.id":"([^"]+)"/g)) await walk(found);
      };
      await walk('/redfish/v1/');
      expect(seen.size).toBeGreaterThan(15);
      expect(seen).toContain('/redfish/v1/Systems/n7');
    });

    test('On for a machine that went down and is still powered is an operation, not a success', async () => {
      const client = await http.stand.client();
      const systemOf = async (): Promise<unknown> =>
        ((await get('/redfish/v1/Systems/n6')).body['Oem'] as { Rackui: { System: unknown } }).Rackui.System;
      const down = await reset('n6', 'GracefulShutdown');
      expect(down.status).toBe(202);
      await expect.poll(async () => JSON.stringify(await systemOf()), LIMIT).toMatch(/going-down|halted/);
      await client.request('ops.abort', { id: String(down.headers['location']).split('/').at(-1) ?? '' });
      expect(await powerOf('n6')).toBe('On');
      const on = await reset('n6', 'On');
      expect(on.status).toBe(202);
      await client.request('ops.abort', { id: String(on.headers['location']).split('/').at(-1) ?? '' });
    });

    test('power that is not known is left out, and neither counts nor silence become watts', async () => {
      expect(await powerOf('n2')).toBe('On');
      const { body } = await get('/redfish/v1/Chassis/rack/Power');
      expect(body['PowerControl']).toHaveLength(1);
      await http.stand.rack.ctl('silent', { node: '02' });
      await expect.poll(() => powerOf('n2'), LIMIT).toBeUndefined();
      expect((await get('/redfish/v1/Chassis/rack/Power')).status).toBe(404);
      expect(JSON.stringify((await get('/redfish/v1/Chassis/rack')).body)).not.toContain('Power');
    });

    test.each<[string, string, string, TokenName, number]>([
      ['a token that may not cut', 'n3', 'ForceOff', 'graceful', 403],
      ['a token that may only look', 'n3', 'GracefulShutdown', 'looker', 403],
      ['a token without the node', 'n3', 'ForceOff', 'part', 403],
      ['the master', 'n0', 'ForceOff', 'cutter', 403],
      ['a protected node', 'n1', 'ForceRestart', 'cutter', 403],
      ['a node that there is not', 'n9', 'ForceOff', 'cutter', 404],
      ['a reset that there is not', 'n3', 'Nmi', 'cutter', 400],
    ])('a reset for %s is refused and switches nothing', async (_what, node, type, token, status) => {
      const before = await http.cuts();
      const answer = await reset(node, type, token);
      expect(answer.status).toBe(status);
      expect(answer.body['error']).toMatchObject({ message: expect.stringMatching(/.{10}/) as unknown });
      expect(await http.cuts()).toBe(before);
    });

    test('On as soon as Off is read starts after the hook of the power-off, and is not refused', async () => {
      const before = await http.cuts();
      expect((await reset('n6', 'ForceOff')).status).toBe(202);
      await expect.poll(() => powerOf('n6'), { ...LIMIT, interval: 20 }).toBe('Off');
      expect((await reset('n6', 'On')).status).toBe(202);
      await expect.poll(() => powerOf('n6'), LIMIT).toBe('On');
      expect((await http.cuts()) - before).toBe(1);
    });

    test('a repeated ForceRestart cuts once, and its task ends', async () => {
      const before = await http.cuts();
      const [first, second] = await Promise.all([reset('n6', 'ForceRestart'), reset('n6', 'ForceRestart')]);
      expect([first.status, second.status]).toEqual([202, 202]);
      const task = String(first.headers['location']);
      await expect.poll(async () => (await get(task)).body['TaskState'], LIMIT).toBe('Completed');
      const third = await reset('n6', 'ForceRestart');
      expect([second, third].map(({ headers }) => headers['location'])).toEqual([task, task]);
      expect((await http.cuts()) - before).toBe(1);
    });

    test('a session stands for its token until it is deleted', async () => {
      const login = (Password: string): Promise<Answer> =>
        send('POST', '/redfish/v1/SessionService/Sessions', null, { UserName: 'looker', Password });
      expect((await login('secret-of-nobody')).status).toBe(401);
      const begun = await login(secretOf('looker'));
      expect(begun.status).toBe(201);
      const headers = { 'x-auth-token': String(begun.headers['x-auth-token']) };
      const systems = (): Promise<Answer> => send('GET', '/redfish/v1/Systems', null, undefined, headers);
      expect((await systems()).status).toBe(200);
      expect((await send('DELETE', String(begun.headers['location']), null, undefined, headers)).status).toBe(204);
      expect((await systems()).status).toBe(401);
    });

    test(
      'GracefulShutdown is the proven off',
      async () => {
        expect((await reset('n5', 'GracefulShutdown', 'graceful')).status).toBe(202);
        await expect.poll(() => powerOf('n5'), LIMIT).toBe('Off');
        expect((await http.stand.rack.counters()).nodes['05']).toMatchObject({ off: 1, cutAlive: 0 });
        expect((await reset('n5', 'GracefulShutdown', 'graceful')).status).toBe(204);
      },
      LONG,
    );

    test('MAAS’s webhook calls query, switch on and off, and know no state of a silent node', async () => {
      const state = async (): Promise<string> => JSON.stringify((await get('/maas/n4/status')).body);
      // The default expressions of the driver.
      expect(await state()).toMatch(/status.*:.*running/);
      expect((await send('POST', '/maas/n4/force-off', 'graceful', { system_id: 'x' })).status).toBe(403);
      expect((await send('POST', '/maas/n4/force-off', 'cutter', { system_id: 'x' })).status).toBe(202);
      await expect.poll(state, LIMIT).toMatch(/status.*:.*stopped/);
      expect((await send('POST', '/maas/n4/on', 'graceful', { system_id: 'x' })).status).toBe(202);
      await expect.poll(state, LIMIT).toMatch(/status.*:.*running/);
      await http.stand.rack.ctl('silent', { node: '04' });
      await expect.poll(state, LIMIT).toBe('{"status":"unknown"}');
    });
  },
);

const noFence = [...absent, ...missing(FENCE)];
describe.skipIf(noFence.length > 0)(
  `fence_redfish${noFence.length > 0 ? `: ${noFence.join(', ')} missing` : ''}`,
  () => {
    const fence = (node: string, action: string, token: TokenName = 'cutter', timeoutS = 30): ReturnType<typeof run> =>
      run(
        FENCE,
        ...['--ip=127.0.0.1', `--ipport=${http.port}`, `--username=${token}`, `--password=${secretOf(token)}`],
        ...[
          '--ssl-insecure',
          `--systems-uri=/redfish/v1/Systems/${node}`,
          `--action=${action}`,
          `--power-timeout=${timeoutS}`,
        ],
      );

    test(
      'reports status, fences a node off and on, and fails where the token may not cut or power is unknown',
      async () => {
        expect(await fence('n3', 'status')).toMatchObject({
          code: 0,
          said: expect.stringContaining('Status: ON') as string,
        });
        expect((await fence('n3', 'off', 'graceful', 2)).code).not.toBe(0);
        expect(await http.stand.rack.node('03')).toMatchObject({ power: 'on' });
        expect((await fence('n3', 'off')).code).toBe(0);
        expect(await http.stand.rack.node('03')).toMatchObject({ power: 'off' });
        // Exit code 2 of a status: off.
        expect((await fence('n3', 'status')).code).toBe(2);
        expect((await fence('n3', 'on')).code).toBe(0);
        expect(await http.stand.rack.node('03')).toMatchObject({ power: 'on' });
        await http.stand.rack.ctl('silent', { node: '03' });
        await expect.poll(() => powerOf('n3'), LIMIT).toBeUndefined();
        const unknown = await fence('n3', 'status');
        expect(unknown.code).toBe(1);
        expect(unknown.said).not.toMatch(/Status: O/);
      },
      LONG,
    );
  },
);

const noTool = [...absent, ...missing(TOOL)];
describe.skipIf(noTool.length > 0)(`redfishtool${noTool.length > 0 ? `: ${noTool.join(', ')} missing` : ''}`, () => {
  test(
    'lists systems and resets one, by password and by session',
    async () => {
      const tool = (...args: string[]): ReturnType<typeof run> =>
        run(TOOL, '-r', `127.0.0.1:${http.port}`, '-u', 'cutter', '-p', secretOf('cutter'), '-S', 'Always', ...args);
      const listed = await tool('-A', 'Basic', 'Systems', 'list');
      expect(listed.said).toContain('/redfish/v1/Systems/n7');
      expect((await tool('-A', 'Basic', 'Systems', '-I', 'n6', 'reset', 'ForceOff')).code).toBe(0);
      await expect.poll(() => powerOf('n6'), LIMIT).toBe('Off');
      expect((await tool('-A', 'Session', 'Systems', '-I', 'n6', 'reset', 'On')).code).toBe(0);
      await expect.poll(() => powerOf('n6'), LIMIT).toBe('On');
    },
    LONG,
  );
});

const SCRIPT = `
import sys, time, sushy
address, ca, user, password = sys.argv[1:]
root = sushy.Sushy(address, username=user, password=password, verify=ca)
system = root.get_system('/redfish/v1/Systems/n7')
print(len(root.get_system_collection().get_members()), system.power_state)
print(sorted(str(value) for value in system.get_allowed_reset_system_values()))
for reset, state in ((sushy.RESET_FORCE_OFF, sushy.POWER_STATE_OFF), (sushy.RESET_ON, sushy.POWER_STATE_ON)):
    system.reset_system(reset)
    for _ in range(300):
        system.refresh(force=True)
        if system.power_state == state:
            break
        time.sleep(0.1)
    print(system.power_state)
print([manager.identity for manager in root.get_manager_collection().get_members()])
print([chassis.identity for chassis in root.get_chassis_collection().get_members()])
`;
const noSushy = [...absent, ...missing(SUSHY)];
describe.skipIf(noSushy.length > 0)(`sushy${noSushy.length > 0 ? `: ${noSushy.join(', ')} missing` : ''}`, () => {
  test(
    'as Ironic uses it: reads systems, chassis and manager, switches a node off and on',
    async () => {
      const { said, code } = await run(
        '/usr/bin/python3',
        ...['-c', SCRIPT, `https://127.0.0.1:${http.port}`],
        ...[join(http.folder, 'certificate.pem'), 'cutter', secretOf('cutter')],
      );
      expect(said).toMatch(/^8 PowerState.ON/);
      expect(said).toMatch(/PowerState.OFF\nPowerState.ON\n\['rackui'\]\n\['rack'\]/);
      expect(code).toBe(0);
    },
    LONG,
  );
});
