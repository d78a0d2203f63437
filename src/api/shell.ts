/** Types of commands that run on nodes, and of files that go there and back over their consoles. */
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

/** A file that is sent to a node or read from it, over the node's console. */
export interface FileRequest {
  addr: Address;
  way: 'put' | 'get';
  /** Path on the node; a relative one begins where its shell is. */
  path: string;
  /** Of `get`: bytes of it that an earlier transfer has read; the answer has their checksum. */
  have: number;
}

/** An open transfer; it has the node's console until it is closed, or nothing is asked of it for a minute. */
export interface FileOpened {
  id: string;
  /** The path on the node, from its root. */
  path: string;
  /** Size and checksum (POSIX's cksum): of the file, or of `put`'s part file, which an earlier transfer left. */
  size: number;
  sum: number;
  /** Permissions; null for `put`. */
  mode: number | null;
  /** Checksum of the first `have` bytes; null for `put`. */
  haveSum: number | null;
  /** The node has gzip: `put` may send the file compressed. */
  gzip: boolean;
}

/** The whole file behind a `put`: what must be there before the part file takes its name. */
export interface FileEnd {
  id: string;
  size: number;
  sum: number;
  mode: number;
  /** What was sent is the file compressed by gzip. */
  gzip: boolean;
}

/** Maximum of a file, bytes: a console carries some 400 a second to a node. */
export const FILE_LIMIT = 16 * 1024 * 1024;
/** Maximum of one piece to a node, bytes. */
export const PIECE_LIMIT = 600;
/** Maximum of a path on a node, characters: it stands in one line with the shell's code. */
export const PATH_LIMIT = 200;
