/** The simulated rack's UPS, as NUT's upsd tells of it: line by line, to our own client, and to NUT's. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NutClient } from '../../src/server/ups/nut-client.ts';
import { Upsd, upsVariables } from '../../src/sim/upsd.ts';
import { WiredRack } from './wired-rack.ts';

const LOGIN = { user: 'monitor', password: 'a "quoted" \\word' };
let variables: Map<string, string>;
let upsd: Upsd;
beforeEach(async () => {
  variables = new Map([
    ['ups.status', 'OL'],
    ['device.model', 'says "hi" \\ and more'],
  ]);
  upsd = await Upsd.listen(0, LOGIN, () => variables);
});
afterEach(() => upsd.close());

/** What comes back for these lines, one connection, up to `LOGOUT`'s answer. */
async function said(...lines: string[]): Promise<string[]> {
  const socket = connect(upsd.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`${[...lines, 'LOGOUT'].join('\n')}\n`);
  const answers: string[] = [];
  for await (const line of createInterface({ input: socket })) answers.push(line);
  expect(answers.pop()).toBe('OK Goodbye');
  return answers;
}

describe('line by line', () => {
  test.each<[request: string, answer: string[]]>([
    ['LIST UPS', ['BEGIN LIST UPS', 'UPS rack "battery of the simulated rack"', 'END LIST UPS']],
    [
      'LIST VAR rack',
      [
        'BEGIN LIST VAR rack',
        'VAR rack ups.status "OL"',
        'VAR rack device.model "says \\"hi\\" \\\\ and more"',
        'END LIST VAR rack',
      ],
    ],
    ['GET VAR rack ups.status', ['VAR rack ups.status "OL"']],
    ['GET VAR "rack" "ups.status"', ['VAR rack ups.status "OL"']],
    ['GET VAR rack no.such', ['ERR VAR-NOT-SUPPORTED']],
    ['GET VAR other ups.status', ['ERR UNKNOWN-UPS']],
    ['GET VAR rack', ['ERR INVALID-ARGUMENT']],
    ['GET UPSDESC rack', ['UPSDESC rack "battery of the simulated rack"']],
    ['GET NUMLOGINS rack', ['NUMLOGINS rack 0']],
    ['LIST VAR other', ['ERR UNKNOWN-UPS']],
    ['LIST CMD rack', ['BEGIN LIST CMD rack', 'END LIST CMD rack']],
    ['LIST', ['ERR INVALID-ARGUMENT']],
    ['STARTTLS', ['ERR FEATURE-NOT-CONFIGURED']],
    ['SET VAR rack battery.charge.low 5', ['ERR ACCESS-DENIED']],
    ['INSTCMD rack shutdown.return', ['ERR ACCESS-DENIED']],
    ['FSD rack', ['ERR ACCESS-DENIED']],
    ['list ups', ['ERR UNKNOWN-COMMAND']],
    ['NETVER', ['1.3']],
  ])('%s', async (request, answer) => {
    expect(await said(request)).toEqual(answer);
  });

  test.each<[what: string, lines: string[], answers: string[]]>([
    ['login', ['USERNAME monitor', 'PASSWORD "a \\"quoted\\" \\\\word"', 'LOGIN rack'], ['OK', 'OK', 'OK']],
    ['a wrong word', ['USERNAME monitor', 'PASSWORD no', 'LOGIN rack'], ['OK', 'OK', 'ERR ACCESS-DENIED']],
    ['no name', ['LOGIN rack'], ['ERR USERNAME-REQUIRED']],
    ['no password', ['USERNAME monitor', 'LOGIN rack'], ['OK', 'ERR PASSWORD-REQUIRED']],
    ['two names', ['USERNAME a', 'USERNAME b'], ['OK', 'ERR ALREADY-SET-USERNAME']],
    ['another UPS', ['USERNAME monitor', 'PASSWORD x', 'LOGIN apc'], ['OK', 'OK', 'ERR UNKNOWN-UPS']],
  ])('who asks: %s', async (_what, lines, answers) => {
    expect(await said(...lines)).toEqual(answers);
  });
});

test('our own client reads and logs in; what it counts is who is there', async () => {
  const client = await NutClient.connect({ host: '127.0.0.1', port: upsd.port, tls: false, ca: null });
  await client.login('rack', LOGIN.user, LOGIN.password);
  expect([...(await client.variables('rack'))]).toEqual([...variables]);
  expect(await said('GET NUMLOGINS rack')).toEqual(['NUMLOGINS rack 1']);
  client.close();
});

test.skipIf(!existsSync('/bin/upsc'))("NUT's own client understands it", async () => {
  const upsc = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('/bin/upsc', args)).stdout.trim();
  expect(await upsc('-l', `127.0.0.1:${upsd.port}`)).toBe('rack');
  expect(await upsc(`rack@127.0.0.1:${upsd.port}`)).toBe('ups.status: OL\ndevice.model: says "hi" \\ and more');
  expect(await upsc(`rack@127.0.0.1:${upsd.port}`, 'ups.status')).toBe('OL');
});

describe('what the UPS says follows from what feeds the rack', () => {
  const wh = 10;
  const told = (wired: WiredRack, ...names: string[]): (string | undefined)[] => {
    const now = upsVariables(wired.rack.supply, wired.now);
    return names.map((name) => now.get(name));
  };
  const pass = (wired: WiredRack, seconds: number): void => {
    for (let i = 0; i < seconds * 10; i++) wired.wait(100);
  };

  test('full on mains, draining on battery, low, empty, charging again', () => {
    const wired = new WiredRack();
    wired.rack.supply.setBattery(wh, 3_600, wired.now);
    expect(told(wired, 'ups.status', 'battery.charge')).toEqual(['OL', '100']);
    wired.rack.setMains(false, wired.now);
    const [seconds] = told(wired, 'battery.runtime');
    expect(told(wired, 'ups.status', 'battery.charge')).toEqual(['OB DISCHRG', '100']);
    pass(wired, 60);
    // It lasts as long as it says while the load stays what it is.
    expect(Math.abs(Number(told(wired, 'battery.runtime')[0]) - (Number(seconds) - 60))).toBeLessThan(30);
    wired.rack.setTimeScale(100, wired.now);
    pass(wired, (Number(seconds) / 100) * 0.85);
    expect(told(wired, 'ups.status')).toEqual(['OB DISCHRG LB']);
    pass(wired, Number(seconds) / 100);
    expect(told(wired, 'ups.status', 'battery.charge', 'battery.runtime', 'ups.load')).toEqual([
      ...['OB DISCHRG LB', '0', '0', '0'],
    ]);
    wired.rack.setMains(true, wired.now);
    wired.rack.setTimeScale(1, wired.now);
    pass(wired, 5);
    const [status, charge] = told(wired, 'ups.status', 'battery.charge');
    expect(status).toBe('OL CHRG');
    expect(Number(charge)).toBeGreaterThan(45);
    pass(wired, 10);
    expect(told(wired, 'ups.status', 'battery.charge')).toEqual(['OL', '100']);
  });

  test('without a battery it says none of it; more flags stand behind', () => {
    const wired = new WiredRack();
    expect(told(wired, 'battery.charge', 'battery.runtime')).toEqual([undefined, undefined]);
    expect(upsVariables(wired.rack.supply, wired.now, ['RB', 'CAL']).get('ups.status')).toBe('OL RB CAL');
  });

  test('guests that live faster from now on do not jump, and their deadlines stay theirs', () => {
    const wired = new WiredRack();
    const node = wired.node(1);
    const before = node.guestTime(wired.now);
    wired.rack.setTimeScale(50, wired.now);
    expect(node.guestTime(wired.now)).toBe(before);
    expect(node.guestTime(wired.now + 10)).toBe(before + 500);
    node.switchPower('off', wired.now);
    node.switchPower('on', wired.now);
    pass(wired, 2);
    node.advance(wired.now);
    expect(node.guest.phase).toBe('login');
  });
});
