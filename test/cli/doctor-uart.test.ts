/** doctor on what talks on the UART, and on config.txt's filters and includes; its advice carried out to the letter mends it. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { type BoardFacts, boardOf, settingsOf, valueOf } from '../../src/cli/doctor/config-txt.ts';
import { type Check, type Machine, piChecks } from '../../src/cli/doctor/machine.ts';
import { portChecks } from '../../src/cli/doctor/port.ts';
import { carryOut, commandOf, machine, PROCESS, removeFolders, troubles } from './doctor-machine.ts';

afterAll(removeFolders);

const CONFIG = '/boot/firmware/config.txt';
const CMDLINE = '/boot/firmware/cmdline.txt';
const config = (text: string, more: Record<string, string> = {}): Record<string, string> => ({
  [CONFIG]: text,
  ...more,
});
const model = (name: string): Record<string, string> => ({ '/proc/device-tree/model': `Raspberry Pi ${name}\0` });
const wants = (unit: string): Record<string, string> => ({
  [`/etc/systemd/system/multi-user.target.wants/${unit}`]: `→ /lib/systemd/system/${unit}`,
});

function diagnose(m: Machine, port = '/dev/serial0'): Check[] {
  return [...piChecks(m, port), ...portChecks(m, port, null)];
}

const ON = 'enable_uart=1\n';

describe('what is told, and mended by the advice as it stands', () => {
  test.each<[string, Record<string, string | null>, string, RegExp]>([
    // The firmware.
    ['second stage, in hexadecimal', config(`${ON}uart_2ndstage=0x1\n`), 'firmware', /uart_2ndstage=0x1/],
    [
      'second stage under an include',
      config(`${ON}include dbg.txt\n`, { '/boot/firmware/dbg.txt': 'uart_2ndstage=1' }),
      'firmware',
      /dbg\.txt sets/,
    ],
    [
      'second stage under a monitor',
      config(`${ON}[EDID=ACM-X1]\nuart_2ndstage=1\n`),
      'firmware',
      /under \[EDID=ACM-X1\]/,
    ],
    // The kernel.
    [
      'two consoles on one port',
      { [CMDLINE]: 'console=serial0,115200 console=ttyS0 console=tty1 rw' },
      'console',
      /serial0,115200 console=ttyS0/,
    ],
    ['a console by its path', { [CMDLINE]: 'rw console=/dev/ttyS0,9600n8' }, 'console', /\/dev\/ttyS0/],
    [
      'a debugger beside the keyboard',
      { [CMDLINE]: 'console=tty1 kgdboc=kbd,ttyS0 rw' },
      'console',
      /kgdboc=kbd,ttyS0/,
    ],
    ['early messages at the device tree’s UART', { [CMDLINE]: 'earlycon console=tty1' }, 'console', /earlycon/],
    [
      'early messages by their name',
      { [CMDLINE]: 'earlyprintk=ttyS0,115200,keep console=tty1' },
      'console',
      /earlyprintk/,
    ],
    [
      'a console by its address',
      { [CMDLINE]: 'console=uart8250,mmio32,0xfe215040 console=tty1' },
      'console',
      /uart8250/,
    ],
    // The UART itself.
    ['another board’s section at the end', config('[cm3+]\ndtparam=audio=on'), 'uart', /does not enable/],
    ['nothing holds behind [none]', config('[none]\n[pi4]\nenable_uart=1\n'), 'uart', /does not enable/],
    ['switched off last', config('enable_uart=1\n[pi4]\nenable_uart=0\n[pi3]\n'), 'uart', /enable_uart=0/],
    [
      'a Pi 5',
      {
        ...model('5 Model B Rev 1.0'),
        ...config('[pi4]\ndtparam=uart0=on\n'),
        '/dev/ttyAMA0': '',
        '/dev/serial0': '→ ttyAMA0',
      },
      'uart',
      /does not enable/,
    ],
    [
      'Bluetooth on a Zero 2 W',
      { ...model('Zero 2 W Rev 1.0'), '/dev/serial0': '→ ttyAMA0', '/dev/ttyAMA0': '' },
      'bluetooth',
      /which Bluetooth uses/,
    ],
    ['the core clock', config(`${ON}  core_freq = 250\n`), 'bluetooth', /core_freq/],
    // Login prompts.
    ['a prompt under the alias', wants('serial-getty@serial0.service'), 'getty', /serial-getty@serial0/],
    ['a plain getty', wants('getty@ttyS0.service'), 'getty', /getty@ttyS0/],
    [
      'a prompt that runs under the alias',
      PROCESS('agetty', '/sbin/agetty -L 115200 serial0 vt220'),
      'getty',
      /agetty/,
    ],
    // Loggers.
    [
      'the journal',
      { '/etc/systemd/journald.conf.d/tty.conf': '[Journal]\nForwardToConsole=1\nTTYPath=/dev/serial0\n' },
      'journal',
      /tty\.conf/,
    ],
    // Programs that try ports.
    ['ModemManager that runs', PROCESS('ModemManager', '/usr/sbin/ModemManager'), 'modems', /pid 412/],
    ['ModemManager that will run', wants('ModemManager.service'), 'modems', /is enabled/],
  ])('%s', (_name, changes, id, seen) => {
    const m = machine(changes);
    const found = troubles(diagnose(m));
    expect(found.map((check) => check.id)).toEqual([id]);
    expect(found[0]?.seen).toMatch(seen);
    carryOut(m, commandOf(found[0]?.todo ?? ''));
    const port = id === 'bluetooth' ? '/dev/ttyAMA0' : '/dev/serial0';
    const clocked = id === 'bluetooth' && (found[0]?.todo ?? '').includes('core_freq');
    expect(troubles(diagnose(m, clocked ? '/dev/serial0' : port))).toEqual([]);
  });

  test('brltty on a USB adapter: its rule and its unit are shut', () => {
    const m = machine({
      '/dev/ttyUSB0': '',
      '/usr/lib/udev/rules.d/85-brltty.rules': 'ENV{PRODUCT}=="403/6001/*", RUN+="brltty"\n',
    });
    const [found, ...more] = troubles(diagnose(m, '/dev/ttyUSB0'));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ id: 'braille', verdict: 'warning' });
    carryOut(m, commandOf(found?.todo ?? ''));
    expect(troubles(diagnose(m, '/dev/ttyUSB0'))).toEqual([]);
  });

  test('ModemManager kept off by the rule that doctor names', () => {
    const m = machine(wants('ModemManager.service'));
    const todo = troubles(diagnose(m))[0]?.todo ?? '';
    carryOut(m, /echo .*$/.exec(todo)?.[0] ?? 'false');
    expect(troubles(diagnose(m))).toEqual([]);
  });
});

describe('what is told without a command', () => {
  const five = {
    ...model('5 Model B Rev 1.1'),
    ...config('dtparam=uart0\n'),
    '/dev/ttyAMA0': '',
    '/dev/serial0': '→ ttyAMA0',
  };
  test.each<[string, Record<string, string | null>, string, RegExp]>([
    ['U-Boot for 64 bits', config(`${ON}kernel=boot/u-boot-rpi4.bin\n`), 'loader', /u-boot-rpi4\.bin/],
    ['UEFI', config(`${ON}armstub=RPI_EFI.fd\n`), 'loader', /RPI_EFI\.fd/],
    [
      'EEPROM, as nvmem',
      { '/sys/bus/nvmem/devices/blconfig0/nvmem': '[all]\nBOOT_UART=1\n\0\0' },
      'eeprom',
      /BOOT_UART=1/,
    ],
    [
      'EEPROM, in its own section',
      { ...five, '/proc/device-tree/chosen/bootloader/cfg': '[pi5]\nBOOT_UART=2\n' },
      'eeprom',
      /BOOT_UART=2/,
    ],
    ['rsyslog', { '/etc/rsyslog.d/10-tty.conf': 'kern.*\t\t/dev/ttyS0\n' }, 'journal', /10-tty\.conf/],
    [
      'a rule of the owner',
      { '/etc/udev/rules.d/10-x.rules': 'KERNEL=="ttyS[0-3]", RUN+="/usr/local/bin/hello"\n' },
      'udev',
      /usr\/local\/bin\/hello/,
    ],
    [
      'an active console that no word explains',
      { '/sys/class/tty/console/active': 'tty0 ttyS0\n' },
      'console',
      /console\/active/,
    ],
  ])('%s', (_name, changes, id, seen) => {
    const found = troubles(diagnose(machine(changes)));
    expect(found.map((check) => check.id)).toEqual([id]);
    expect(found[0]?.seen).toMatch(seen);
    expect(found[0]?.todo).not.toBe('');
  });
});

test.each<[string, Record<string, string | null>, string?]>([
  ['a console on the other UART', { [CMDLINE]: 'console=ttyAMA0,115200 console=tty1', '/dev/ttyAMA0': '' }],
  ['early messages on the other UART', { [CMDLINE]: 'earlycon=pl011,mmio32,0xfe201000 console=tty1' }],
  ['a console whose name only begins like the port’s', { [CMDLINE]: 'console=ttyS01 console=tty1' }],
  ['early messages on the screen', { [CMDLINE]: 'earlycon=efifb earlyprintk=vga console=tty1' }],
  ['a second stage that was switched off again', config(`${ON}uart_2ndstage=1\nuart_2ndstage=0\n`)],
  ['a second stage of another board', config(`${ON}[pi3]\nuart_2ndstage=1\n`)],
  ['an EEPROM that is silent', { '/proc/device-tree/chosen/bootloader/config': 'BOOT_UART=0\n' }],
  ['the kernel of the distribution', config(`${ON}kernel=kernel8.img\n`)],
  [
    'ModemManager that is installed and not enabled',
    { ...wants('ssh.service'), '/lib/systemd/system/ModemManager.service': '' },
  ],
  [
    'ModemManager kept off by a rule',
    { ...wants('ModemManager.service'), '/etc/udev/rules.d/1.rules': 'KERNEL=="ttyS*", ENV{ID_MM_PORT_IGNORE}="1"\n' },
  ],
  [
    'a journal that goes to another terminal',
    { '/etc/systemd/journald.conf': 'ForwardToConsole=yes\nTTYPath=/dev/tty12\n' },
  ],
  ['a prompt on another port', wants('serial-getty@ttyUSB3.service')],
  [
    'a Pi 2, whose full UART is enabled by default',
    { ...model('2 Model B Rev 1.1'), ...config('# nothing\n'), '/dev/ttyAMA0': '', '/dev/serial0': '→ ttyAMA0' },
  ],
  [
    'a Pi 3 whose overlay gives the UART back',
    {
      ...model('3 Model B Rev 1.2'),
      ...config('dtoverlay=disable-bt\n'),
      '/dev/ttyAMA0': '',
      '/dev/serial0': '→ ttyAMA0',
    },
  ],
  [
    'what the firmware prints, for a bus behind an adapter',
    { ...config(`${ON}uart_2ndstage=1\n`), '/dev/ttyUSB0': '' },
    '/dev/ttyUSB0',
  ],
])('not told: %s', (_name, changes, port) => {
  expect(troubles(diagnose(machine(changes), port))).toEqual([]);
});

describe('the first evening’s lines', () => {
  const lines = readFileSync('docs/first-evening.md', 'utf8').split('\n');
  const lineWith = (word: string): string =>
    lines.find((line) => /^(sudo|grep) /.test(line) && line.includes(word)) ?? 'false';

  test.each(['#enable_uart=1\n', 'enable_uart=0', '[cm4]\notg_mode=1', '[gpio17=0]\nenable_uart=1\n', ''])(
    'enable the UART below %j',
    (text) => {
      const m = machine(config(text));
      carryOut(m, lineWith('enable_uart'));
      expect(troubles(diagnose(m))).toEqual([]);
    },
  );

  test.each([
    'console=serial0,115200 console=tty1 rw',
    'rw console=ttyS0',
    'console=ttyS0,9600 kgdboc=ttyS0,115200 rw',
  ])('free the port of %j', (text) => {
    const m = machine({ [CMDLINE]: text });
    carryOut(m, lineWith('cmdline.txt'));
    expect(troubles(diagnose(m))).toEqual([]);
    expect(readFileSync(`${m.root}${CMDLINE}`, 'utf8')).toMatch(/rw/);
  });
});

describe('filters of config.txt', () => {
  const facts = (name: string, more: Partial<BoardFacts> = {}): BoardFacts => {
    const board = boardOf(`Raspberry Pi ${name}`);
    if (board === null) throw new Error(`no board ${name}`);
    return { board, serial: '10000000abcd1234', boardType: 0x11, ...more };
  };
  const value = (text: string, name: string, more: Partial<BoardFacts> = {}): string | undefined =>
    valueOf(
      settingsOf('/x', () => text, facts(name, more)),
      'a',
    );

  test.each([
    ['[pi0]\na=1', 'Zero 2 W Rev 1.0'],
    ['[pi0w]\na=1', 'Zero W Rev 1.1'],
    ['[pi3]\na=1', '3 Model A Plus Rev 1.0'],
    ['[PI4]\na=1', '400 Rev 1.0'],
    ['[pi5]\na=1', 'Compute Module 5 Rev 1.0'],
    ['[cm4s]\na=1', 'Compute Module 4S Rev 1.0'],
    ['[pi1]\na=1', 'Model B Plus Rev 1.2'],
    ['[pi5]\na=0\n[pi4]\na=1', '4 Model B Rev 1.5'],
    ['[none]\na=0\n[all]\na=1', '4 Model B Rev 1.5'],
    ['[0xabcd1234]\na=1', '4 Model B Rev 1.5'],
    ['[board-type=0x11]\na=1', '4 Model B Rev 1.5'],
    ['[pi4]\n[0xabcd1234]\na=1', '4 Model B Rev 1.5'],
    ['a = 1 # why', '4 Model B Rev 1.5'],
  ])('%j holds on a %s', (text, name) => {
    expect(value(text, name)).toBe('1');
  });

  test.each([
    ['[cm4]\na=1', '4 Model B Rev 1.5'],
    ['[pi3+]\na=1', '3 Model B Rev 1.2'],
    ['[pi02]\na=1', 'Zero W Rev 1.1'],
    ['[pi4]\n[0x99]\na=1', '4 Model B Rev 1.5'],
    ['[none]\n[pi4]\na=1', '4 Model B Rev 1.5'],
    ['[gpio4=1]\na=1', '4 Model B Rev 1.5'],
    ['[EDID=ACM]\n[pi4]\na=1', '4 Model B Rev 1.5'],
    ['[tryboot]\na=1', '4 Model B Rev 1.5'],
    ['#a=1', '4 Model B Rev 1.5'],
    ['[pi9]\na=1', '4 Model B Rev 1.5'],
  ])('%j does not surely hold on a %s', (text, name) => {
    expect(value(text, name)).toBeUndefined();
  });

  test('a file that includes itself ends', () => {
    const settings = settingsOf('/boot/config.txt', () => 'a=1\ninclude config.txt\n', facts('4 Model B'));
    expect(settings.length).toBeLessThan(20);
  });

  test('filters of an included file go on behind it', () => {
    const files: Record<string, string> = { '/b/config.txt': 'include more.txt\na=1', '/b/more.txt': '[pi3]\n' };
    expect(
      valueOf(
        settingsOf('/b/config.txt', (path) => files[path] ?? null, facts('4 Model B')),
        'a',
      ),
    ).toBeUndefined();
  });
});
