/**
 * Diagnoses a bus that no server owns, for doctor: opens the port, measures the forms of replies and the share of
 * failed exchanges, and closes the port. Sends only one `=` ahead of everything (its answer shows whether a pipe
 * was left open), ^G, the unlock string where nothing answers, `=` and `#`.
 */
import type { BusSurvey } from '../api/bus.ts';
import { DEFAULT_UNLOCK, findStatusLines } from '../bmc/codec.ts';
import { createBus } from '../bmc/index.ts';
import { type LineHandlers, openLine } from '../bmc/serial-port.ts';
import { type Bus, type BusPhase, type Line, PRIORITY } from '../bmc/types.ts';
import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import { type Address, MAX_ADDRESS, rowOf } from '../rack/address.ts';
import { keepsRatio } from '../rack/calibration.ts';

/**
 * Rounds of questions for each node: a stall of this machine looks like a node's silence, so one silence proves
 * nothing.
 */
const ROUNDS = 3;
/** Most addresses that count as a list: a configured rack has fewer, so more means the whole address field. */
const FEW = 96;

/** Measures the bus on `port`. @returns a sentence where the bus cannot be asked */
export async function runDiagnostics(
  bus: Pick<Bus, 'health' | 'status' | 'diagnose'>,
  candidates: readonly Address[],
  exchanges: number,
): Promise<Omit<BusSurvey, 'verbEcho'> | string> {
  const found = new Set<Address>();
  let missing = candidates;
  for (let round = 0; round < ROUNDS; round++) {
    for (const addr of missing) {
      const outcome = await bus.status(addr, PRIORITY.sample);
      if (outcome.ok) found.add(addr);
      else if (outcome.failure === 'bus') return outcome.detail;
    }
    // The whole address field is mostly empty: a silent address is asked again only if another on its blade answered.
    const rows = new Set([...found].map(rowOf));
    const few = candidates.length <= FEW;
    missing = missing.filter((addr) => !found.has(addr) && (few || rows.has(rowOf(addr))));
  }
  const nodes = [...found].sort((a, b) => a - b);
  const forms = await bus.diagnose(nodes.find((addr) => addr !== bus.health.master) ?? null);
  if (typeof forms === 'string') return forms;
  const counts = { silent: 0, garbled: 0, foreign: 0 };
  const times: number[] = [];
  const fan = { kept: 0, read: 0 };
  let asked = 0;
  const wrong = (): number => counts.silent + counts.garbled + counts.foreign;
  // A stall of this machine looks like a node's silence, once: after a failure as many exchanges again are made.
  while (nodes.length > 0 && (asked < exchanges || (asked < 2 * exchanges && wrong() > 0))) {
    const addr = nodes[asked++ % nodes.length];
    if (addr === undefined) break;
    const outcome = await bus.status(addr, PRIORITY.sample);
    if (outcome.ok) {
      times.push(outcome.sample.rttMs);
      const kept = keepsRatio(outcome.sample);
      if (kept !== null) fan.read++;
      if (kept === true) fan.kept++;
    } else if (outcome.failure === 'bus') return outcome.detail;
    else counts[outcome.failure]++;
  }
  times.sort((a, b) => a - b);
  return {
    forms,
    nodes,
    fan,
    exchanges: asked,
    ...counts,
    medianMs: times[Math.floor(times.length / 2)] ?? null,
    slowestMs: times.at(-1) ?? null,
  };
}

export interface Inspection {
  phase: BusPhase;
  /** Reason why the bus is not ready, for display. */
  detail: string;
  master: Address | null;
  /**
   * Source of the reply before any pipe was closed: the master (as it should be), a node, a console, or none (the
   * bus was locked, or wedged).
   */
  before: { who: 'master' | 'nobody' | 'console' } | { who: 'node'; addr: Address };
  /** True where the unlock string was needed. */
  wasLocked: boolean;
  diagnostics: Omit<BusSurvey, 'verbEcho'> | null;
}

/**
 * Time limit for the first answer, ms: an unlocked bus answers within a few milliseconds, a busy machine reads it
 * later; a locked bus never answers.
 */
const FIRST_MS = 400;
const LOOK_EVERY_MS = 10;
/** Time limit for opening the port, ^G and the tries to unlock, ms: together they take less than two seconds. */
const UP_MS = 8_000;
/** Deletes the character that was typed into a console left open. */
const DELETE = 0x7f;

export async function inspectBus(options: {
  port: string;
  config: Pick<Config, 'unlock' | 'poll'>;
  /** Addresses to ask; null: all addresses. */
  nodes: readonly Address[] | null;
  exchanges: number;
}): Promise<Inspection> {
  const { port, config, nodes, exchanges } = options;
  const unlock = config.unlock === undefined ? DEFAULT_UNLOCK : await readSecret(config.unlock);
  const first: { answer: Inspection['before'] | null } = { answer: null };
  const bus = createBus({
    port,
    unlock,
    gapMs: config.poll.gap,
    open: async (path, handlers) => {
      const { line, received } = await listening(path, handlers);
      first.answer ??= await firstAnswer(line, received);
      return line;
    },
  });
  const tried = { unlock: false };
  const settled = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, UP_MS);
    bus.onHealth(({ phase }) => {
      if (bus.recovery?.step === 'unlock') tried.unlock = true;
      if (phase === 'starting') return;
      clearTimeout(timer);
      resolve();
    });
  });
  bus.start();
  try {
    await settled;
    const { phase, detail, master } = bus.health;
    const all = Array.from({ length: MAX_ADDRESS + 1 }, (_, addr) => addr);
    const found = phase === 'ready' ? await runDiagnostics(bus, nodes ?? all, exchanges) : null;
    return {
      phase,
      detail: typeof found === 'string' ? found : detail,
      master,
      before: first.answer ?? { who: 'nobody' },
      // A bus that answered beforehand was not locked, even if a late reply made the connection send the unlock
      // string.
      wasLocked: tried.unlock && (first.answer === null || first.answer.who === 'nobody'),
      diagnostics: typeof found === 'string' ? null : found,
    };
  } finally {
    await bus.close();
  }
}

async function listening(path: string, handlers: LineHandlers): Promise<{ line: Line; received: () => string }> {
  let text = '';
  const line = await openLine(path, {
    ...handlers,
    onData: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
      handlers.onData(bytes);
    },
  });
  return { line, received: () => text };
}

async function firstAnswer(line: Line, received: () => string): Promise<Inspection['before']> {
  line.write(Buffer.from('='));
  const limit = performance.now() + FIRST_MS;
  while (findStatusLines(received()).length === 0 && performance.now() < limit)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const [found] = findStatusLines(received());
  if (found) return found.status.master ? { who: 'master' } : { who: 'node', addr: found.status.id };
  if (received().trim() !== '=') return { who: 'nobody' };
  line.write(Uint8Array.of(DELETE));
  return { who: 'console' };
}
