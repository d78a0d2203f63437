/** What doctor measures on a bus: how its replies look, and how many of so many exchanges go wrong. Only questions. */
import type { BusSurvey } from '../api/bus.ts';
import { PRIORITY, type Bus } from '../bmc/types.ts';
import { rowOf, type Address } from '../rack/address.ts';
import { keepsRatio } from '../rack/fan-drive.ts';

/** A stall of this machine looks like a node's silence: nobody is missing who was asked once. */
const ROUNDS = 3;
/** No rack that somebody names node by node is the whole address field. */
const FEW = 96;

/** @returns a sentence where the bus cannot be asked */
export async function survey(
  bus: Pick<Bus, 'health' | 'status' | 'survey'>,
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
    // A whole address field is mostly empty: there only silence beside an answer is worth another question.
    const rows = new Set([...found].map(rowOf));
    const few = candidates.length <= FEW;
    missing = missing.filter((addr) => !found.has(addr) && (few || rows.has(rowOf(addr))));
  }
  const nodes = [...found].sort((a, b) => a - b);
  const forms = await bus.survey(nodes.find((addr) => addr !== bus.health.master) ?? null);
  if (typeof forms === 'string') return forms;
  const counts = { silent: 0, garbled: 0, foreign: 0 };
  const times: number[] = [];
  const fan = { kept: 0, read: 0 };
  let asked = 0;
  const wrong = (): number => counts.silent + counts.garbled + counts.foreign;
  // A stall of this machine looks like a node's silence, once: where something failed, as many again are asked.
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
