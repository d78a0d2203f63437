/**
 * Returns how consoles looked last, open or not: whole screens, and the last lines of many nodes at once. What this
 * server has not seen itself comes from the ends of the logs.
 */
import { stat } from 'node:fs/promises';
import type { ConsoleGlance, SeenScreen, Shows } from '../../api/node.ts';
import { BUILT_IN, readLine, readTriggers } from '../../console/line-patterns.ts';
import { readScreenState, type ScreenState, type ScreenText } from '../../console/screen-state.ts';
import { logPath } from '../../console/transcript.ts';
import type { Address } from '../../rack/address.ts';
import { type ConsoleBuffer, screenOfConsoleLog } from './buffer.ts';

export interface LastScreensPorts {
  /** Returns the console of a node; undefined: nothing was recorded since the server started. */
  buffer: (addr: Address) => ConsoleBuffer | undefined;
  transcriptDir: string;
  name: (addr: Address) => string;
  now: () => number;
}

type Lines = NonNullable<ConsoleGlance['seen']>;

export class LastScreens {
  readonly #ports: LastScreensPorts;
  /** Last lines from logs, as long as the log stays the same: a replay takes milliseconds. */
  readonly #logged = new Map<Address, { size: number; changedAt: number; seen: Lines | null }>();

  constructor(ports: LastScreensPorts) {
    this.#ports = ports;
  }

  /** Returns a node's last screen; null where nothing is kept. @throws {Unavailable} where the disk cannot be read */
  async screen(addr: Address): Promise<SeenScreen | null> {
    const { buffer, transcriptDir, name, now } = this.#ports;
    const glance = await buffer(addr)?.glance(now());
    if (glance) {
      const { at, closed, cols, rows, screen } = glance;
      const from = closed === null ? 'open' : 'closed';
      return { at, from, why: closed, cols, rows, screen: screen.toString('base64') };
    }
    const logged = await screenOfConsoleLog(transcriptDir, name(addr));
    if (logged === null) return null;
    const { at, cols, rows, screen } = logged;
    return { at, from: 'log', why: null, cols, rows, screen: screen.toString('base64') };
  }

  /** Returns the last `rows` lines of each of these nodes' screens. @throws {Unavailable} as above */
  async lines(addrs: readonly Address[], rows: number): Promise<ConsoleGlance[]> {
    const glances: ConsoleGlance[] = [];
    for (const addr of addrs) {
      const seen = await this.#linesOf(addr);
      glances.push({ addr, seen: seen && { ...seen, lines: seen.lines.slice(-rows) } });
    }
    return glances;
  }

  async #linesOf(addr: Address): Promise<Lines | null> {
    const glance = await this.#ports.buffer(addr)?.glance(this.#ports.now());
    if (!glance) return this.#linesOfLog(addr);
    const { at, closed, text, around } = glance;
    return { at, from: closed === null ? 'open' : 'closed', ...read(text, around) };
  }

  async #linesOfLog(addr: Address): Promise<Lines | null> {
    const { transcriptDir, name } = this.#ports;
    const file = await stat(logPath(transcriptDir, name(addr), 'raw')).catch(() => null);
    if (file === null) return null;
    const known = this.#logged.get(addr);
    if (known?.size === file.size && known.changedAt === file.mtimeMs) return known.seen;
    const logged = await screenOfConsoleLog(transcriptDir, name(addr));
    const seen: Lines | null =
      logged === null ? null : { at: logged.at, from: 'log', ...read(logged.text, logged.around) };
    this.#logged.set(addr, { size: file.size, changedAt: file.mtimeMs, seen });
    return seen;
  }
}

/** Returns the lines up to the last one that is not blank, and the kind of text on the screen. */
function read(text: string, around: ScreenText): Pick<Lines, 'lines' | 'shows'> {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
  return { lines: lines[0] === '' && lines.length === 1 ? [] : lines, shows: showsOf(lines, readScreenState(around)) };
}

/** Words of a system that does not come up by itself. */
const FAILED: ReadonlySet<string> = new Set(['panic', 'emergency', 'initramfs']);

function showsOf(lines: readonly string[], state: ScreenState): Shows {
  // A kernel that starts after a panic makes it an old one.
  const failed = lines.reduce((before, line) => {
    const { raised, starts } = readTriggers(line, [BUILT_IN.panic]);
    const mark = readLine(line, { settling: false, stamps: false });
    return raised.length > 0 || FAILED.has(mark?.kind ?? '') || (before && !starts);
  }, false);
  switch (state.is) {
    case 'prompt':
      // A login or a shell after a panic: the system came up again, or the line was quoted from a log.
      return state.prompt.kind;
    case 'sign':
      return 'shell';
    case 'nothing':
      return 'blank';
    default:
      return failed ? 'failed' : state.is === 'taken' ? 'program' : 'output';
  }
}
