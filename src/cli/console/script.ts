/**
 * A node's console in a script: prints its output as plain text, and types either the lines of standard input until
 * it ends and the node is quiet, or the steps of `--send` and `--expect` in the order of the command line.
 */
import { createInterface } from 'node:readline';
import type { ConsoleBaudRate, ConsoleState } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { compilePattern, type Pattern } from '../../config/value-types.ts';
import { PrintedLines } from '../../console/printed-lines.ts';
import { messageOf } from '../../lib/errors.ts';
import { type InventoryNode, nodeLabel } from '../../rack/inventory.ts';
import { Failure, hint, print, UsageFailure } from '../terminal-output.ts';
import { ConsoleSession, gapText } from './live.ts';

/** Most characters that expectations can search: a node that prints without end must not fill memory. */
const LOOK_BACK = 64 * 1024;

class ScriptPrinter {
  readonly #raw: boolean;
  #printed: PrintedLines | null = null;
  /** Lines that no expectation has matched yet; `#used`: matched part of the unfinished one. */
  #lines = '';
  #used = 0;
  /** Text that the last expectation searched without a match: only other text is searched again. */
  #looked: { pattern: Pattern; text: string } | null = null;
  /** True when the last expectation was met. */
  met = false;

  /** `raw`: prints the node's bytes unchanged; expectations still search text. */
  constructor(raw: boolean) {
    this.#raw = raw;
  }

  open(cols: number): void {
    this.#printed = new PrintedLines(cols, (line) => this.#ended(line));
  }

  write(bytes: Uint8Array): void {
    if (this.#raw) process.stdout.write(bytes);
    this.#printed?.feed(bytes);
  }

  /**
   * Marks a gap before the present screen and ends the unfinished line. Raw output has no screen: its bytes simply
   * continue.
   */
  resync(cols: number, screen: Uint8Array): void {
    this.#printed?.break();
    this.open(cols);
    this.#used = 0;
    this.#printed?.feed(screen);
  }

  /** Returns whether the output since the last match matches the pattern; a match is then used up. */
  expect(pattern: Pattern): boolean {
    const text = this.#lines + this.#open.slice(this.#used);
    this.met = false;
    if (this.#looked?.pattern === pattern && this.#looked.text === text) return false;
    this.#looked = { pattern, text };
    const match = pattern.find(text);
    if (match === null) return false;
    this.met = true;
    this.#looked = null;
    if (match.end >= this.#lines.length) {
      this.#used += match.end - this.#lines.length;
      this.#lines = '';
    } else this.#lines = this.#lines.slice(match.end);
    return true;
  }

  get lastLine(): string {
    const open = this.#open.trim();
    return open === '' ? (this.#lines.trimEnd().split('\n').at(-1) ?? '') : open;
  }

  /** Prints the remaining text, and ends. */
  close(): void {
    this.#printed?.break();
    this.#printed = null;
  }

  get #open(): string {
    return this.#printed?.open ?? '';
  }

  #ended(line: string): void {
    if (!this.#raw) print(line);
    this.#lines = `${this.#lines}${line.slice(this.#used)}\n`.slice(-LOOK_BACK);
    this.#used = 0;
  }
}

/** Silence of the node after which the next line is sent, ms; after a shell's prompt it is sent sooner. */
const QUIET_MS = 400;
/** Silence after the last line, ms: a command may take time before it answers. */
const END_QUIET_MS = 1_000;
/** Longest wait for silence, ms: a node that prints without end must not delay a line for ever. */
const PATIENCE_MS = 10_000;
/** Time limit for the proof that keys reach the node and not its BIOS, ms. */
const PROOF_MS = 5_000;
/** Interval between two Enters, ms: a node that did not answer one may answer the next. */
const WAKE_EVERY_MS = 1_500;

export interface ScriptOptions {
  take: boolean;
  /** Empty: lines from standard input. */
  steps: readonly ConsoleStep[];
  /** Time limit of each `--expect`, ms. */
  timeoutMs: number;
  /** Prints the node's bytes unchanged, instead of text. */
  rawOutput: boolean;
  baud: ConsoleBaudRate | null;
}

/**
 * Runs the script. Exit codes: 0 done, every expectation met · 3 another session types · 4 an expected text did not
 * come in time · 5 the node does not answer, or the console ended.
 */
export async function scriptConsole(client: RackClient, node: InventoryNode, options: ScriptOptions): Promise<number> {
  let lastOutputAt = performance.now();
  let ended: string | null = null;
  /** Reason why keys were not sent; null: all were. The keys after them would form another command. */
  let blocked: string | null = null;
  // Joining and the first notes may come in either order: a proven console stays proven.
  const proof = { given: false, lacking: '', onWire: false, woken: false };
  const printer = new ScriptPrinter(options.rawOutput);
  const session = await ConsoleSession.join(client, node.addr, options, (joined) => {
    printer.open(joined.cols);
    return {
      data: (bytes) => {
        lastOutputAt = performance.now();
        printer.write(bytes);
      },
      note: (note) => {
        hint(`rackui: ${nodeLabel(node)}: ${note.text}`);
        if (note.kind === 'blocked') blocked ??= note.text;
      },
      resync: (skipped, cols, _rows, screen) => {
        lastOutputAt = performance.now();
        hint(`rackui: ${nodeLabel(node)}: ${gapText(skipped)}`);
        printer.resync(cols, screen);
      },
      state: noteProof,
      ended: (why) => (ended = why),
    };
  });
  noteProof(session.joined.console);
  const why = (): string | null => ended ?? refused();
  /** Counts only the script's own keys: an Enter that was to wake the node may come too early. */
  const refused = (): string | null => (awake && blocked !== null ? `it stopped there: ${blocked}` : null);
  let awake = false;
  try {
    if (session.joined.role !== 'types')
      throw new Failure(
        EXIT.refused,
        `${session.joined.console.holderName ?? 'another session'} has the keyboard of the console of ${nodeLabel(node)}: take it with --force`,
      );
    if (options.baud !== null && options.baud !== session.joined.console.baud) {
      proof.given = false;
      noteProof(await client.request('console.baud', { baud: options.baud }));
    }
    await wake();
    if (!proof.given && why() === null)
      throw new Failure(EXIT.unavailable, `${nodeLabel(node)} does not answer on its console: ${proof.lacking}`);
    blocked = null;
    awake = true;
    // Skips an Enter at the script's beginning where one was sent to wake the node.
    const begins = options.steps[0];
    const typed = proof.woken && begins?.do === 'send' && Buffer.from(begins.bytes).toString() === '\r';
    await (options.steps.length === 0 ? typeLines() : perform(options.steps.slice(typed ? 1 : 0)));
    // After an expectation that was met there is nothing to wait for.
    if (options.steps.at(-1)?.do !== 'expect') await quiet(END_QUIET_MS);
    const reason = why();
    if (reason !== null) throw new Failure(EXIT.unavailable, `the console of ${nodeLabel(node)} ended: ${reason}`);
    return EXIT.done;
  } finally {
    printer.close();
    await session.leave();
  }

  async function typeLines(): Promise<void> {
    for await (const line of createInterface({ input: process.stdin })) {
      if (why() !== null) return;
      await quiet(QUIET_MS);
      lastOutputAt = performance.now();
      session.send(Buffer.from(`${withoutBell(line, node)}\r`));
    }
  }

  async function perform(steps: readonly ConsoleStep[]): Promise<void> {
    for (const step of steps) {
      if (why() !== null) return;
      if (step.do === 'send') {
        lastOutputAt = performance.now();
        session.send(step.bytes);
        continue;
      }
      const met = (): boolean => printer.expect(step.pattern);
      await until(() => met() || why() !== null, options.timeoutMs);
      if (why() === null && !printer.met)
        throw new Failure(
          EXIT.deadline,
          `${nodeLabel(node)} did not print /${step.pattern.source}/ within ${options.timeoutMs / 1000} s; its last line: ${printer.lastLine}`,
        );
    }
  }

  /**
   * Sends Enter once the console is on the wire (before, it would be refused), and at intervals until the node
   * prints.
   */
  async function wake(): Promise<void> {
    let wokenAt = -Infinity;
    await until(() => {
      if (proof.onWire && !proof.given && performance.now() - wokenAt >= WAKE_EVERY_MS) {
        wokenAt = performance.now();
        proof.woken = true;
        session.send(Buffer.from('\r'));
      }
      return proof.given || why() !== null;
    }, PROOF_MS);
  }

  function noteProof({ state, unproven }: ConsoleState): void {
    proof.given ||= unproven === null;
    proof.onWire = state === 'open';
    proof.lacking = unproven ?? '';
  }

  function quiet(ms: number): Promise<void> {
    return until(() => why() !== null || performance.now() - lastOutputAt >= ms, PATIENCE_MS);
  }
}

function withoutBell(line: string, node: InventoryNode): string {
  if (line.includes('\x07')) hint(`rackui: ${nodeLabel(node)}: Ctrl-G was not sent: on this bus it closes the console`);
  return line.replaceAll('\x07', '');
}

/** Resolves when `holds`, or after `limitMs`. */
async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const limit = performance.now() + limitMs;
  while (!holds() && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, 20));
}

export type ConsoleStep = { do: 'send'; bytes: Uint8Array } | { do: 'expect'; pattern: Pattern };

const ENTER = '\r';
const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', e: '\x1b', '\\': '\\' };

/**
 * Parses a text to send, followed by Enter; `\c` at its end: without Enter. `\r \n \t \e \\ \xHH` have their usual
 * meanings. @throws UsageFailure for 0x07, and for an unknown escape
 */
export function sendStep(text: string): ConsoleStep {
  const bare = text.endsWith('\\c');
  const typed = (bare ? text.slice(0, -2) : text).replace(/\\(x[0-9A-Fa-f]{2}|.|$)/gs, (all, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const char = ESCAPES[code];
    if (char === undefined)
      throw new UsageFailure(`--send: '${all}' is not an escape; \\r \\n \\t \\e \\\\ \\xHH and a final \\c are`);
    return char;
  });
  if (typed.includes('\x07'))
    throw new UsageFailure('--send: Ctrl-G cannot be sent: on this bus it closes the pipe under the console');
  return { do: 'send', bytes: Buffer.from(bare ? typed : typed + ENTER) };
}

/** Parses a pattern for the output since the last match; `^` and `$` match at lines. @throws UsageFailure */
export function expectStep(text: string): ConsoleStep {
  try {
    return { do: 'expect', pattern: compilePattern(text, { lines: true }) };
  } catch (error) {
    throw new UsageFailure(`--expect: ${messageOf(error)}`);
  }
}
