/**
 * Looking at a bus that no server owns, for doctor: the port is opened, questions are asked, the port is closed. What goes
 * out: one `=` ahead of everything (whoever answers it tells whether a pipe was left open), ^G, the unlock string where
 * nothing answers, `=`, `#`.
 */
import type { BusSurvey } from '../api/bus.ts';
import { createBus } from '../bmc/bus.ts';
import { DEFAULT_UNLOCK, findStatusLines } from '../bmc/codec.ts';
import { openLine, type LineHandlers } from '../bmc/line.ts';
import type { BusPhase, Line } from '../bmc/types.ts';
import { readSecret } from '../config/secret.ts';
import type { Config } from '../config/schema.ts';
import { MAX_ADDRESS, type Address } from '../rack/address.ts';
import { survey } from './bus-survey.ts';

export interface Inspection {
  phase: BusPhase;
  /** Why it is not ready, for people. */
  detail: string;
  master: Address | null;
  /** Who answered before any pipe was closed: the master (as it should be), a node, a console, nobody (it was locked, or wedged). */
  before: { who: 'master' | 'nobody' | 'console' } | { who: 'node'; addr: Address };
  /** The unlock string was needed. */
  wasLocked: boolean;
  survey: Omit<BusSurvey, 'verbEcho'> | null;
}

/** An unlocked bus answers within a few milliseconds, a busy machine hears it later; a locked one never does. */
const FIRST_MS = 400;
const LOOK_EVERY_MS = 10;
/** Port, ^G, unlocking with its tries: under two seconds. */
const UP_MS = 8_000;
/** Takes back a key at a console that somebody left open. */
const DELETE = 0x7f;

export async function inspectBus(options: {
  port: string;
  config: Pick<Config, 'unlock' | 'poll'>;
  /** Whom to ask, or null: every address. */
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
      const { line, heard } = await listening(path, handlers);
      first.answer ??= await firstAnswer(line, heard);
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
    const found = phase === 'ready' ? await survey(bus, nodes ?? all, exchanges) : null;
    return {
      ...{ phase, detail: typeof found === 'string' ? found : detail, master },
      before: first.answer ?? { who: 'nobody' },
      // Whoever answered before it was not locked, whatever a late reply made the bus try.
      wasLocked: tried.unlock && (first.answer === null || first.answer.who === 'nobody'),
      survey: typeof found === 'string' ? null : found,
    };
  } finally {
    await bus.close();
  }
}

async function listening(path: string, handlers: LineHandlers): Promise<{ line: Line; heard: () => string }> {
  let text = '';
  const line = await openLine(path, {
    ...handlers,
    onData: (bytes) => {
      text += Buffer.from(bytes).toString('latin1');
      handlers.onData(bytes);
    },
  });
  return { line, heard: () => text };
}

async function firstAnswer(line: Line, heard: () => string): Promise<Inspection['before']> {
  line.write(Buffer.from('='));
  const limit = performance.now() + FIRST_MS;
  while (findStatusLines(heard()).length === 0 && performance.now() < limit)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const [found] = findStatusLines(heard());
  if (found) return found.status.master ? { who: 'master' } : { who: 'node', addr: found.status.id };
  if (heard().trim() !== '=') return { who: 'nobody' };
  line.write(Uint8Array.of(DELETE));
  return { who: 'console' };
}
