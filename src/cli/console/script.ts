/**
 * A node's console in a script: plain text out; in, either lines until the input ends and the node is quiet, or what
 * `--send` and `--expect` say.
 */
import { createInterface } from 'node:readline';
import { EXIT } from '../../api/power.ts';
import type { ConsoleBaudRate, ConsoleState } from '../../api/protocol.ts';
import type { RackClient } from '../../client/client.ts';
import { nodeLabel, type InventoryNode } from '../../rack/inventory.ts';
import { Failure } from '../failure.ts';
import { hint } from '../output.ts';
import { ScriptPrinter } from './script-printer.ts';
import { ConsoleSession, gapText } from './session.ts';
import type { ConsoleStep } from './steps.ts';

/** The next line goes out when the node has said nothing for so long; a shell's prompt comes sooner, ms. */
const QUIET_MS = 400;
/** After the last line: a command may think before it answers, ms. */
const END_QUIET_MS = 1_000;
/** A node that prints without end must not keep a line for ever, ms. */
const PATIENCE_MS = 10_000;
/** For the node to prove that keys reach it and not its BIOS, ms. */
const PROOF_MS = 5_000;
/** A node that did not answer one Enter may answer the next, ms. */
const WAKE_EVERY_MS = 1_500;

export interface ScriptOptions {
  take: boolean;
  /** Empty: lines from standard input. */
  steps: readonly ConsoleStep[];
  /** How long each `--expect` waits, ms. */
  timeoutMs: number;
  /** The node's bytes as they come, instead of text. */
  rawOutput: boolean;
  baud: ConsoleBaudRate | null;
}

/**
 * Exit codes: 0 done, every expectation met · 3 somebody else types · 4 an expected text did not come in time ·
 * 5 the node does not answer, or the console ended.
 */
export async function scriptConsole(client: RackClient, node: InventoryNode, options: ScriptOptions): Promise<number> {
  let heard = performance.now();
  let ended: string | null = null;
  /** Keys that did not go, and why: what is behind them would be another command. */
  let blocked: string | null = null;
  // Joining and the first notes may come in either order: once proven is proven.
  const proof = { given: false, lacking: '', onWire: false, woken: false };
  const printer = new ScriptPrinter(options.rawOutput);
  const session = await ConsoleSession.join(client, node.addr, options.take, (joined) => {
    printer.open(joined.cols);
    return {
      data: (bytes) => {
        heard = performance.now();
        printer.write(bytes);
      },
      note: (note) => {
        hint(`rackui: ${nodeLabel(node)}: ${note.text}`);
        if (note.kind === 'blocked') blocked ??= note.text;
      },
      resync: (skipped, cols, _rows, screen) => {
        heard = performance.now();
        hint(`rackui: ${nodeLabel(node)}: ${gapText(skipped)}`);
        printer.resync(cols, screen);
      },
      state: noteProof,
      ended: (why) => (ended = why),
    };
  });
  noteProof(session.joined.console);
  const why = (): string | null => ended ?? refused();
  /** Only what was typed for the script: an Enter that was to wake the node may come too early. */
  const refused = (): string | null => (awake && blocked !== null ? `it stopped there: ${blocked}` : null);
  let awake = false;
  try {
    if (session.joined.role !== 'types')
      throw new Failure(
        EXIT.refused,
        `${session.joined.console.holderName ?? 'somebody'} types on the console of ${nodeLabel(node)}: take it with --force`,
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
    // The Enter that woke the node is the one that a script may begin with.
    const begins = options.steps[0];
    const typed = proof.woken && begins?.do === 'send' && Buffer.from(begins.bytes).toString() === '\r';
    await (options.steps.length === 0 ? typeLines() : perform(options.steps.slice(typed ? 1 : 0)));
    // An expectation that was met says itself that it is over.
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
      heard = performance.now();
      session.send(Buffer.from(`${withoutBell(line, node)}\r`));
    }
  }

  async function perform(steps: readonly ConsoleStep[]): Promise<void> {
    for (const step of steps) {
      if (why() !== null) return;
      if (step.do === 'send') {
        heard = performance.now();
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

  /** Enter, once the console is on the wire (before, it would be refused), and now and then until the node speaks. */
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
    return until(() => why() !== null || performance.now() - heard >= ms, PATIENCE_MS);
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
