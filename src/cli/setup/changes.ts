/**
 * Changes that free the UART of a Raspberry Pi for the bus: what the first evening's page does by hand. Changes
 * nothing.
 */
import { EXIT } from '../../api/power.ts';
import {
  bootUart,
  type Configured,
  configuredBoard,
  eepromText,
  freedBy,
  type Machine,
  piChecks,
} from '../doctor/machine.ts';
import { COMMAND_LINES, kernelWords, namesOf, wantedUnits } from '../doctor/uart-users.ts';
import { Failure } from '../terminal-output.ts';

interface Reason {
  /** As a sentence. */
  why: string;
}

/** One thing that is changed; `before` is what an undo restores. */
export type Change = Reason &
  (
    | { kind: 'file'; path: string; before: string; after: string }
    /** A unit that nothing starts any more, by a link to /dev/null. */
    | { kind: 'mask'; path: string }
    | { kind: 'group'; user: string; group: string }
    /** The boot loader's configuration, which its own program writes. */
    | { kind: 'eeprom'; before: string; after: string }
  );

const GROUP = 'dialout';
const UNITS = '/etc/systemd/system';

/** @param user whose session shall open the port; null: none. @throws Failure where a file is not understood */
export function findChanges(machine: Machine, port: string, user: string | null): Change[] {
  const configured = configuredBoard(machine);
  if (configured === null)
    throw new Failure(EXIT.refused, 'this machine is no Raspberry Pi: nothing of it is known to need a change');
  const device = uartOf(machine, port, configured);
  const names = [...new Set([...namesOf(machine, port, device), device.replace('/dev/', '')])];
  return [
    ...configChanges(machine, port, configured),
    ...kernelChanges(machine, device, names),
    ...loginChanges(machine, names),
    ...groupChanges(machine, user),
    ...eepromChanges(machine, configured),
  ];
}

/** Returns the device of a port. As long as the UART is not enabled, /dev/serial0 leads nowhere. */
function uartOf(machine: Machine, port: string, { board, settings }: Configured): string {
  const device = machine.resolve(port);
  if (machine.exists(device) || port !== '/dev/serial0') return device;
  return board.bluetooth && freedBy(settings) === undefined ? '/dev/ttyS0' : '/dev/ttyAMA0';
}

/** Comments the firmware's messages out wherever they are set, and enables the UART at the end. */
function configChanges(machine: Machine, port: string, { file, settings, board }: Configured): Change[] {
  const talking = settings.filter(({ key, value }) => key === 'uart_2ndstage' && Number(value) !== 0);
  const paths = [...new Set([file, ...talking.map((setting) => setting.file)])];
  const enabled = piChecks(machine, port).every(({ id, verdict }) => id !== 'uart' || verdict === 'ok');
  return paths.flatMap((path): Change[] => {
    const before = textOf(machine, path);
    checkSyntax(path, before);
    const silent = talking.some((setting) => setting.file === path)
      ? before.replace(/^([ \t]*uart_2ndstage)/gm, '#$1')
      : before;
    const add = path === file && !enabled;
    const setting = board.generation >= 5 ? 'dtparam=uart0=on' : 'enable_uart=1';
    const after = add ? `${silent}${/(^|\n)$/.test(silent) ? '' : '\n'}\n[all]\n${setting}\n` : silent;
    if (after === before) return [];
    const why = [add ? 'enables the UART' : [], silent !== before ? 'keeps the firmware from printing on it' : []];
    return [{ kind: 'file', path, before, after, why: why.flat().join(', and ') }];
  });
}

/** @throws Failure at a line that is neither filter nor setting, include or comment */
function checkSyntax(path: string, text: string): void {
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/#.*/, '').trim();
    if (line !== '' && !/^\[[^\]]+\]$|^include\s+\S+$|^initramfs\s|^[^=\s]+\s*=/.test(line))
      throw new Failure(EXIT.refused, `${path}:${index + 1}: '${line}' is not understood; nothing was changed`);
  }
}

/** Takes the parameters off the kernel's command line by which it talks on the port. */
function kernelChanges(machine: Machine, device: string, names: readonly string[]): Change[] {
  const path = COMMAND_LINES.find((one) => machine.text(one) !== null);
  if (path === undefined) return [];
  const before = textOf(machine, path);
  const [line = '', ...more] = before.split('\n');
  if (more.some((one) => one.trim() !== ''))
    throw new Failure(EXIT.refused, `${path}:2: a second line, which the firmware ignores; nothing was changed`);
  const words = kernelWords(line, device, names);
  if (words.length === 0) return [];
  const after = [
    line
      .split(' ')
      .filter((word) => !words.includes(word.trim()))
      .join(' '),
    ...more,
  ].join('\n');
  return [{ kind: 'file', path, before, after, why: 'keeps the kernel from printing on the port' }];
}

function loginChanges(machine: Machine, names: readonly string[]): Change[] {
  return [...new Set([...wantedUnits(machine), ...runningGettys(machine)])]
    .filter((unit) => names.includes(/getty@(.+)\.service$/.exec(unit)?.[1]?.replace(/^dev-/, '') ?? ''))
    .filter((unit) => !machine.exists(`${UNITS}/${unit}`))
    .map((unit) => ({ kind: 'mask', path: `${UNITS}/${unit}`, why: 'keeps the login prompt from the port' }));
}

/** Returns the units of login prompts that run now, whatever started them. */
function runningGettys(machine: Machine): string[] {
  return machine
    .processes()
    .filter(({ program }) => /getty$/.test(program))
    .flatMap(({ command }) => command.split(/[ ,]/).filter((word) => /^(\/dev\/)?(tty(S|AMA)\d+|serial0)$/.test(word)))
    .map((word) => `serial-getty@${word.replace('/dev/', '')}.service`);
}

function groupChanges(machine: Machine, user: string | null): Change[] {
  const members = new RegExp(`^${GROUP}:[^:]*:\\d+:(.*)$`, 'm').exec(machine.text('/etc/group') ?? '')?.[1];
  if (user === null || members === undefined || members.split(',').includes(user)) return [];
  return [{ kind: 'group', user, group: GROUP, why: `lets ${user} open the port, after the next login` }];
}

function eepromChanges(machine: Machine, { facts }: Configured): Change[] {
  const before = eepromText(machine);
  if (before === null || Number(bootUart(before, facts) ?? 0) === 0) return [];
  const after = before.replace(/^([ \t]*BOOT_UART[ \t]*=).*$/gm, (_line, key: string) => `${key}0`);
  return [{ kind: 'eeprom', before, after, why: 'keeps the boot loader from printing on the port' }];
}

/** @throws Failure where the file does not exist or is no text */
function textOf(machine: Machine, path: string): string {
  const text = machine.text(path);
  if (text === null) throw new Failure(EXIT.refused, `${path} cannot be read; nothing was changed`);
  if (/[\0\ufffd]/.test(text)) throw new Failure(EXIT.refused, `${path} is no text in UTF-8; nothing was changed`);
  return text;
}
