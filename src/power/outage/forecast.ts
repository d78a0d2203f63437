/** Predicts an outage second by second, and lists what does not fit. Pure. */
import type { OutageForecast, OutagePhase, OutageReport, OutageView, Supply, UpsReading } from '../../api/outage.ts';
import { type OutageState, type Policy, remaining } from './policy.ts';
import type { OutagePolicy } from './record.ts';
import { combineSupplies, withoutMains } from './supply.ts';

interface ForecastInput {
  /** Null: no outage. */
  phase: OutagePhase | null;
  /** Seconds since the phase began. */
  elapsedS: number;
  stepsBegun: number;
  /** Predicted length of the last plan, ms; null: unknown, or none. */
  lastMs: number | null;
  lengthOf(plan: string): number | null;
}

/**
 * Lists the coming events for mains that fail now (or as they are), and a battery that drains by the UPS's report.
 * Without a known runtime only those that the clock alone decides are listed.
 */
function forecast(policy: Policy, supply: Supply, input: ForecastInput): OutageForecast[] {
  if (input.phase === 'mains' || input.phase === 'restoring') return restoreForecast(policy, input);
  const lines: OutageForecast[] = [];
  const started = input.phase === 'battery' || input.phase === 'last';
  if (!started) lines.push({ atS: 0, text: 'mains fail' });
  const elapsed = started ? input.elapsedS : 0;
  const lastAt = lastBegins(policy, supply, input.lastMs);
  const steps = policy.steps
    .slice(input.stepsBegun)
    .map(({ afterS, plan }) => ({ plan, atS: Math.max(0, afterS - elapsed) }))
    .filter(({ atS }) => lastAt === null || atS < lastAt);
  if (input.phase !== 'last')
    for (const { plan, atS } of steps) lines.push({ atS, text: `plan ${plan} begins${lasting(input.lengthOf(plan))}` });
  // A step that runs the last plan before the battery is short leaves nothing for the battery's own limit.
  const runsBefore = lastAt !== null && steps.some(({ plan }) => plan === policy.last);
  if (policy.last !== null && input.phase !== 'last' && !runsBefore)
    lines.push(
      lastAt === null
        ? { atS: null, text: `plan ${policy.last} begins when the battery is low${lasting(input.lastMs)}` }
        : { atS: lastAt, text: `plan ${policy.last} begins${lasting(input.lastMs)}` },
    );
  if (supply.runtimeS !== null) lines.push({ atS: supply.runtimeS, text: 'the battery is empty' });
  return lines.sort((a, b) => (a.atS ?? Infinity) - (b.atS ?? Infinity));
}

export interface ViewInput extends Pick<ForecastInput, 'lastMs' | 'lengthOf'> {
  state: OutageState | null;
  supply: Supply;
  ups: UpsReading[];
  report: OutageReport | null;
  /** Time on the clock of `state`, ms. */
  now: number;
  warnings(plan: string): readonly string[];
}

/** Returns the present state of the policy, for display. */
export function outageView(policy: OutagePolicy, input: ViewInput): OutageView {
  const { state, supply, ups, lastMs, now } = input;
  const batteryS = batterySeconds(policy, input);
  // The forecast uses the battery's expected runtime, whether the mains are present or not.
  const expected = { ...supply, runtimeS: batteryS };
  const fits = lastMs === null || batteryS === null ? null : lastMs <= batteryS * 1000;
  return {
    nodes: policy.nodesText,
    supply,
    ups,
    batteryS,
    outage: input.report,
    last: policy.last === null ? null : { plan: policy.last, lengthMs: lastMs, fits },
    problems: problemsOf(policy, expected, lastMs, (plan) => input.warnings(plan)),
    phase: state === null ? null : { is: state.phase, since: state.since },
    forecast: forecast(policy, expected, {
      phase: state?.phase ?? null,
      elapsedS: state === null ? 0 : (now - state.since) / 1000,
      stepsBegun: state?.stepsBegun ?? 0,
      lastMs,
      lengthOf: (plan) => input.lengthOf(plan),
    }),
  };
}

/** Returns the seconds that the battery lasts, or would if the mains failed now; null: not known. */
function batterySeconds({ needs, assumedS }: OutagePolicy, { state, supply, ups, now }: ViewInput): number | null {
  if (state !== null && (state.phase === 'battery' || state.phase === 'last')) return remaining(state, { now, supply });
  if (supply.state === 'battery' || ups.length === 0) return supply.runtimeS ?? assumedS;
  return combineSupplies(withoutMains(ups), needs, assumedS).runtimeS ?? assumedS;
}

/** Lists what does not fit or cannot work, one sentence each. `warnings`: those of a plan, whatever the supply. */
function problemsOf(
  policy: Policy,
  supply: Supply,
  lastMs: number | null,
  warnings: (plan: string) => readonly string[],
): string[] {
  const problems: string[] = [];
  const { last, steps } = policy;
  const { runtimeS } = supply;
  if (last !== null && lastMs !== null && runtimeS !== null && runtimeS * 1000 < lastMs)
    problems.push(
      `plan ${last} takes ${Math.round(lastMs / 1000)} s and the battery lasts ${Math.round(runtimeS)} s: nodes that have not shut down by then lose power`,
    );
  const plans = new Set([...steps.map(({ plan }) => plan), last].filter((plan) => plan !== null));
  return [...problems, ...[...plans].flatMap((plan) => warnings(plan).map((text) => `plan ${plan}: ${text}`))];
}

function lastBegins({ marginS }: Policy, { runtimeS }: Supply, lastMs: number | null): number | null {
  return runtimeS === null ? null : Math.max(0, runtimeS - (lastMs ?? 0) / 1000 - marginS);
}

function restoreForecast({ restore }: Policy, { phase, elapsedS }: ForecastInput): OutageForecast[] {
  if (phase === 'restoring') return [];
  return [{ atS: Math.max(0, restore.afterS - elapsedS), text: `nodes come back, from ${restore.charge} % charge on` }];
}

function lasting(ms: number | null): string {
  return ms === null ? '' : `, takes ${Math.round(ms / 1000)} s`;
}
