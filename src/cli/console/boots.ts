/**
 * Finds the boots of a node in its console's log: when each began, the time to its login prompt, its first error; and
 * the lines by which two boots differ. A node's text is not verified. Pure.
 */
import { readLogLine, textOf } from '../../console/log-lines.ts';
import { isError, isLogin, type LineKind, readLine } from '../../console/line-patterns.ts';

export interface Boot {
  /** Epoch ms: the first line of firmware, boot loader or kernel. */
  at: number;
  /** When the log has the node's power switched on before that; null: it has not, as after a restart. */
  poweredAt: number | null;
  /** When the login prompt came; null: it did not come, or was not seen. */
  loginAt: number | null;
  error: { at: number; text: string } | null;
  /** Lines of the node up to its login prompt. */
  lines: string[];
}

/** Parts of a boot, in their order, by the kind of their first line. */
const PARTS: Partial<Record<LineKind, number>> = { firmware: 0, uboot: 1, boot: 2 };
/** Time within which lines of the same part belong to one boot, ms: a kernel has several first lines. */
const SAME_PART_MS = 10_000;
/** Time from power to the first line, ms; what was switched on before that is another start. */
const POWER_MS = 120_000;

/** The marks of `server/polling/node-states.ts` for a power that came on. */
const POWERED = /\) (?:is on$|went from \w+ to on\b)/;

/** Gathers boots from the lines of a log, in their order. */
export class BootReader {
  readonly boots: Boot[] = [];
  #part = -1;
  #partAt = 0;
  #poweredAt: number | null = null;

  line(line: string): void {
    const about = readLogLine(line);
    if (about === null) return;
    const { at, sign } = about;
    const text = textOf(line);
    if (sign === '*' && POWERED.test(text)) this.#poweredAt = at;
    if (sign !== '|') return;
    this.#begin(at, text);
    const boot = this.boots.at(-1);
    if (boot === undefined || boot.loginAt !== null) return;
    if (isLogin(text)) boot.loginAt = at;
    else if (text.trim() !== '') {
      boot.lines.push(text);
      if (boot.error === null && isError(text)) boot.error = { at, text: text.trim() };
    }
  }

  #begin(at: number, text: string): void {
    const part = PARTS[readLine(text, { settling: false, stamps: false })?.kind ?? 'halt'];
    if (part === undefined) return;
    const over = this.boots.at(-1)?.loginAt !== null;
    const again = part === this.#part && at - this.#partAt > SAME_PART_MS;
    if (over || part < this.#part || again || this.boots.length === 0) {
      const powered = this.#poweredAt;
      const poweredAt = powered !== null && at - powered < POWER_MS ? powered : null;
      this.boots.push({ at, poweredAt, loginAt: null, error: null, lines: [] });
      this.#poweredAt = null;
    }
    this.#part = part;
    this.#partAt = at;
  }
}

/** Returns the time to the login prompt, from power where that is known, ms; null: it was not seen. */
export function timeToLogin({ at, poweredAt, loginAt }: Boot): number | null {
  return loginAt === null ? null : loginAt - (poweredAt ?? at);
}

/** Returns a boot for `--json`: times in ISO 8601, null where the log has none. */
export function bootJson(boot: Boot): object {
  const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
  const { at, poweredAt, loginAt, error } = boot;
  return {
    at: iso(at),
    poweredAt: iso(poweredAt),
    loginAt: iso(loginAt),
    loginMs: timeToLogin(boot),
    error: error && { at: iso(error.at), text: error.text },
  };
}

/** What differs between boots of the same system: times, dates, process numbers, addresses in memory. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/^(?:<\d+>)?\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])?\s*/, ''],
  [/\b\d{4}[-/]\d\d[-/]\d\d\b/g, '<date>'],
  [/\b\d\d:\d\d(?::\d\d)?(?:\.\d+)?\b(?!:)/g, '<time>'],
  [/\b0x[0-9a-f]+\b|(?<!-[0-9a-f]{4}-)\b[0-9a-f]{8,16}\b(?!-)|\b[0-9a-f]{8,16}(?=-[0-9a-f]{8,16}\b)/gi, '<address>'],
  [/\[\d+\]/g, '[<pid>]'],
  [/\b\d+(?:\.\d+)? ?(?:ns|us|µs|ms|s|sec|seconds|min)\b/g, '<duration>'],
  [/\b\d+\.\d{2,} BogoMIPS\b/g, '<speed>'],
];

/** Returns a line without what differs between any two boots. */
export function lastingText(line: string): string {
  return PASSING.reduce((text, [pattern, sign]) => text.replace(pattern, sign), line).trim();
}

/**
 * Returns the lines that only one of two boots has, those of the earlier one with `-`, of the later one with `+`, each
 * in its boot's order. The order itself does not count: services start side by side.
 */
export function bootChanges(before: Boot, after: Boot): string[] {
  const only = (sign: '-' | '+', lines: readonly string[], others: readonly string[]): string[] => {
    const left = new Map<string, number>();
    for (const line of others) left.set(lastingText(line), (left.get(lastingText(line)) ?? 0) + 1);
    return lines.flatMap((line) => {
      const text = lastingText(line);
      const count = left.get(text) ?? 0;
      left.set(text, count - 1);
      return count > 0 || text === '' ? [] : [`${sign} ${line.trimEnd()}`];
    });
  };
  return [...only('-', before.lines, after.lines), ...only('+', after.lines, before.lines)];
}

/** `boot of 2026-07-14T12:00:00.000Z, login after 21.3 s`. */
export function bootTitle(boot: Boot): string {
  const time = timeToLogin(boot);
  return `boot of ${new Date(boot.at).toISOString()}, ${time === null ? 'no login prompt seen' : `login after ${seconds(time)}`}`;
}

/** Columns of the longest bar. */
const BAR = 20;

/** Returns a line for each boot, oldest first, with its time to the login prompt as a bar. */
export function bootTable(boots: readonly Boot[]): string[] {
  const times = boots.map(timeToLogin);
  const longest = Math.max(1, ...times.map((time) => time ?? 0));
  return boots.map((boot, i) => {
    const time = times[i] ?? null;
    const bar = '#'.repeat(time === null ? 0 : Math.max(1, Math.round((time / longest) * BAR)));
    const from = boot.poweredAt === null ? 'first line' : 'power on';
    const login = time === null ? 'no login prompt seen' : `${seconds(time).padStart(8)} from ${from}`;
    const error = boot.error === null ? 'no error' : `first error: ${boot.error.text}`;
    return `${new Date(boot.at).toISOString()}  ${login.padEnd(24)} ${bar.padEnd(BAR)}  ${error}`;
  });
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
