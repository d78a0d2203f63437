/** Types of commands that run on nodes. */
import type { Address } from '../rack/address.ts';

export interface CommandRequest {
  addr: Address;
  /** For sh, in one line. */
  command: string;
  /** `configured`: by ssh where the node has it, otherwise over the console. */
  by: 'configured' | 'console';
  /** Time limit of the command itself, s. */
  limitS: number;
}

/** What a command printed, and how it ended. */
export interface CommandRun {
  addr: Address;
  by: 'ssh' | 'console';
  /** Exit code; null: it is not known, for the reason `why`. */
  code: number | null;
  /** Standard output and error in the order in which they were printed. */
  output: string;
  /** It printed more than 64 KB; the rest is left out. */
  truncated: boolean;
  /** Reason for `code` null, or why the output may not be whole; '' else. */
  why: string;
  /** Duration with login and connection, ms. */
  ms: number;
}

/** Maximum of a command, characters; a console's line takes fewer. */
export const COMMAND_LIMIT = 4_000;
/** Longest time limit of a command, s. */
export const COMMAND_LIMIT_S = 3_600;
