/** What the racks say of a plan over several racks, as the interface shows it. Pure. */
import type { PlanPreview } from '../../api/plans.ts';
import {
  confirmationOf,
  nodesConfirmedBefore,
  nodesCut,
  resumeSummaryOf,
  summaryOf,
} from '../../client/fleet-preview.ts';
import { type FleetPart, type FleetRun, partName } from '../../rack/fleet-plan.ts';
import type { FleetPartPreview, FleetPreviewState } from '../model/fleet-plans.ts';

/** Each asked part with its rack's answer, or the reason why there is none. */
export type AskedParts = ReadonlyMap<FleetPart, PlanPreview | string>;

/** `resumes`: id of the run that is to be resumed; null: a new one. */
export function previewState(record: FleetRun, asked: AskedParts, resumes: string | null): FleetPreviewState {
  const preview = new Map([...asked].map(([part, one]) => [part, typeof one === 'string' ? null : one]));
  const steps = record.steps.flatMap(({ name, onFail, parts }) => {
    const shown = parts.flatMap((part) => {
      const answer = asked.get(part);
      return answer === undefined ? [] : [partPreview(part, answer)];
    });
    return shown.length === 0 ? [] : [{ name, onFail, parts: shown }];
  });
  return {
    ...{ plan: record.plan, run: resumes, confirm: confirmationOf(record, preview), steps },
    confirmedBefore: resumes === null ? 0 : nodesConfirmedBefore(record, preview),
    summary: resumes === null ? summaryOf(record, preview) : resumeSummaryOf(record, preview),
  };
}

function partPreview(part: FleetPart, answer: PlanPreview | string): FleetPartPreview {
  const name = partName(part);
  if (typeof answer === 'string')
    return { name, unreached: answer, nodes: 0, cut: 0, predictedMs: null, warnings: [], refusals: [] };
  return {
    ...{ name, unreached: null, nodes: answer.nodes, cut: nodesCut(answer), predictedMs: answer.predictedMs },
    warnings: answer.warnings,
    refusals: answer.steps.flatMap(({ nodes }) => nodes.flatMap(({ refusals }) => refusals)),
  };
}
