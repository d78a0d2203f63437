/** What would happen from now on, second by second, and what of it does not fit. Pure. */
import type { OutageForecast, OutagePhase, Supply } from '../../api/outage.ts';
import type { Policy } from './policy.ts';

export interface ForecastInput {
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
 * With the mains away from now on (or as they are), and a battery that drains as the UPS says. Without a known runtime
 * only what the clock alone decides is listed.
 */
export function forecast(policy: Policy, supply: Supply, input: ForecastInput): OutageForecast[] {
  if (input.phase === 'mains' || input.phase === 'restoring') return restoreForecast(policy, input);
  const lines: OutageForecast[] = [];
  const started = input.phase === 'battery' || input.phase === 'last';
  if (!started) lines.push({ atS: 0, text: 'mains fail' });
  const elapsed = started ? input.elapsedS : 0;
  const lastAt = lastBegins(policy, supply, input.lastMs);
  if (input.phase !== 'last')
    policy.steps.slice(input.stepsBegun).forEach(({ afterS, plan }) => {
      const atS = Math.max(0, afterS - elapsed);
      if (lastAt === null || atS < lastAt)
        lines.push({ atS, text: `plan ${plan} begins${lasting(input.lengthOf(plan))}` });
    });
  if (policy.last !== null && input.phase !== 'last')
    lines.push(
      lastAt === null
        ? { atS: null, text: `plan ${policy.last} begins when the battery is low${lasting(input.lastMs)}` }
        : { atS: lastAt, text: `plan ${policy.last} begins${lasting(input.lastMs)}` },
    );
  if (supply.runtimeS !== null) lines.push({ atS: supply.runtimeS, text: 'the battery is empty' });
  return lines.sort((a, b) => (a.atS ?? Infinity) - (b.atS ?? Infinity));
}

/** What does not fit or cannot work, each a sentence. `warnings`: those of a plan, whatever the supply. */
export function problemsOf(
  policy: Policy & { assumedS: number | null },
  supply: Supply,
  lastMs: number | null,
  warnings: (plan: string) => readonly string[],
): string[] {
  const problems: string[] = [];
  const { last, steps, assumedS } = policy;
  // On mains nobody counts a runtime; the one that the policy assumes is what the last plan will have.
  const runtimeS = supply.runtimeS ?? assumedS;
  if (last !== null && lastMs !== null && runtimeS !== null && runtimeS * 1000 < lastMs)
    problems.push(
      `plan ${last} takes ${Math.round(lastMs / 1000)} s and the battery lasts ${Math.round(runtimeS)} s: nodes that are not down by then lose power`,
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
