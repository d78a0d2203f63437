/**
 * Checks for other users of the port in the system: kernel, login prompt, loggers, and programs that probe new
 * ports.
 */
import { type Check, failure, type Machine, ok, type Process, warning } from './machine.ts';

export const COMMAND_LINES = ['/boot/firmware/cmdline.txt', '/boot/cmdline.txt'] as const;
const UNITS = ['/etc/systemd/system', '/run/systemd/generator', '/run/systemd/system'] as const;
const INSTALLED_UNITS = [...UNITS, '/usr/lib/systemd/system', '/lib/systemd/system'] as const;
const UDEV_RULES = ['/etc/udev/rules.d', '/run/udev/rules.d', '/usr/lib/udev/rules.d', '/lib/udev/rules.d'] as const;
/** The file that doctor's own advice writes. */
const OWN_RULES = '/etc/udev/rules.d/99-rackui.rules';

export function talkerChecks(machine: Machine, port: string): Check[] {
  const device = machine.resolve(port);
  const names = namesOf(machine, port, device);
  return [
    kernel(machine, device, names),
    getty(machine, names),
    ...loggers(machine, device),
    ...probers(machine, device),
    ...udevRules(machine, device),
  ];
}

export function describeProcess({ program, pid, user }: Process): string {
  return `${program} (pid ${pid}, user ${user})`;
}

/** Returns every name of this device: its own, and each link of /dev that leads to it. */
export function namesOf(machine: Machine, port: string, device: string): string[] {
  const links = machine.list('/dev').filter((name) => machine.resolve(`/dev/${name}`) === device);
  return [...new Set([device, port, ...links].map((path) => path.replace(/^\/dev\//, '')))];
}

/** Addresses of the UARTs as `earlycon` names them, by their last digits, and the Linux device of each. */
const EARLY_UARTS: readonly (readonly [RegExp, string])[] = [
  [/215040$/, '/dev/ttyS0'],
  [/201000$/, '/dev/ttyAMA0'],
  [/1c00030000$|40030000$/, '/dev/ttyAMA0'],
  [/107d001000$/, '/dev/ttyAMA10'],
];

/** Returns the parameters of a command line by which the kernel, its debugger or its first messages use the device. */
export function kernelWords(text: string | null, device: string, names: readonly string[]): string[] {
  return (text ?? '').split(/\s+/).filter((word) => {
    const [key = '', value = ''] = word.split(/=(.*)/s);
    const parts = value.split(',').map((part) => part.replace(/^\/dev\//, ''));
    const named = parts.some((part) => names.includes(part));
    if (key === 'console' || key === 'kgdboc') return named || earlyDevice(value) === device;
    if (key === 'earlycon' || key === 'kgdboc_earlycon') {
      // Without an address it takes the UART of the device tree, which is that of GPIO 14/15.
      const at = earlyDevice(value);
      return /^\/dev\/tty(S|AMA)\d+$/.test(device) && !/^efifb/.test(value) && (at === null || at === device);
    }
    if (key === 'earlyprintk') return named || value === '' || (parts[0] === 'serial' && !hasTty(parts));
    return false;
  });
}

const hasTty = (parts: readonly string[]): boolean => parts.some((part) => /^tty/.test(part));

function earlyDevice(value: string): string | null {
  const address = value.split(',').find((part) => /^0x[0-9a-f]+$/i.test(part));
  return EARLY_UARTS.find(([pattern]) => address !== undefined && pattern.test(address.toLowerCase()))?.[1] ?? null;
}

/** Checks for kernel messages on the port: on an unlocked bus they are commands. */
function kernel(machine: Machine, device: string, names: readonly string[]): Check {
  const file = COMMAND_LINES.find((path) => machine.text(path) !== null);
  const written = file === undefined ? [] : kernelWords(machine.text(file), device, names);
  if (written.length > 0 && file !== undefined)
    return failure(
      'console',
      `${file} gives this port to the kernel (${written.join(' ')}): a log line with a backslash cuts power`,
      `${removeWords(written, file)} && sudo reboot`,
    );
  const [running] = kernelWords(machine.text('/proc/cmdline'), device, names);
  const active = machine.text('/sys/class/tty/console/active')?.trim().split(/\s+/) ?? [];
  const tty = device.replace('/dev/', '');
  if (running !== undefined || active.includes(tty))
    return failure(
      'console',
      running === undefined
        ? `the kernel's console is on ${tty} (/sys/class/tty/console/active), its messages go to the bus`
        : `this kernel was started with ${running}, its messages go to the bus`,
      file === undefined || running === undefined
        ? 'remove it from the kernel’s command line, set another console there (console=tty1), and reboot'
        : 'sudo reboot',
    );
  return ok('console', 'the kernel does not print on this port');
}

/**
 * Returns the command that removes whole parameters from a command line; those that only begin like one of them
 * stay.
 */
function removeWords(words: readonly string[], file: string): string {
  const patterns = [...new Set(words)].map((word) => word.replace(/[.[\]*^$(){}+?|/\\]/g, '\\$&'));
  return `sudo sed -i -E -e ':a' -e 's/(^| )(${patterns.join('|')})( |$)/\\1/' -e 'ta' ${file}`;
}

/** Checks for a login prompt on the port: it answers every echo of the bus, and the bus answers it. */
function getty(machine: Machine, names: readonly string[]): Check {
  const running = machine
    .processes()
    .find(
      ({ program, command }) =>
        /getty|^login$/.test(program) &&
        command.split(/[ ,]/).some((word) => names.includes(word.replace(/^\/dev\//, ''))),
    );
  if (running !== undefined) {
    const tty = names.find((name) => running.command.includes(name)) ?? names[0];
    return failure(
      'getty',
      `a login prompt (${describeProcess(running)}) is on this port`,
      `sudo systemctl disable --now serial-getty@${tty}.service`,
    );
  }
  const unit = wantedUnits(machine).find((name) => {
    const [, instance = ''] = /^[\w-]*getty@(.+)\.service$/.exec(name) ?? [];
    return names.includes(instance.replace(/^dev-/, ''));
  });
  if (unit !== undefined)
    return failure(
      'getty',
      `${unit} is enabled: the next start puts a login prompt here`,
      `sudo systemctl disable --now ${unit}`,
    );
  const inittab = (machine.text('/etc/inittab') ?? '').split('\n');
  const line = inittab.find((one) => /^[^#].*getty/.test(one) && names.some((name) => one.split(/\s/).includes(name)));
  if (line !== undefined)
    return warning('getty', `/etc/inittab starts a login prompt on this port`, `remove this line: ${line.trim()}`);
  return ok('getty', 'no login prompt is on this port');
}

/** Returns the units that other units want, by systemd's links, without those that are masked. */
export function wantedUnits(machine: Machine): string[] {
  const wanted = UNITS.flatMap((place) =>
    machine
      .list(place)
      .filter((name) => /\.(wants|requires)$/.test(name))
      .flatMap((name) => machine.list(`${place}/${name}`)),
  );
  return wanted.filter((unit) => !isMasked(machine, unit));
}

function isMasked(machine: Machine, unit: string): boolean {
  return UNITS.some((place) => machine.link(`${place}/${unit}`) === '/dev/null');
}

/** Checks for log daemons configured to write to the port. */
function loggers(machine: Machine, device: string): Check[] {
  const within = (folder: string): string[] =>
    machine
      .list(folder)
      .filter((name) => name.endsWith('.conf'))
      .map((name) => `${folder}/${name}`);
  const folders = ['/usr/lib', '/run', '/etc'].flatMap((top) => within(`${top}/systemd/journald.conf.d`));
  const journal = ['/etc/systemd/journald.conf', ...folders].map((path) => ({ path, text: machine.text(path) ?? '' }));
  const last = (key: string): { path: string; value: string } | undefined =>
    journal
      .map(({ path, text }) => ({ path, value: new RegExp(`^\\s*${key}\\s*=\\s*(.*?)\\s*$`, 'm').exec(text)?.[1] }))
      .findLast((one): one is { path: string; value: string } => one.value !== undefined);
  const forwards = last('ForwardToConsole');
  const tty = last('TTYPath');
  if (forwards && /^(yes|true|1|on)$/i.test(forwards.value) && tty && machine.resolve(tty.value) === device)
    return [
      failure(
        'journal',
        `${tty.path} sends the journal to this port (ForwardToConsole=yes, TTYPath=${tty.value})`,
        `sudo sed -i -E 's/^[ \\t]*(ForwardToConsole|TTYPath)/#\\1/' ${[...new Set([forwards.path, tty.path])].join(' ')} && sudo systemctl restart systemd-journald`,
      ),
    ];
  for (const path of ['/etc/rsyslog.conf', '/etc/syslog.conf', ...within('/etc/rsyslog.d')]) {
    const line = (machine.text(path) ?? '').split('\n').find((one) => {
      const target = /^[^#]*\s[-|]?(\/dev\/\S+)\s*$/.exec(one)?.[1];
      return target !== undefined && machine.resolve(target) === device;
    });
    if (line !== undefined)
      return [
        failure('journal', `${path} sends log messages to this port: ${line.trim()}`, `remove this line from ${path}`),
      ];
  }
  return [];
}

/** Checks for ModemManager and brltty, which write to a port that appears, to identify the device behind it. */
function probers(machine: Machine, device: string): Check[] {
  const tty = device.replace('/dev/', '');
  const ignore = `KERNEL=="${tty}", ENV{ID_MM_DEVICE_IGNORE}="1", ENV{ID_MM_PORT_IGNORE}="1"`;
  const checks: Check[] = [];
  const modems = prober(machine, 'ModemManager', 'ModemManager.service');
  if (modems !== null && !isIgnored(machine, device))
    checks.push(
      warning(
        'modems',
        `${modems}: it writes AT commands to serial ports that appear, to look for modems`,
        `sudo systemctl mask --now ModemManager.service, or keep it off this port: echo '${ignore}' | sudo tee -a ${OWN_RULES} && sudo udevadm control --reload && sudo udevadm trigger`,
      ),
    );
  const adapter = /^tty(USB|ACM)/.test(tty);
  const rules = adapter ? brailleRules(machine) : undefined;
  const setting = /^\s*braille-device\s+serial:(\S+)/m.exec(machine.text('/etc/brltty.conf') ?? '')?.[1];
  const configured =
    setting !== undefined && machine.resolve(setting.startsWith('/') ? setting : `/dev/${setting}`) === device;
  const running = adapter ? prober(machine, 'brltty', 'brltty.service') : null;
  const why = configured ? `/etc/brltty.conf names ${setting}` : (running ?? (rules && `${rules} starts brltty`));
  if (why !== undefined && !isMasked(machine, 'brltty.service'))
    checks.push(
      warning(
        'braille',
        `${why}: it opens serial adapters as braille displays and writes to them`,
        rules === undefined
          ? 'sudo systemctl mask --now brltty.service'
          : `sudo systemctl mask --now brltty.service && sudo ln -sf /dev/null /etc/udev/rules.d/${rules.replace(/.*\//, '')} && sudo udevadm control --reload`,
      ),
    );
  return checks;
}

/** Returns a sentence where the program runs or will be started; null where it is not there, not enabled or masked. */
function prober(machine: Machine, program: string, unit: string): string | null {
  const running = machine.processes().find((process) => process.program === program);
  if (running !== undefined) return `${describeProcess(running)} runs`;
  if (isMasked(machine, unit)) return null;
  if (wantedUnits(machine).includes(unit)) return `${unit} is enabled`;
  const installed = INSTALLED_UNITS.some((place) => machine.exists(`${place}/${unit}`));
  // A machine without any link to a wanted unit does not show which are enabled.
  return installed && wantedUnits(machine).length === 0 ? `${unit} is installed` : null;
}

function udevFiles(machine: Machine): string[] {
  const seen = new Map<string, string>();
  for (const folder of UDEV_RULES)
    for (const name of machine.list(folder))
      // A file of an earlier folder replaces those of the same name.
      if (name.endsWith('.rules') && !seen.has(name)) seen.set(name, `${folder}/${name}`);
  return [...seen.values()].filter((path) => machine.link(path) !== '/dev/null');
}

const rulesOf = (machine: Machine, path: string): string[] =>
  (machine.text(path) ?? '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line));

function brailleRules(machine: Machine): string | undefined {
  return udevFiles(machine).find((path) => /brltty/.test(path) && rulesOf(machine, path).length > 0);
}

function isIgnored(machine: Machine, device: string): boolean {
  const ignores = /ID_MM_(DEVICE_IGNORE|PORT_IGNORE|TTY_BLACKLIST)\}="?1/;
  // Rules of the distribution name adapters by their maker; this check cannot know which of them is the rack's.
  return udevFiles(machine)
    .filter((path) => path.startsWith('/etc/') || path.startsWith('/run/'))
    .some((path) => rulesOf(machine, path).some((rule) => ignores.test(rule) && matches(rule, device, true)));
}

/** Returns whether a udev rule applies to the device; `open`: a rule that names no device may apply. */
function matches(rule: string, device: string, open: boolean): boolean {
  const pattern = /\bKERNEL=="([^"]+)"/.exec(rule)?.[1];
  if (pattern === undefined) return open;
  const name = device.replace('/dev/', '');
  return pattern.split('|').some((one) => {
    const glob = one
      .replace(/[.+^${}()\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.');
    try {
      return new RegExp(`^${glob}$`).test(name);
    } catch {
      return false;
    }
  });
}

/** Checks for udev rules of this machine's owner that start a program on the port. */
function udevRules(machine: Machine, device: string): Check[] {
  for (const path of udevFiles(machine).filter((one) => one.startsWith('/etc/') || one.startsWith('/run/')))
    for (const rule of rulesOf(machine, path)) {
      const action = /\b(RUN(\{\w+\})?|ENV\{SYSTEMD_WANTS\})\s*[+:]?="([^"]+)"/.exec(rule)?.[3];
      if (action !== undefined && matches(rule, device, false))
        return [
          warning(
            'udev',
            `a rule in ${path} starts '${action}' when this port appears`,
            `check what it writes to the port; to disable it: remove the rule from ${path} && sudo udevadm control --reload`,
          ),
        ];
    }
  return [];
}
