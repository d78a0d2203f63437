/** The simulated rack as a device: a real pseudo-terminal, opened as a driver would. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { SerialPort } from 'serialport';
import { expect, test } from 'vitest';
import { startRack, startRackInProcess, type TestRack } from '../support/rack.ts';

class Host implements AsyncDisposable {
  heard = '';
  private gone = false;
  private readonly serial: SerialPort;

  private constructor(serial: SerialPort) {
    this.serial = serial;
    const decoder = new StringDecoder('utf8');
    serial.on('data', (bytes: Buffer) => (this.heard += decoder.write(bytes)));
    serial.on('close', () => (this.gone = true));
    serial.on('error', () => undefined);
  }

  static open(path: string): Promise<Host> {
    return new Promise((resolve, reject) => {
      const serial = new SerialPort({ path, baudRate: 115200 }, (error) => {
        if (error) reject(error);
        else resolve(new Host(serial));
      });
    });
  }

  /** Sends, and waits for what must come. */
  async ask(text: string, expected: RegExp): Promise<void> {
    this.heard = '';
    this.serial.write(text);
    await this.hears(expected);
  }

  /** Types as a careful driver does: 2 ms from byte to byte. */
  async type(text: string): Promise<void> {
    for (const char of text) {
      this.serial.write(char);
      await new Promise((resolve) => this.serial.drain(resolve));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }

  /** A read that was under way when the device vanished keeps the library from noticing; the next write does not. */
  noticesLoss(): boolean {
    if (this.serial.isOpen) this.serial.write('=');
    return this.gone;
  }

  async hears(expected: RegExp, timeout = 10_000): Promise<void> {
    await expect.poll(() => this.heard, { timeout, interval: 5 }).toMatch(expected);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.serial.isOpen) await new Promise((resolve) => this.serial.close(resolve));
  }
}

test.each([
  ['as a process', startRack],
  ['in this process', startRackInProcess],
])('%s: unlock, sweep, log in, power off', async (_name, start) => {
  await using rack = await start();
  await using host = await Host.open(rack.link);
  await host.ask('\x07UnLockMe=', /00 00 1 .. ..\r\n/);
  for (let addr = 1; addr < 24; addr++) {
    const hex = addr.toString(16).padStart(2, '0');
    await host.ask(`[${hex}]|=`, new RegExp(`^${hex}\\|=\r\n${hex} ff 1 .. ..\r\n$`));
    await host.ask('\x07', /^$/);
  }
  await host.ask('[07]|[00]~', /07\|00~/);
  await host.type('\r');
  await host.hears(/k8s-worker-05 login: $/);
  await host.type('pi\r');
  await host.hears(/Password: $/);
  await host.type('raspberry\r');
  await host.hears(/\$ $/);
  const sentence = 'echo what is typed two milliseconds apart arrives whole, every time';
  await host.type(`${sentence}\r`);
  await host.hears(/\rwhat is typed two milliseconds apart arrives whole, every time\r\n/);
  await host.ask('\x07[07]|\\=', /07 ff 0 00 00/);
  expect(await rack.node('07')).toMatchObject({ power: 'off', guest: 'dead' });
  const counters = await rack.counters();
  expect(counters.nodes['07']).toMatchObject({ off: 1, lost: 0, biosForConsole: { printable: 0, control: 0 } });
  expect(counters.bus.masterForConsole).toEqual({ printable: 0, control: 0 });
});

test('the adapter pulled: device and link vanish, the host notices, and both come back', async () => {
  await using rack = await startRackInProcess({ args: ['--unlocked'] });
  await using host = await Host.open(rack.link);
  await host.ask('=', /00 00 1 .. ..\r\n$/);
  await rack.ctl('unplug');
  await expect.poll(() => host.noticesLoss(), { timeout: 10_000 }).toBe(true);
  expect(existsSync(rack.link)).toBe(false);
  expect((await rack.state()).bus.port).toBeNull();
  await rack.ctl('replug');
  await using again = await Host.open(rack.link);
  await again.ask('=', /00 00 1/);
});

test('a pipe that somebody left open wedges the bus until ^G', async () => {
  await using rack = await startRackInProcess({ args: ['--unlocked'] });
  await using host = await Host.open(rack.link);
  await rack.ctl('wedge', { node: '05' });
  await host.ask('[06]|=', /05 ff 1/);
  await host.ask('\x07[06]|=', /06 ff 1/);
  expect((await rack.counters()).bus.nestedPipes).toBe(1);
});

test('a flood from a console leaves the bus to whoever closes it', async () => {
  await using rack = await startRackInProcess({ args: ['--unlocked'] });
  await using host = await Host.open(rack.link);
  await rack.ctl('flood', { node: '05' });
  await host.ask('[05]|[00]~', /00~/);
  await expect.poll(() => host.heard.length, { timeout: 10_000, interval: 5 }).toBeGreaterThan(3_000);
  await host.ask('\x07[06]|=', /06 ff 1 .. ..\r\n/);
});

test('a real program as a console, its power real to it', async () => {
  await using rack = await startRackInProcess({ args: ['--unlocked', '--exec', '03=cat'] });
  await using host = await Host.open(rack.link);
  await host.ask('[03]|[00]~', /00~/);
  await host.type('grün\r');
  await host.hears(/grün\r\ngrün\r\n/);
  await host.ask('\x07[03]|\\=', /03 ff 0 00 00/);
  expect((await rack.node('03')).guest).toBe('dead');
});

test('a program that prints more than a tty holds goes on to its end, whole where the line waits for its host', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-exec-'));
  const script = join(folder, 'much.sh');
  writeFileSync(script, 'stty -echo\nread x\nseq 1 60000\necho the end\nread x\n');
  const exec = ['--line-rate', 'unlimited', '--flow-control', '--exec', `03=/bin/sh ${script}`];
  await using rack = await startRackInProcess({ args: ['--unlocked', ...exec] });
  await using host = await Host.open(rack.link);
  await host.ask('[03]|[00]~', /00~/);
  host.heard = '';
  await host.type('\r');
  // 400 KB.
  await host.hears(/the end\r\n$/, 60_000);
  const printed = Array.from({ length: 60_000 }, (_, n) => `${n + 1}\r\n`).join('');
  expect(host.heard === `${printed}the end\r\n`).toBe(true);
  expect((await rack.counters()).bus.overruns).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

test('the control socket answers in words', async () => {
  await using rack: TestRack = await startRack();
  await expect(rack.ctl('explode')).rejects.toThrow(/no verb 'explode'; there are help, state/);
  await expect(rack.ctl('silent', { node: '7e' })).rejects.toThrow(/no node '7e' in this rack/);
  await expect(rack.ctl('off-late', { node: '03' })).rejects.toThrow(/off-late needs 'ms'/);
  await expect(rack.ctl('silent', { node: '03', on: 'maybe' })).rejects.toThrow(/'on' is on or off/);
  expect(await rack.ctl('help')).toMatch(/^unplug +remove the device and its link$/m);
  await rack.ctl('silent', { node: '03' });
  await rack.ctl('power', { node: 'ns01', state: 'off' });
  const state = await rack.until(({ nodes }) => nodes[4]?.power === 'off');
  expect(state.nodes[4]).toMatchObject({ addr: '04', name: 'ns01', guest: 'dead', current: 0, fan: 0 });
});
