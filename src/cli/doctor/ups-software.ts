/**
 * Reads the files of UPS software, upsmon's and apcupsd's, which shut this machine down, and checks whether they
 * shut the rack down first. Starts nothing.
 */
import { type Check, failure, type Machine, ok, warning } from './machine.ts';

const UPSMON = '/etc/nut/upsmon.conf';
const UPSSCHED = '/etc/nut/upssched.conf';
const APCUPSD = '/etc/apcupsd';
/** apcupsd's events, and the command by which each is passed to the server. */
const APC_EVENTS = { onbattery: 'outage battery', offbattery: 'outage mains', doshutdown: 'outage last' } as const;
const SHUTDOWN_LINE = 'SHUTDOWNCMD "/usr/local/sbin/rackui-shutdown 240 systemctl poweroff"';

/** A line of a UPS software's file that runs a program. */
export interface UpsProgram {
  /** `SHUTDOWNCMD in /etc/nut/upsmon.conf`. */
  where: string;
  /** User that runs it. */
  user: string;
  /** Command that runs rackui: a path where one is given, otherwise `rackui`. */
  rackui: string;
}

interface Found {
  checks: Check[];
  programs: UpsProgram[];
}

/** Checks upsmon's and apcupsd's files. `asks`: the server polls UPSes of its own. `lastMs`: the longest last plan. */
export function upsSoftwareChecks(machine: Machine, asks: boolean, lastMs: number | null): Found {
  const upsmon = machine.exists(UPSMON) ? upsmonChecks(machine, asks, lastMs) : null;
  const apcupsd = machine.exists(`${APCUPSD}/apcupsd.conf`) ? apcupsdChecks(machine, asks) : null;
  if (upsmon === null && apcupsd === null)
    return {
      checks: [
        failure(
          'ups-software',
          `neither ${UPSMON} nor ${APCUPSD}/apcupsd.conf exists: no software shuts this machine down before the battery is empty`,
          `install NUT (apt install nut) and put into ${UPSMON}: ${SHUTDOWN_LINE}`,
        ),
      ],
      programs: [],
    };
  return {
    checks: [...(upsmon?.checks ?? []), ...(apcupsd?.checks ?? [])],
    programs: [...(upsmon?.programs ?? []), ...(apcupsd?.programs ?? [])],
  };
}

function upsmonChecks(machine: Machine, asks: boolean, lastMs: number | null): Found {
  const text = machine.text(UPSMON);
  if (text === null)
    return {
      checks: [warning('upsmon', `${UPSMON} is not readable for ${machine.login.user}`, 'sudo rackui doctor --ups')],
      programs: [],
    };
  const settings = settingsIn(text);
  const user = settings.get('RUN_AS_USER') ?? 'nut';
  const shutdown = shutdownCheck(machine, settings.get('SHUTDOWNCMD') ?? null, lastMs);
  const notify = notifyChecks(machine, settings.get('NOTIFYCMD') ?? null, asks, user);
  return { checks: [shutdown.check, ...notify.checks], programs: [...shutdown.programs, ...notify.programs] };
}

function shutdownCheck(
  machine: Machine,
  command: string | null,
  lastMs: number | null,
): { check: Check; programs: UpsProgram[] } {
  const id = 'shutdowncmd';
  const subject = `SHUTDOWNCMD in ${UPSMON}`;
  const fix = `put into ${UPSMON}: ${SHUTDOWN_LINE}`;
  const only = (check: Check): { check: Check; programs: UpsProgram[] } => ({ check, programs: [] });
  if (command === null || command.trim() === '')
    return only(failure(id, `${subject} is not set: upsmon shuts nothing down`, fix));
  const call = callOf(machine, command);
  if (call === null)
    return only(failure(id, `${subject} is "${command}": this machine shuts down without the rack`, fix));
  if (call.problem !== null) return only(failure(id, `${subject}: ${call.problem}`, call.todo));
  const programs = [{ where: subject, user: 'root', rackui: call.rackui }];
  if (call.within === null)
    return {
      check: failure(id, `${subject} is "${command}": it does not give the runtime of the battery in seconds`, fix),
      programs,
    };
  if (call.script && call.rest === '')
    return {
      check: failure(id, `${subject} is "${command}": no command after the seconds shuts this machine down`, fix),
      programs,
    };
  if (lastMs !== null && call.within * 1000 < lastMs)
    return {
      check: warning(
        id,
        `${subject} gives the rack ${call.within} s, but the last plan takes ${Math.round(lastMs / 1000)} s`,
        `give it more than ${Math.ceil(lastMs / 1000)} seconds, if the battery lasts as long`,
      ),
      programs,
    };
  return { check: ok(id, `${subject} gives the rack ${call.within} s, then shuts this machine down`), programs };
}

function notifyChecks(machine: Machine, command: string | null, asks: boolean, user: string): Found {
  const id = 'notifycmd';
  const sched = command !== null && /upssched(\s|$)/.test(command) ? machine.text(UPSSCHED) : null;
  const script = sched === null ? command : (settingsIn(sched).get('CMDSCRIPT') ?? null);
  const where = sched === null ? `NOTIFYCMD in ${UPSMON}` : `CMDSCRIPT in ${UPSSCHED}`;
  const call = script === null ? null : callOf(machine, script);
  if (asks)
    return call === null
      ? { checks: [ok(id, 'the server queries the UPS itself: no NOTIFYCMD is needed')], programs: [] }
      : {
          checks: [
            warning(
              id,
              `${where} reports to the server, which queries the UPS itself: reports are refused`,
              `remove rackui from it; 'ups:' in the configuration replaces it`,
            ),
          ],
          programs: [],
        };
  if (call === null)
    return {
      checks: [
        failure(
          id,
          `the configuration has no 'ups:', and ${where} ${script === null ? 'is not set' : `is "${script}"`}: no program reports to the server that the mains have failed`,
          "add 'ups:' to the configuration (docs/ups.md)",
        ),
      ],
      programs: [],
    };
  if (call.problem !== null) return { checks: [failure(id, `${where}: ${call.problem}`, call.todo)], programs: [] };
  return {
    checks: [ok(id, `${where} reports the mains to the server`)],
    programs: [{ where, user, rackui: call.rackui }],
  };
}

function apcupsdChecks(machine: Machine, asks: boolean): Found {
  const found: Found = { checks: [], programs: [] };
  for (const [event, words] of Object.entries(APC_EVENTS)) {
    const path = `${APCUPSD}/${event}`;
    const install = `sudo install -m 755 docs/ups/apcupsd/${event} ${APCUPSD}/`;
    const needed = event === 'doshutdown' || !asks;
    const text = machine.text(path);
    if (text === null) {
      const hidden = machine.exists(path);
      if (needed)
        found.checks.push(
          hidden
            ? warning('apcupsd', `${path} is not readable for ${machine.login.user}`, 'sudo rackui doctor --ups')
            : failure('apcupsd', `${path} does not exist: apcupsd does not report to rackui (${words})`, install),
        );
      continue;
    }
    const calls = text.split('\n').some((line) => !line.trim().startsWith('#') && line.includes(words));
    if (!calls) {
      if (needed) found.checks.push(failure('apcupsd', `${path} does not run 'rackui ${words}'`, install));
    } else if (!isExecutable(machine, path))
      found.checks.push(failure('apcupsd', `${path} is not executable: apcupsd skips it`, `sudo chmod 755 ${path}`));
    else if (!needed)
      found.checks.push(
        warning(
          'apcupsd',
          `${path} reports to the server, which queries the UPS itself: reports are refused`,
          `sudo rm ${path}`,
        ),
      );
    else {
      found.checks.push(ok('apcupsd', `${path} runs 'rackui ${words}'`));
      found.programs.push({ where: path, user: 'root', rackui: rackuiIn(text) });
    }
  }
  return found;
}

interface Call {
  rackui: string;
  /** Seconds that it gives the rack; null: not given. */
  within: number | null;
  /** The words after them. */
  rest: string;
  /** True for a script of rackui's own, which runs those commands itself. */
  script: boolean;
  problem: string | null;
  todo: string;
}

/** Returns the rackui command in a command line; null: none. */
function callOf(machine: Machine, command: string): Call | null {
  const words = wordsOf(command);
  const own = /(?:^|\s)RACKUI=(\S+)/.exec(command)?.[1] ?? null;
  const at = words.findIndex((word) => /(^|\/)rackui[\w.-]*$/.test(word) && !word.includes('='));
  const program = words[at];
  if (program === undefined) return null;
  const blank = { problem: null, todo: '', script: false, rest: '' };
  if (/(^|\/)rackui$/.test(program)) {
    const option = words.indexOf('--within');
    const acts = words.slice(at).join(' ').includes('outage');
    return acts ? { ...blank, rackui: program, within: secondsIn(words[option + 1], option) } : null;
  }
  const seconds = words[at + 1];
  const call: Call = {
    ...blank,
    script: true,
    rackui: own ?? rackuiIn(machine.text(program) ?? ''),
    within: secondsIn(seconds, at),
    rest: words.slice(at + 2).join(' '),
  };
  const from = `sudo install -m 755 docs/ups/${program.split('/').at(-1) ?? ''} /usr/local/sbin/`;
  if (!machine.exists(program)) return { ...call, problem: `${program} does not exist`, todo: from };
  if (!isExecutable(machine, program))
    return { ...call, problem: `${program} is not executable`, todo: `sudo chmod 755 ${program}` };
  return call;
}

function secondsIn(word: string | undefined, at: number): number | null {
  const seconds = Number(word);
  return at < 0 || word === undefined || word === '' || !(seconds > 0) ? null : seconds;
}

/** Returns a script's command for rackui: its own `RACKUI=/path`, otherwise the name. */
function rackuiIn(script: string): string {
  const path = /^\s*(?:export\s+)?(?:RACKUI|rackui)=["']?(\/[^\s"'$]+)/m.exec(script)?.[1];
  return path ?? 'rackui';
}

function isExecutable(machine: Machine, path: string): boolean {
  return ((machine.stat(path)?.mode ?? 0) & 0o111) !== 0;
}

/** Parses `NAME value` lines, of which the last one counts; quotes around a value are removed. */
function settingsIn(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^\s*([A-Z_]+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (name !== '')
      settings.set(name, /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(.)/g, '$1') ?? value.replace(/\s+#.*$/, ''));
  }
  return settings;
}

function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}
