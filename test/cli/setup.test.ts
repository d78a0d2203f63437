/** setup on prepared machines: what it shows and changes, doctor's judgement afterwards, and the way back. */
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Machine, piChecks } from '../../src/cli/doctor/machine.ts';
import { talkerChecks } from '../../src/cli/doctor/uart-users.ts';
import { IS_ROOT } from '../support/other-user.ts';
import { PROGRAM } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';
import { folder, machine, removeFolders, troubles } from './doctor-machine.ts';
import { rackui } from './support.ts';

afterAll(removeFolders);

const CONFIG = '/boot/firmware/config.txt';
const CMDLINE = '/boot/firmware/cmdline.txt';
const EEPROM = '/proc/device-tree/chosen/bootloader/config';
const UNIT = 'serial-getty@ttyS0.service';
const WAIT_MS = 60_000;

/** A Raspberry Pi 4 on whose UART everything talks that can. */
const busy = (): Machine => {
  const m = machine({
    [CONFIG]: '[cm4]\nenable_uart=1\n[all]\ninclude debug.txt',
    '/boot/firmware/debug.txt': '# for the bench\nuart_2ndstage=1\n',
    [CMDLINE]: 'console=serial0,115200 console=tty1 root=PARTUUID=1 rootwait\n',
    [`/etc/systemd/system/multi-user.target.wants/${UNIT}`]: `→ /lib/systemd/system/serial-getty@.service`,
    '/etc/group': 'root:x:0:\ndialout:x:20:anna\n',
    [EEPROM]: '[all]\nBOOT_UART=1\nPOWER_OFF_ON_HALT=0\n',
  });
  chmodSync(join(m.root, CMDLINE), 0o640);
  return m;
};

/** Everything below a root: texts, links and modes. */
function picture(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name): [string, string] => {
    const path = join(root, name);
    const stat = lstatSync(path);
    const content = stat.isFile() ? readFileSync(path, 'utf8') : stat.isSymbolicLink() ? readlinkSync(path) : '';
    return [name, `${stat.mode.toString(8)} ${content}`];
  });
  return Object.fromEntries(entries.filter(([name]) => !/^etc\/(group|passwd)-$|^var($|\/)/.test(name)));
}

const commandLine = (m: Machine, ...words: string[]): string[] => [
  ...['--port', '/dev/serial0', 'setup', '--root', m.root],
  ...words,
];

/** Runs setup on a terminal and gives the answers in turn; returns what stood on it, and the exit code. */
async function answered(m: Machine, answers: readonly string[], ...words: string[]): Promise<[string, number]> {
  const bin = folder('bin');
  const program = `#!/bin/sh\n[ "$1" = --apply ] && cat "$2" >'${join(m.root, EEPROM)}'\n`;
  writeFileSync(join(bin, 'rpi-eeprom-config'), program, { mode: 0o755 });
  await using terminal = openTerminal(process.execPath, [PROGRAM, ...commandLine(m, ...words)], {
    rows: 200,
    cols: 160,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, SUDO_USER: 'pi' },
  });
  for (const [index, answer] of answers.entries()) {
    const asked = (): boolean => terminal.output.split('[y/N]').length === index + 2;
    await terminal.waitFor(asked, `question ${index + 1}`, WAIT_MS);
    terminal.type(`${answer}\r`);
  }
  const { code } = await terminal.exited;
  return [terminal.output.replaceAll('\r', ''), code];
}

test.skipIf(!IS_ROOT)(
  'setup frees the UART, doctor finds nothing afterwards, and undo restores every byte',
  async () => {
    const m = busy();
    const before = picture(m.root);
    expect(troubles([...piChecks(m, '/dev/serial0'), ...talkerChecks(m, '/dev/serial0')]).length).toBeGreaterThan(3);

    const [said, code] = await answered(m, ['y', 'y', 'y', 'y', 'y', 'y']);
    expect(code, said).toBe(0);
    for (const line of [
      '+enable_uart=1',
      '-uart_2ndstage=1',
      '+#uart_2ndstage=1',
      '-BOOT_UART=1',
      '+BOOT_UART=0',
      '+ pi',
    ])
      expect(said).toContain(`\n${line}\n`);
    expect(m.text(CONFIG)).toBe('[cm4]\nenable_uart=1\n[all]\ninclude debug.txt\n\n[all]\nenable_uart=1\n');
    expect(m.text(CMDLINE)).toBe('console=tty1 root=PARTUUID=1 rootwait\n');
    expect(m.stat(CMDLINE)?.mode.toString(8)).toBe('100640');
    expect(m.link(`/etc/systemd/system/${UNIT}`)).toBe('/dev/null');
    expect(m.text('/etc/group')).toContain('dialout:x:20:anna,pi\n');
    expect(troubles([...piChecks(m, '/dev/serial0'), ...talkerChecks(m, '/dev/serial0')])).toEqual([]);
    expect((await rackui(commandLine(m, '--dry-run'), { env: { SUDO_USER: 'pi' } })).stdout).toBe(
      'nothing to change\n',
    );

    const [back, undone] = await answered(m, ['y', 'y', 'y', 'y', 'y', 'y'], '--undo');
    expect(undone, back).toBe(0);
    expect(picture(m.root)).toEqual(before);
    expect((await rackui(commandLine(m, '--undo'))).stdout).toBe('nothing to take back\n');
  },
);

test('a change that is declined is left out, and undo refuses a file that was changed since', async () => {
  const m = machine({ [CONFIG]: 'uart_2ndstage=1\nenable_uart=1\n', [CMDLINE]: 'console=ttyS0 console=tty1' });
  const [, code] = await answered(m, ['n', 'y']);
  expect(code).toBe(2);
  expect(m.text(CONFIG)).toBe('uart_2ndstage=1\nenable_uart=1\n');
  expect(m.text(CMDLINE)).toBe('console=tty1');
  writeFileSync(join(m.root, CMDLINE), 'console=tty1 quiet');
  const [said, refused] = await answered(m, ['y'], '--undo');
  expect(refused).toBe(3);
  expect(said).toContain(`${CMDLINE} was not changed: it was changed since`);
  expect(m.text(CMDLINE)).toBe('console=tty1 quiet');
});

test('a dry run shows every change and makes none; without a terminal nothing is changed', async () => {
  const m = busy();
  const before = picture(m.root);
  const { code, stdout } = await rackui(commandLine(m, '--dry-run'), { env: { SUDO_USER: 'pi' } });
  expect(code).toBe(0);
  expect(stdout).toContain('-console=serial0,115200 console=tty1 root=PARTUUID=1 rootwait\n+console=tty1');
  expect(stdout).toContain(`/etc/systemd/system/${UNIT}: keeps the login prompt from the port\n+ link to /dev/null`);
  expect(await rackui(commandLine(m))).toMatchObject({ code: 64 });
  expect(picture(m.root)).toEqual(before);
});

test.each([
  [
    'a line of config.txt',
    { [CONFIG]: 'enable_uart=0\nenable uart\n' },
    `${CONFIG}:2: 'enable uart' is not understood`,
  ],
  ['a second command line', { [CMDLINE]: 'console=ttyS0\nquiet\n' }, `${CMDLINE}:2: a second line`],
  ['a config.txt that is missing', { [CONFIG]: null }, `${CONFIG} cannot be read`],
  ['another machine', { '/proc/device-tree/model': 'Acme Board\0' }, 'no Raspberry Pi'],
])('setup refuses %s, with its place', async (_what, files, words) => {
  const m = machine(files);
  const before = picture(m.root);
  const { code, stderr } = await rackui(commandLine(m, '--dry-run'));
  expect(code).toBe(3);
  expect(stderr).toContain(words);
  expect(picture(m.root)).toEqual(before);
});

test('what setup does not change is named as left to do', async () => {
  const m = machine({ [CONFIG]: 'enable_uart=1\nkernel=u-boot.bin\n' });
  const { code, stdout } = await rackui(commandLine(m, '--dry-run'));
  expect(code).toBe(2);
  expect(stdout).toMatch(/left to do: .*u-boot\.bin/);
});
