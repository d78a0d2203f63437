/**
 * The interfaces between a guest and its programs: the machine, the reader of keys, a command's context; with the usual
 * tools' formats of times.
 */
import type { GuestFaults } from './faults.ts';

/** Reads the UART. */
export interface Reader {
  receive(byte: number): void;
}

export type Ending = 'poweroff' | 'reboot' | 'halt';

export interface Machine {
  readonly hostname: string;
  readonly faults: GuestFaults;
  /** The account that can log in, and whether sudo asks for its password again. */
  readonly account: { user: string; password: string; sudoAsks: boolean };
  /** Rows and columns as `stty` set them; a serial line has no size of its own. */
  size: { rows: number; cols: number };
  /** Returns the machine's own date and time; deterministic. */
  wallClock(): Date;
  uptimeMs(): number;
  /** Returns `/proc/sys/kernel/random/boot_id`. */
  bootId(): string;
  print(text: string): void;
  /** Prints text without end: calls `source` whenever the line has room; null ends it. */
  stream(source: (() => string) | null): void;
  /** Runs `run` after `ms` of guest time, unless it is cancelled or the machine ends first. */
  after(ms: number, run: () => void): () => void;
  /** Sets the reader of the keys. */
  attend(reader: Reader): void;
  /** Sets the load beyond the usual, 0..1. */
  setStress(load: number): void;
  /** Returns the kernel's messages since it started. */
  kernelLog(): readonly string[];
  /** Adds a kernel message to the log and prints it on the console. */
  kernel(text: string): void;
  /** Shuts the system down through systemd; `by` is the terminal of the request. */
  end(how: Ending, by: string): void;
  /** Ends the system at once, as sysrq does. */
  endAtOnce(how: Ending): void;
}

/** Returns `[    4.123456] `, as the kernel stamps its lines. */
export function stamp(uptimeMs: number): string {
  const micros = Math.floor(uptimeMs * 1000);
  const seconds = String(Math.floor(micros / 1e6)).padStart(5);
  return `[${seconds}.${String(micros % 1e6).padStart(6, '0')}] `;
}

/** Returns `Tue Jul 14 08:12:01 UTC 2026`. */
export function dateText(date: Date): string {
  const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(' ');
  return `${weekday.replace(',', '')} ${month} ${day.replace(/^0/, ' ')} ${time} UTC ${year}`;
}

/** Returns `08:12:01 up 3 days, 4:05,  1 user,  load average: 0.08, 0.12, 0.09`. */
export function uptimeText(uptimeMs: number, now: Date): string {
  const minutes = Math.floor(uptimeMs / 60_000);
  const days = Math.floor(minutes / 1440);
  const clock = `${Math.floor((minutes % 1440) / 60)}:${String(minutes % 60).padStart(2, '0')}`;
  const up = days > 0 ? `${days} day${days === 1 ? '' : 's'}, ${clock}` : clock;
  return `${now.toISOString().slice(11, 19)} up ${up},  1 user,  load average: 0.08, 0.12, 0.09`;
}

export interface Context {
  readonly machine: Machine;
  /** User who runs it; `root` under sudo. */
  readonly user: string;
  /** Variables set ahead of the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Its standard input where that is not the terminal, as in a pipeline; else null. */
  readonly input: string | null;
  /** Its output goes to another command. */
  readonly piped: boolean;
  /** The shell's directory; assigning changes it for the commands after this one. */
  cwd: string;
  print(text: string): void;
  /** Plans work that ends with the command. */
  after(ms: number, run: () => void): void;
  atExit(run: () => void): void;
  /** Takes over the keys; before that a terminal in canonical mode reads them, and ^C ends the command. */
  attend(reader: Reader): void;
  /** Ends the command; a second call has no effect. */
  exit(status: number): void;
  /** Ends the command and the rest of its line, as ^C does. */
  interrupt(): void;
  /** Runs a script with the words `$0`, `$1`, … and ends with its status. */
  runScript(text: string, words: readonly string[]): void;
  /** Runs another command as `user` and ends with its status. */
  runAs(user: string, argv: readonly string[]): void;
  /** Opens another shell and ends when that is left. */
  openShell(user: string): void;
  /** Ends the shell itself, or the script. `status`: its exit status; default: that of the last command. */
  leaveShell(status?: number): void;
  /** True while sudo remembers a password; `sudoRemember` starts that time. */
  sudoRemembers(): boolean;
  sudoRemember(): void;
}

/** Returns the exit status; undefined: the command continues and calls `exit` later. */
export interface Command {
  help: string;
  run: (context: Context, args: readonly string[]) => number | undefined;
}

export type CommandTable = Readonly<Record<string, Command>>;
