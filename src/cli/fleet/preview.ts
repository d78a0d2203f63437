/**
 * Shows what plans of several racks would do, and asks for the one confirmation that names every rack and the number of
 * nodes. A rack that cannot be reached is reported before; its part is not confirmed, and nothing of it is begun.
 */
import { busUsable } from '../../api/bus.ts';
import type { PlanPreview } from '../../api/plans.ts';
import { EXIT } from '../../api/power.ts';
import {
  confirmationOf,
  confirmPreviewed,
  type FleetPreview,
  isRefusal,
  summaryOf,
} from '../../client/fleet-preview.ts';
import { type FleetPart, type FleetRun, partName } from '../../rack/fleet-plan.ts';
import { confirmation } from '../confirm.ts';
import { previewJson, previewLines } from '../format/plan.ts';
import type { RackParts } from './rack-parts.ts';
import { type GlobalOptions, knownRack } from '../server-connection.ts';
import { explain, Failure, hint, print, printJson } from '../terminal-output.ts';

export type FleetOptions = GlobalOptions & { json?: boolean; confirm?: string };

/** Asks each part's server for its preview. @throws Failure where a plan cannot be run: nothing was started */
export async function previewParts(racks: RackParts<FleetOptions>, parts: readonly FleetPart[]): Promise<FleetPreview> {
  const found = await Promise.all(
    parts.map(async (part): Promise<[FleetPart, PlanPreview | null]> => {
      const rack = racks.reached.find(({ name }) => name === part.rack);
      if (rack === undefined) return [part, null];
      try {
        return [
          part,
          await rack.output.run(async () => {
            const { bus } = await knownRack(rack.client);
            if (!busUsable(bus.state)) throw new Failure(EXIT.unavailable, bus.detail);
            return rack.client.request('plan.show', { name: part.plan });
          }),
        ];
      } catch (error) {
        const failure = explain(error);
        if (failure.exitCode !== EXIT.unavailable || isRefusal(error))
          throw new Failure(failure.exitCode, `${partName(part)}: ${failure.message}; nothing was started`);
        if (!racks.failed.has(part.rack)) racks.fail(rack, failure);
        return [part, null];
      }
    }),
  );
  const impossible = found.find(([, preview]) => preview !== null && preview.problem !== null);
  if (impossible !== undefined)
    throw new Failure(
      EXIT.refused,
      `${partName(impossible[0])} cannot be run: ${impossible[1]?.problem ?? ''}; nothing was started`,
    );
  return new Map(found);
}

/** Prints the order, what each rack's server says, and one line for all. `show`: where to. */
export function showPreview(
  racks: RackParts<FleetOptions>,
  run: FleetRun,
  preview: FleetPreview,
  show: (line: string) => void,
): void {
  for (const { name, parts, onFail } of run.steps) {
    const shown = parts.filter((part) => preview.has(part));
    if (shown.length > 0) show(`${name}: ${shown.map(partName).join(', ')}; if one fails: ${onFail}`);
    for (const part of shown) {
      const rack = racks.all.find((one) => one.name === part.rack);
      const one = preview.get(part) ?? null;
      rack?.output.run(() => {
        for (const line of one === null ? [`${part.plan}: not reached, nothing is begun there`] : previewLines(one))
          show(line);
      });
    }
  }
  show(`plan ${run.plan}: ${summaryOf(run, preview)}`);
}

/** Prints the documented JSON: each rack's preview, and the whole. */
export function printPreviewJson(run: FleetRun, preview: FleetPreview, description: string | null): void {
  for (const [{ rack }, one] of preview) if (one !== null) printJson({ type: 'plan', ...previewJson(one), rack });
  printJson({
    ...{ type: 'fleet-plan', name: run.plan, description, confirm: confirmationOf(run, preview) },
    steps: run.steps.map(({ name, onFail, parts }) => ({
      ...{ name, onFail },
      parts: parts.map((part) => {
        const one = preview.get(part) ?? null;
        return { rack: part.rack, plan: part.plan, reached: one !== null, nodes: one?.nodes ?? null };
      }),
    })),
  });
}

/** Prints the words for `--confirm`, where a cut needs them. */
export function printConfirmation(run: FleetRun, preview: FleetPreview): void {
  const expected = confirmationOf(run, preview);
  if (expected !== '') print(`to confirm: --confirm '${expected}'`);
}

/** Asks for the confirmation of the previewed parts, and notes it in them. @throws Failure, UsageFailure */
export async function confirmParts(
  run: FleetRun,
  preview: FleetPreview,
  { json = false, confirm, plain }: FleetOptions,
): Promise<void> {
  const expected = confirmationOf(run, preview);
  if (expected !== '') await confirmation(confirm, expected, `plan ${run.plan} cuts power`, plain);
  confirmPreviewed(preview);
  for (const [part, one] of preview)
    if (one === null && !json) hint(`${partName(part)} is not begun: its rack was not reached`);
}
