/**
 * What a program on a guest can do, and who reads the keys.
 *
 * How the usual tools word times.
 *
 * What a command on a guest can reach: its shell, its machine, and its own end.
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
  /** Who can log in, with what, and whether sudo asks again. */
  readonly account: { user: string; password: string; sudoAsks: boolean };
  /** Rows and columns as `stty` set them; a serial line knows no size of its own. */
  size: { rows: number; cols: number };
  /** The machine's own idea of the time; deterministic. */
  wallClock(): Date;
  uptimeMs(): number;
  /** `/proc/sys/kernel/random/boot_id`. */
  bootId(): string;
  print(text: string): void;
  /** Text without end: asked for more whenever the line has room; null ends it. */
  stream(source: (() => string) | null): void;
  /** Runs after so many milliseconds of guest time, unless cancelled or the machine ends first. */
  after(ms: number, run: () => void): () => void;
  /** Who reads from now on. */
  attend(reader: Reader): void;
  /** What is drawn beyond the usual, 0..1. */
  setStress(load: number): void;
  /** The kernel's messages since it started. */
  kernelLog(): readonly string[];
  /** A kernel message: to the log and onto the console. */
  kernel(text: string): void;
  /** systemd is told to end the system; `by` is the terminal it was asked from. */
  end(how: Ending, by: string): void;
  /** Now, without asking anybody: what sysrq does. */
  endAtOnce(how: Ending): void;
}

/** `[    4.123456] `, as the kernel stamps its lines. */
export function stamp(uptimeMs: number): string {
  const micros = Math.floor(uptimeMs * 1000);
  const seconds = String(Math.floor(micros / 1e6)).padStart(5);
  return `[${seconds}.${String(micros % 1e6).padStart(6, '0')}] `;
}

/** `Tue Jul 14 08:12:01 UTC 2026` */
export function dateText(date: Date): string {
  const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(' ');
  return `${weekday.replace(',', '')} ${month} ${day.replace(/^0/, ' ')} ${time} UTC ${year}`;
}

/** `08:12:01 up 3 days, 4:05,  1 user,  load average: 0.08, 0.12, 0.09` */
export function uptimeText(uptimeMs: number, now: Date): string {
  const minutes = Math.floor(uptimeMs / 60_000);
  const days = Math.floor(minutes / 1440);
  const clock = `${Math.floor((minutes % 1440) / 60)}:${String(minutes % 60).padStart(2, '0')}`;
  const up = days > 0 ? `${days} day${days === 1 ? '' : 's'}, ${clock}` : clock;
  return `${now.toISOString().slice(11, 19)} up ${up},  1 user,  load average: 0.08, 0.12, 0.09`;
}

export interface Context {
  readonly machine: Machine;
  /** Who runs it; `root` under sudo. */
  readonly user: string;
  /** Variables set ahead of the command. */
  readonly env: Readonly<Record<string, string>>;
  /** The shell's directory; assigning changes it for the commands after this one. */
  cwd: string;
  print(text: string): void;
  /** Planned work; it ends with the command. */
  after(ms: number, run: () => void): void;
  atExit(run: () => void): void;
  /** Reads the keys itself from now on; until then a terminal in canonical mode does, and ^C ends the command. */
  attend(reader: Reader): void;
  /** Ends the command; a second call is none. */
  exit(status: number): void;
  /** Runs another command as `user` and ends with its status. */
  runAs(user: string, argv: readonly string[]): void;
  /** Another shell on top; ends when that is left. */
  openShell(user: string): void;
  /** The shell itself ends. */
  leaveShell(word: string): void;
  /** True while sudo still remembers a password; `remember` starts that time. */
  sudoRemembers(): boolean;
  sudoRemember(): void;
}

/** Returns the exit status, or undefined when it goes on and calls `exit` later. */
export interface Command {
  help: string;
  run: (context: Context, args: readonly string[]) => number | undefined;
}

export type CommandTable = Readonly<Record<string, Command>>;
