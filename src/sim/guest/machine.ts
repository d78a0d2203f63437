/** What a program on a guest can do, and who reads the keys. */
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
