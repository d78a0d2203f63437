/** What doctor measures on a bus: how its replies look, and how many of so many exchanges go wrong. Only questions. */
import type { BusSurvey } from '../api/bus.ts';
import { PRIORITY, type Bus } from '../bmc/types.ts';
import type { Address } from '../rack/address.ts';

/** @returns a sentence where the bus cannot be asked */
export async function survey(
  bus: Pick<Bus, 'health' | 'status' | 'survey'>,
  candidates: readonly Address[],
  exchanges: number,
): Promise<Omit<BusSurvey, 'verbEcho'> | string> {
  const nodes: Address[] = [];
  for (const addr of candidates) {
    const outcome = await bus.status(addr, PRIORITY.sample);
    if (outcome.ok) nodes.push(addr);
    else if (outcome.failure === 'bus') return outcome.detail;
  }
  const forms = await bus.survey(nodes.find((addr) => addr !== bus.health.master) ?? null);
  if (typeof forms === 'string') return forms;
  const counts = { silent: 0, garbled: 0, foreign: 0 };
  const times: number[] = [];
  let asked = 0;
  const wrong = (): number => counts.silent + counts.garbled + counts.foreign;
  // A stall of this machine looks like a node's silence, once: where something failed, as many again are asked.
  while (nodes.length > 0 && (asked < exchanges || (asked < 2 * exchanges && wrong() > 0))) {
    const addr = nodes[asked++ % nodes.length];
    if (addr === undefined) break;
    const outcome = await bus.status(addr, PRIORITY.sample);
    if (outcome.ok) times.push(outcome.sample.rttMs);
    else if (outcome.failure === 'bus') return outcome.detail;
    else counts[outcome.failure]++;
  }
  times.sort((a, b) => a - b);
  return {
    forms,
    nodes,
    exchanges: asked,
    ...counts,
    medianMs: times[Math.floor(times.length / 2)] ?? null,
    slowestMs: times.at(-1) ?? null,
  };
}
