/** Sessions on a guest's console, as somebody at its UART sees them. Time is by hand. */
import { beforeEach, describe, expect, test } from 'vitest';
import { LinuxGuest } from '../../src/sim/guest/linux.ts';
import { ASK_TO_SHUT_DOWN } from '../../src/sim/guest/ssh.ts';

let guest: LinuxGuest;
let now: number;

beforeEach(() => {
  now = 0;
  guest = new LinuxGuest({
    hostname: 'node-07',
    user: 'pi',
    password: 'raspberry',
    load: 0.1,
    at: 0,
    upSince: -3 * 86_400_000,
    sudoPassword: false,
  });
  guest.discard();
});

/** Types `keys` and returns what came back, without the marks of bracketed paste. */
function type(keys: string): string {
  for (const byte of Buffer.from(keys, 'utf8')) guest.receive(byte, (now += 2));
  return taken();
}

function wait(ms: number): string {
  now += ms;
  guest.advance(now);
  return taken();
}

function taken(): string {
  return Buffer.from(guest.take(60_000))
    .toString('utf8')
    .replace(/\x1b\[\?2004[hl]\r?/g, '');
}

const PROMPT = 'pi@node-07:~ $ ';
const login = (): string => type('pi\rraspberry\r');

describe('login', () => {
  test('an empty line brings banner and prompt again', () => {
    expect(type('\r')).toBe('\r\n\r\nDebian GNU/Linux 13 node-07 ttyS0\r\n\r\nnode-07 login: ');
  });

  test('name and password; the password is not seen', () => {
    const seen = login();
    expect(seen).toMatch(/^pi\r\nPassword: \r\nLinux node-07 /);
    expect(seen.endsWith(PROMPT)).toBe(true);
    expect(seen).not.toContain('raspberry');
    expect(guest).toMatchObject({ phase: 'shell', user: 'pi' });
  });

  test('a wrong password is refused after a while, and what is typed meanwhile is lost', () => {
    expect(type('pi\rwrong\rxyz')).toBe('pi\r\nPassword: \r\n');
    expect(wait(3_000)).toBe('\r\nLogin incorrect\r\nnode-07 login: ');
    expect(login()).toContain(PROMPT);
  });

  test('whoever does not answer is timed out', () => {
    type('pi\r');
    expect(wait(61_000)).toMatch(/Login timed out after 60 seconds\.[^]*node-07 login: $/);
  });

  test('logging out leads back to the door', () => {
    login();
    expect(type('exit\r')).toMatch(/^exit\r\nlogout\r\n[^]*node-07 login: $/);
    expect(guest.user).toBeNull();
  });

  test('without a getty nothing answers', () => {
    guest.faults.noGetty = true;
    expect(type('\rpi\r')).toBe('');
  });
});

const EDITING: readonly (readonly [name: string, keys: string, runs: string])[] = [
  ['backspace', 'echo abx\x7fc', 'abc'],
  ['^U', 'rubbish\x15echo ok', 'ok'],
  ['^W', 'echo one two\x17three', 'one three'],
  ['^A and ^E', 'ho hi\x01ec\x05!', 'hi!'],
  ['left and insert', 'echo ac\x1b[Db', 'abc'],
  ['delete', 'echo abxc\x1b[D\x1b[D\x1b[3~', 'abc'],
  ['^K', 'echo abcd\x1b[D\x1b[D\x0b', 'ab'],
  ['up', 'echo first\r\x1b[A', 'first'],
  ['up and down', 'echo first\recho sec\x1b[A\x1b[Bond', 'second'],
  ['^C', 'echo no\x03echo yes', 'yes'],
  ['Tab', 'cat ~/not\t', 'SD card replaced in spring.'],
  ['characters of several bytes', 'echo grüx\x7fn', 'grün'],
  ['a bracketed paste', 'echo \x1b[200~pasted\x1b[201~', 'pasted'],
];

test.each(EDITING)('editing: %s', (_name, keys, runs) => {
  login();
  type(keys);
  expect(type('\r').split('\r\n')).toContain(runs);
});

const COMMANDS: readonly (readonly [command: string, prints: string | RegExp])[] = [
  ['hostname', /^node-07\r\n/],
  ['uname -a', /^Linux node-07 6\.\S+ .* aarch64 GNU\/Linux\r\n/],
  ['uptime', /up 2 days, 23:59, /],
  ['whoami; sudo whoami', /^pi\r\nroot\r\n/],
  ['false && echo no; echo yes', /^yes\r\n/],
  ['nonsense', /^-bash: nonsense: command not found/],
  ['ls /etc', /^hostname {2}hosts/],
  ['cat /nowhere', 'No such file or directory'],
  ['cat /var/log/old-boot.log', 'reboot: Power down'],
  ['dmesg', 'Linux version 6.'],
  ['stty rows 50 cols 132; stty size', /^50 132\r\n/],
  ['poweroff', 'Interactive authentication required'],
  ['(exit 3); echo $?', /^3\r\n/],
  ['sh -c "exit 7" || echo "status $?"', /^status 7\r\n/],
  ['sh -c \'echo "$1 and $2"\' sh one "two"', /^one and two\r\n/],
  ['x=$(hostname); echo "<$x>"', /^<node-07>\r\n/],
  ['{ echo a; echo b; } | sed "s/^/-/" | head -n 1', /^-a\r\npi@/],
  ['yes | head -c 5', /^y\r\ny\r\nypi@/],
  ['printf "%s" | nonsense 2>/dev/null; echo $?', /^127\r\n/],
  ['echo s > /proc/sysrq-trigger', /^-bash: \/proc\/sysrq-trigger: Permission denied\r\n/],
  ["sudo -n sh -c 'echo s >/proc/sysrq-trigger'", /^\[.*\] sysrq: Emergency Sync\r\n/],
  ['echo "a', /^-bash: unexpected EOF/],
  ['echo a)', /^-bash: syntax error near unexpected token `\)'\r\n/],
  [
    'c=$({ { sh -c \'echo out; exit 9\' 2>&1 </dev/null 3>&- 4>&-; echo $? >&3; } | sed "s/^/T:/" >&4; } 3>&1) 4>&1; echo "$c"',
    /^T:out\r\n9\r\n/,
  ],
];

test.each(COMMANDS)('%s', (command, prints) => {
  login();
  const [, ...lines] = type(`${command}\r`).split(`${command}\r\n`);
  const printed = lines.join('');
  if (typeof prints === 'string') expect(printed).toContain(prints);
  else expect(printed).toMatch(prints);
});

test('^C ends a command that never would', () => {
  login();
  type('sleep 1000\r');
  expect(wait(10_000)).toBe('');
  expect(type('\x03')).toBe(`^C\r\n${PROMPT}`);
});

test('^C ends the rest of its line, and a script', () => {
  login();
  type('sleep 1000; echo no\r');
  expect(type('\x03')).toBe(`^C\r\n${PROMPT}`);
  type("sh -c 'sleep 1000; echo no' | sed s/n/N/\r");
  expect(type('\x03')).toBe(`^C\r\n${PROMPT}`);
  expect(type('echo yes\r')).toContain('\r\nyes\r\n');
});

test('sudo asks where it should, three times', () => {
  guest.faults.sudoPassword = true;
  login();
  expect(type('sudo whoami\r')).toContain('[sudo] password for pi: ');
  expect(type('raspberry\r')).toContain('root');
  expect(type('sudo whoami\r')).toContain('root');
  wait(16 * 60_000);
  expect(type('sudo whoami\ra\rb\rc\r')).toMatch(/Sorry, try again\.[^]*sudo: 3 incorrect password attempts/);
});

test('top draws a screen, leaves with q', () => {
  login();
  expect(type('top\r')).toContain('\x1b[H\x1b[2J');
  expect(wait(3_100)).toContain('top - ');
  expect(type('q').endsWith(PROMPT)).toBe(true);
});

test('stress shows as load, and ends by itself', () => {
  login();
  type('stress --cpu 4 --timeout 10\r');
  expect(guest.activity).toEqual({ kind: 'running', load: 1 });
  expect(wait(10_000)).toContain('successful run completed');
  expect(guest.activity).toEqual({ kind: 'running', load: 0.1 });
});

describe('shutdown', () => {
  const ask = (): void => {
    login();
    type('sudo systemctl poweroff\r');
  };

  test("goes by systemd's steps to the kernel's last line, and then is silent", () => {
    ask();
    const said = wait(20_000);
    const steps = ['The system will power off now!', 'Stopped', 'Reached target', 'systemd-shutdown[1]: Powering off.'];
    expect(steps.map((step) => said.indexOf(step))).toEqual(
      steps.map((step) => said.indexOf(step)).sort((a, b) => a - b),
    );
    expect(said).toMatch(/\[259\d{3}\.\d{6}\] reboot: Power down\r\n$/);
    expect(guest).toMatchObject({ phase: 'halted', activity: { kind: 'halted' }, user: null });
    expect(type('\r\rls\r') + wait(60_000)).toBe('');
  });

  test('waits for a stop job, and says so', () => {
    guest.faults.stopJobS = 30;
    ask();
    expect(wait(20_000)).toMatch(/A stop job is running for containerd container runtime \(\d+s \/ 1min 30s\)/);
    expect(guest.phase).toBe('stopping');
    expect(guest.shutdownTook).toBeNull();
    wait(20_000);
    expect(guest.phase).toBe('halted');
    // The job, and the few seconds of any shutdown.
    expect(guest.shutdownTook).toBeGreaterThan(30_000);
    expect(guest.shutdownTook).toBeLessThan(40_000);
  });

  test('never ends where it hangs', () => {
    guest.faults.shutdownHangs = true;
    ask();
    expect(wait(3_600_000)).not.toContain('Power down');
    expect(guest.phase).toBe('stopping');
  });

  test('where it hangs, a user whose program keeps the console open may claim a halt, and its tty echoes', () => {
    guest.faults.shutdownHangs = true;
    guest.faults.claims = 'reboot: System halted';
    ask();
    expect(wait(60_000)).toMatch(/\[ *\d+\.\d{6}\] reboot: System halted\r\n$/);
    expect(guest.phase).toBe('stopping');
    expect(type(' \x15\r')).toBe(' \b \b\r\n');
  });

  test('halted, it echoes nothing', () => {
    ask();
    wait(60_000);
    expect(guest.phase).toBe('halted');
    expect(type(' \x15\r')).toBe('');
  });

  test('comes up again where it reboots instead', () => {
    guest.faults.rebootsInstead = true;
    ask();
    const said = wait(60_000);
    expect(said).toMatch(/reboot: Restarting system[^]*RPi: BOOTLOADER release[^]*node-07 login: $/);
    expect(said).not.toContain('Power down');
  });

  test('is refused while somebody inhibits it', () => {
    guest.faults.inhibited = true;
    login();
    expect(type('sudo poweroff\r')).toContain('Operation inhibited by');
    wait(30_000);
    expect(guest.phase).toBe('shell');
  });

  test.each(['quiet', 'busybox', 'openrc'] as const)('ends in the same last line with %s', (style) => {
    guest.faults.style = style;
    ask();
    expect(wait(20_000)).toMatch(/reboot: Power down\r\n$/);
  });

  test('says when file systems stay busy, and what the bootloader adds', () => {
    Object.assign(guest.faults, { dirty: true, firmwareAfterHalt: true });
    ask();
    expect(wait(20_000)).toMatch(/Unable to finalize remaining[^]*Power down\r\nRPi: BOOTLOADER release/);
  });
});

describe('the last line', () => {
  const ask = (): void => {
    login();
    type('sudo systemctl poweroff\r');
  };

  test('comes in pieces where it is split, and only the last one is the halt', () => {
    guest.faults.splitMs = 5_000;
    ask();
    let said = wait(10_000);
    expect(said).toMatch(/Powering off\.\r\n\[[^\r\n]+$/);
    expect(said).not.toContain('Power down');
    expect(guest.phase).toBe('stopping');
    said += wait(10_000);
    expect(said).toMatch(/reboot: Power down\r\n$/);
    expect(guest.phase).toBe('halted');
  });

  test('comes in colour', () => {
    guest.faults.coloured = true;
    ask();
    expect(wait(20_000)).toMatch(/\x1b\[32m\[ *\d+\.\d+\] \x1b\[0m\x1b\[1;31mreboot: Power down\x1b\[0m\r\n$/);
  });

  test.each(['systemd', 'quiet', 'busybox', 'openrc'] as const)('is quoted before it is said (%s)', (style) => {
    Object.assign(guest.faults, { quotesLog: true, style });
    ask();
    expect(wait(20_000).match(/reboot: Power down/g)).toHaveLength(2);
  });
});

describe('a system in trouble', () => {
  test('a kernel that stumbles says so and goes on', () => {
    guest.logKernelError('oops', (now += 10));
    expect(taken()).toMatch(/Internal error: Oops[^]*end trace/);
    expect(type('\r')).toContain('login: ');
  });

  test('a card that dies is heard of again on the way down', () => {
    guest.faults.readOnly = true;
    guest.logKernelError('read-only', (now += 10));
    expect(taken()).toContain('Remounting filesystem read-only');
    login();
    type('sudo poweroff\r');
    expect(wait(20_000)).toMatch(/EXT4-fs error[^]*reboot: Power down/);
  });

  test('another password than the usual one', () => {
    guest.faults.password = 'secret';
    type('pi\rraspberry\r');
    expect(wait(3_000)).toContain('Login incorrect');
    type('pi\rsecret\r');
    expect(guest.phase).toBe('shell');
  });

  test('a dead UART hides a system that can still be asked by ssh', () => {
    guest.faults.consoleDead = true;
    expect(type('\rpi\r')).toBe('');
    expect(guest.runBySsh(ASK_TO_SHUT_DOWN, now)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^\d+\.\d\d \d+\.\d\d\n$/) as string,
    });
    expect(wait(20_000)).toBe('');
    expect(guest.phase).toBe('halted');
  });

  test('what a program prints is on the console', () => {
    guest.printText('reboot: Power down\n', (now += 10));
    expect(taken()).toBe('reboot: Power down\r\n');
    expect(guest.phase).toBe('login');
  });
});

test('its network: up with the system, refusing on the way, gone when it has halted', () => {
  expect(guest.network).toBe('up');
  guest.runBySsh(ASK_TO_SHUT_DOWN, now);
  wait(1_500);
  expect(guest.network).toBe('refused');
  wait(20_000);
  expect(guest.network).toBe('gone');
  guest.powerOff(now);
  guest.powerOn(now);
  expect(guest.network).toBe('gone');
  wait(7_000);
  expect(guest.network).toBe('refused');
  wait(3_000);
  expect(guest.network).toBe('up');
  guest.faults.network = 'gone';
  expect(guest.network).toBe('gone');
  expect(guest.runBySsh(ASK_TO_SHUT_DOWN, now)).toMatchObject({ code: 255 });
});

describe('power', () => {
  test('off is dead at once, on starts at the bootloader and comes to the login in 6 to 10 s', () => {
    guest.powerOff((now += 10));
    expect(type('\r') + wait(60_000)).toBe('');
    guest.powerOn(now);
    expect(guest.activity.kind).toBe('booting');
    expect(wait(6_000)).toMatch(/^RPi: BOOTLOADER release[^]*\[ {4}0\.000000\] Booting Linux on physical CPU/);
    expect(wait(4_000)).toMatch(/node-07 login: $/);
    expect(guest.phase).toBe('login');
  });

  test.each([
    ['nothing', /^$/],
    ['uboot', /U-Boot> $/],
    ['fsck', /RUN fsck MANUALLY[^]*\(initramfs\) $/],
    ['initramfs', /Dropping to a shell![^]*\(initramfs\) $/],
    ['emergency', /You are in emergency mode[^]*Control-D to continue\): $/],
  ] as const)('a start can end at %s', (stop, pattern) => {
    guest.faults.bootStops = stop;
    guest.powerOff((now += 10));
    guest.powerOn(now);
    expect(wait(30_000)).toMatch(pattern);
    expect(guest.phase).toBe('stuck');
  });
});

test('a panic says so and is the end', () => {
  guest.panic((now += 10));
  expect(taken()).toContain('Kernel panic - not syncing');
  expect(type('\r') + wait(60_000)).toBe('');
});

test('hung, it neither hears nor speaks, and later goes on', () => {
  guest.faults.hung = true;
  expect(type('\r') + wait(5_000)).toBe('');
  guest.faults.hung = false;
  expect(type('\r')).toContain('login: ');
});

test('a flood fills whatever room there is, until it ends', () => {
  guest.faults.flood = true;
  expect(wait(1).length).toBeGreaterThan(1_000);
  expect(guest.nextDeadline()).toBeLessThanOrEqual(now);
  guest.faults.flood = false;
  wait(1);
  expect(wait(1)).toBe('');
});
