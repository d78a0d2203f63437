/** A node that echoes the password of a shutdown: what watchers, logs, last screens and the bus log get of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { CUT_ALPHA, eventually, Harness, NODES } from './harness.ts';

const ALPHA = 1;

test.each(['hunter2!', 'correct horse', 'pässwörd'])('the password %j, echoed, is shown nowhere', async (password) => {
  const file = join(mkdtempSync(join(tmpdir(), 'rackui-secret-')), 'password');
  onTestFinished(() => rmSync(dirname(file), { recursive: true }));
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  const config = { nodes: NODES, login: { user: 'pi', password: { file } } };
  await using rack = await Harness.start({ config });
  const { rack: wire } = rack;
  wire.greeting = 'alpha login: ';
  const bytes = Buffer.from(password).toString('latin1');
  const alice = await rack.ready();
  const bob = await rack.ready('bob');
  await alice.client.request('console.attach', { addr: ALPHA, take: false, watch: false });
  await eventually(() => expect(alice.seen).toContain('login: '));
  await alice.client.request('console.detach', {});
  await alice.client.request('power.start', { ...CUT_ALPHA, verb: 'off' });
  await bob.client.request('console.attach', { addr: ALPHA, take: false, watch: true });
  await eventually(() => expect(wire.consoleInput).toContain('pi\r'));
  // The node's echo of it comes first.
  await setImmediate();
  wire.print('Password: ');
  await eventually(() => expect(wire.consoleInput).toContain(`${bytes}\r`));
  await setImmediate();
  wire.print(`Login incorrect\r\nlast tried: ${bytes.slice(0, 4)}`);
  wire.print(`[   12.345678] usb 1-1: reset\r\n${bytes.slice(4)}\r\nalpha login: `);
  await eventually(() =>
    expect(bob.seen).toContain('tried: ********[   12.345678] usb 1-1: reset\r\n\r\nalpha login:'),
  );
  expect(bob.seen).toContain('Password: ********\r\n');
  const last = await alice.client.request('console.last', { addr: ALPHA });
  expect(Buffer.from(JSON.stringify(last)).toString()).not.toContain(password);
  const exchanges = JSON.stringify(await alice.client.request('bus.log', { after: 0, limit: 200, wait: false }));
  expect(exchanges).not.toContain(bytes);
  const timed = { addr: ALPHA, kind: 'timed', cursor: null, since: null, search: null } as const;
  const outputs = async (): Promise<string> =>
    (await alice.client.request('log.read', timed)).data
      .split('\n')
      .map((line) => Buffer.from(/"bytes":"([^"]*)"/.exec(line)?.[1] ?? '', 'base64').toString('latin1'))
      .join('');
  await expect.poll(outputs).toContain('tried: ********');
  expect(await outputs()).not.toContain(bytes);
  await rack.close();
  for (const name of ['consoles/alpha.log', 'consoles/alpha.raw']) {
    expect(rack.file(name)).toContain('Password: ********');
    expect(rack.file(name)).not.toContain(password);
    expect(rack.file(name)).not.toContain(password.slice(4));
  }
});
