/** What a command on a guest can reach: its shell, its machine, and its own end. */
import type { Machine, Reader } from './machine.ts';

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
