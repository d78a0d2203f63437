/**
 * Runs a configured program from an argument vector, never through a shell, with limits on its time and its kept
 * output. Lists the files that a process has open.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expire } from './clock.ts';
import { removeHidden } from './control-chars.ts';

/** The end of a program. `why`: '' for exit code 0, else in words (`exit code 1`, `no end within 60 s`). */
export interface ProgramEnd {
  /** Exit code; null where it was killed or never ran. */
  code: number | null;
  why: string;
  /** Last lines of both streams: few, short, without control characters. */
  output: string[];
}

/** Kept lines of the output, and their length, characters: enough for a reason, too little to fill a log. */
const LINES = 20;
const LINE_LENGTH = 200;
/** Time between SIGTERM and SIGKILL, ms. */
const MERCY_MS = 2_000;

/** Time for which an ended program's pipes are still read, ms. */
const PIPE_MS = 500;

export interface ProgramOptions {
  /** Gets the kept lines whenever more output came. */
  printed?: (lines: readonly string[]) => void;
  /** Gets the output of both streams, up to `mostBytes`. */
  read?: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
  /** All of its environment; default: that of this process. */
  environment?: NodeJS.ProcessEnv;
  /** Text for its standard input; default: none. */
  input?: string;
  /** Most lines that are kept, and characters of each. */
  lines?: number;
  lineLength?: number;
  /** Bytes of output after which it is ended; default: none. */
  mostBytes?: number;
}

/** Runs a program; never rejects. `limitS`: seconds after which it is ended; `signal` ends it at once. */
export function runProgram(
  argv: readonly string[],
  limitS: number,
  signal: AbortSignal,
  options: ProgramOptions = {},
): Promise<ProgramEnd> {
  const [program = '', ...args] = argv;
  const {
    printed = () => undefined,
    read = () => undefined,
    environment = process.env,
    input,
    mostBytes = Infinity,
  } = options;
  if (signal.aborted) return Promise.resolve({ code: null, why: 'it was not started: aborted before', output: [] });
  return new Promise((resolve) => {
    // A process group of its own, so that its children end with it.
    const stdin = input === undefined ? 'ignore' : 'pipe';
    const child = spawn(program, args, { stdio: [stdin, 'pipe', 'pipe'], detached: true, env: environment });
    // It may end without reading.
    child.stdin?.on('error', () => undefined).end(input);
    const output = new LastLines(options.lines ?? LINES, options.lineLength ?? LINE_LENGTH);
    let bytes = 0;
    let ended: string | null = null;
    const kill = (name: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It has ended by itself.
      }
    };
    const end = (why: string): void => {
      if (ended !== null) return;
      ended = why;
      kill('SIGTERM');
      // Also where the program itself ends: its children may not.
      setTimeout(() => kill('SIGKILL'), MERCY_MS).unref();
    };
    const aborted = (): void => end('aborted');
    const callOff = expire(limitS * 1000, () => end(`no end within ${limitS} s`));
    signal.addEventListener('abort', aborted, { once: true });
    const settle = (code: number | null, why: string): void => {
      callOff();
      signal.removeEventListener('abort', aborted);
      resolve({ code, why, output: output.lines });
    };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > mostBytes) {
          end(`it printed more than ${mostBytes / 1024} KiB`);
          // Whatever it has started, too, then fails to write.
          child[stream]?.destroy();
          return;
        }
        read(chunk, stream);
        output.feed(chunk);
        printed(output.lines);
      });
    child.once('error', (error: NodeJS.ErrnoException) =>
      settle(null, `${program} cannot be started: ${error.code ?? error.message}`),
    );
    child.once('exit', (code, byName) => {
      const conclude = (): void => {
        clearTimeout(patience);
        if (ended !== null) settle(null, ended);
        else if (code === 0) settle(0, '');
        else settle(code, code === null ? `ended by ${byName ?? 'a signal'}` : `exit code ${code}`);
      };
      // Its last output may still be in the pipe, and children may keep the pipe open for ever.
      const patience = setTimeout(conclude, PIPE_MS);
      child.once('close', conclude);
    });
  });
}

/** Describes a run that failed: `kubectl (exit code 1, its last output: “connection refused”)`. */
export function describeFailure([program = '']: readonly string[], { why, output }: Omit<ProgramEnd, 'code'>): string {
  const last = output.length === 0 ? '' : `, its last output: “${output.at(-1) ?? ''}”`;
  return `${basename(program)} (${why}${last})`;
}

/** Replaces tabs by blanks, up to the next column that is a multiple of eight. */
function withoutTabs(text: string): string {
  const parts = text.split('\t');
  const last = parts.pop() ?? '';
  return parts.map((part) => part.padEnd(Math.ceil((part.length + 1) / 8) * 8)).join('') + last;
}

/** Keeps the last lines of two streams together, without control characters, for logs and screens. */
class LastLines {
  readonly lines: string[] = [];
  readonly #most: number;
  readonly #length: number;
  readonly #decoder = new TextDecoder();
  #open = '';

  constructor(most: number, length: number) {
    this.#most = most;
    this.#length = length;
  }

  feed(chunk: Uint8Array): void {
    const pieces = (this.#open + this.#decoder.decode(chunk, { stream: true })).split(/[\r\n]+/);
    // The unfinished line is the last one until it is finished.
    if (this.#open !== '') this.lines.pop();
    this.#open = (pieces.at(-1) ?? '').slice(0, this.#length);
    for (const piece of pieces) {
      const line = removeHidden(withoutTabs(stripVTControlCharacters(piece))).slice(0, this.#length);
      if (line.trim() !== '') this.lines.push(line);
    }
    if (this.lines.length > this.#most) this.lines.splice(0, this.lines.length - this.#most);
  }
}

/** Lists paths and names (`socket:[…]`) of the files that `pid` has open; empty where it is gone or another user's. */
export function openFiles(pid: string): string[] {
  return descriptors(pid).flatMap((file) => {
    try {
      return [readlinkSync(file)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Lists the links to the open files of `pid`; empty where it is gone, or another user's: only root can see those. */
function descriptors(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
  } catch {
    return [];
  }
}

/** A device as its open files are recognized. */
export interface Device {
  number: number;
  /** The file system of a pseudo-terminal, each of which counts them from zero; null: of another device. */
  system: number | null;
}

/** Returns the device at `path`; null: there is none, or this user cannot see it. */
export function deviceAt(path: string): Device | null {
  try {
    const stat = statSync(path);
    if (!stat.isCharacterDevice()) return null;
    return { number: stat.rdev, system: realpathSync(path).startsWith('/dev/pts/') ? stat.dev : null };
  } catch {
    return null;
  }
}

/**
 * True when `pid` has a device open. Devices are compared by their numbers: a container has pseudo-terminals of its own
 * under the same names, and may have a serial port of this system under another. Files outside of /dev are not
 * examined: one on a network file system whose server is gone would block the caller. False where the process is gone
 * or another user's.
 */
export function hasDeviceOpen(pid: string, { number, system }: Device): boolean {
  for (const file of descriptors(pid)) {
    try {
      if (!readlinkSync(file).startsWith('/dev/')) continue;
      const open = statSync(file);
      if (open.isCharacterDevice() && open.rdev === number && (system === null || open.dev === system)) return true;
    } catch (error) {
      // Where one file of a process may not be seen none may; else it was closed meanwhile.
      if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
    }
  }
  return false;
}
