/** Rules for arming and starting a plan: they decide about keys, and the panel shows them. Pure. */
import type { PlanPreview } from '../../../api/plans.ts';
import { STALE_AFTER_MS } from '../../../rack/reading.ts';
import type { EmergencyPanel } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';

/** Time after the last key at which an armed plan is disarmed, ms. */
export const ARMED_MS = 60_000;

/** Returns the nodes that the plan would change: no rule refuses them, and they are not yet in the wanted state. */
export function acting(preview: PlanPreview): PlanPreview['steps'][number]['nodes'] {
  return preview.steps.flatMap(({ action, nodes }) =>
    nodes.filter(({ refusals, power }) => refusals.length === 0 && power !== action),
  );
}

/** Returns the reason why the chosen plan can be neither armed nor started now, for display; null: it can. */
export function refusesPlan(state: State, { plans, chosen, preview }: EmergencyPanel): string | null {
  if (state.access === 'view') return 'This is a view-only session.';
  if (state.link.kind === 'lost') return 'No connection to the server: nothing can be started.';
  if (plans.kind === 'running') return 'reading the plans …';
  if (chosen === null) return 'There is no plan to start.';
  if (preview.kind === 'running') return 'checking the nodes …';
  if (preview.kind === 'failed') return `${preview.why}: nothing can be started. r tries again.`;
  const { answer, at } = preview;
  if (answer.problem !== null) return `${answer.problem}: it cannot be started.`;
  if (acting(answer).length === 0) return 'Nothing to do: each node is in the wanted state, or refused by a guard.';
  if (state.now - at > STALE_AFTER_MS) return 'The check is older than 10 s: r checks again.';
  return null;
}
