/** What a plan of several racks would do, as each rack's own server says, and what of it an operator confirms. */
import { busUsable } from '../api/bus.ts';
import { RPC_ERROR } from '../api/methods.ts';
import type { PlanPreview } from '../api/plans.ts';
import { EXIT } from '../api/power.ts';
import { count } from '../lib/words.ts';
import { canBegin, type FleetPart, type FleetRun, isUnderWay, partName, partsOf, requeue } from '../rack/fleet-plan.ts';
import { type RackClient, RpcFailure } from './client.ts';

/** What the racks' servers say of some parts of a run; null: the rack cannot be reached or used. */
export type FleetPreview = ReadonlyMap<FleetPart, PlanPreview | null>;

/** Codes with which a server says that nothing was begun, and nothing can be. */
export const NOTHING_BEGUN: readonly number[] = [
  ...[RPC_ERROR.refused, RPC_ERROR.unknown, RPC_ERROR.invalid, RPC_ERROR.viewOnly, RPC_ERROR.config],
  ...[RPC_ERROR.version, RPC_ERROR.held],
];

export const isRefusal = (error: unknown): boolean => error instanceof RpcFailure && NOTHING_BEGUN.includes(error.code);

/** Returns the reason why the rack's bus cannot be used, or null. @throws the request's error */
export async function busProblem(client: RackClient): Promise<string | null> {
  const { bus } = await client.request('sweep', { addrs: null, interrupt: false });
  return busUsable(bus.state) ? null : bus.detail;
}

/** Returns the number of nodes that lose power, as the rack's server counts them for its own confirmation. */
export function nodesCut({ name, confirm }: Pick<PlanPreview, 'name' | 'confirm'>): number {
  return cutBy(name, confirm);
}

/** Returns the number in the words that confirm a plan: `shed-dev 3`; '' is 0. */
function cutBy(plan: string, confirm: string): number {
  return confirm === '' ? 0 : Number(confirm.slice(plan.length + 1));
}

/** Returns the words that confirm the previewed parts: the plan's name and the nodes that lose power; '' for none. */
export function confirmationOf({ plan }: FleetRun, preview: FleetPreview): string {
  const nodes = [...preview.values()].reduce((sum, one) => sum + (one === null ? 0 : nodesCut(one)), 0);
  return nodes === 0 ? '' : `${plan} ${nodes}`;
}

/** `north/shed-dev (9 nodes), then south/shed-dev (not reached); 9 nodes lose power on 1 rack`. */
export function summaryOf(run: FleetRun, preview: FleetPreview): string {
  const steps = run.steps.flatMap(({ parts }) => {
    const shown = parts.filter((part) => preview.has(part));
    const words = shown.map((part) => {
      const one = preview.get(part) ?? null;
      return `${partName(part)} (${one === null ? 'not reached' : count(one.nodes, 'node')})`;
    });
    return words.length === 0 ? [] : [words.join(' + ')];
  });
  const cutting = [...preview].filter(([, one]) => one !== null && nodesCut(one) > 0);
  const nodes = cutting.reduce((sum, [, one]) => sum + (one === null ? 0 : nodesCut(one)), 0);
  const racks = new Set(cutting.map(([{ rack }]) => rack)).size;
  return `${steps.join(', then ')}; ${cutText(nodes)}${nodes === 0 ? '' : ` on ${count(racks, 'rack')}`}`;
}

/** Returns the parts that a resume begins by the words of an earlier confirmation. */
function confirmedBefore(run: FleetRun, preview: FleetPreview): FleetPart[] {
  return partsOf(run).filter((part) => canBegin(part) && part.confirmed && !preview.has(part));
}

/** Returns the number of nodes that lose power in the parts that a resume begins as they were confirmed before. */
export function nodesConfirmedBefore(run: FleetRun, preview: FleetPreview): number {
  return confirmedBefore(run, preview).reduce((sum, { plan, confirm }) => sum + cutBy(plan, confirm ?? ''), 0);
}

/** `north/shed-dev continues; south/shed-dev starts as confirmed before: 3 nodes lose power`. */
export function resumeSummaryOf(run: FleetRun, preview: FleetPreview): string {
  const names = (parts: readonly FleetPart[]): string => parts.map(partName).join(', ');
  const [under, before] = [partsOf(run).filter(isUnderWay), confirmedBefore(run, preview)];
  const cut = nodesConfirmedBefore(run, preview);
  const what = [
    ...(under.length === 0 ? [] : [`${names(under)} ${under.length === 1 ? 'continues' : 'continue'}`]),
    ...(preview.size === 0 ? [] : [summaryOf(run, preview)]),
    ...(before.length === 0
      ? []
      : [`${names(before)} ${before.length === 1 ? 'starts' : 'start'} as confirmed before: ${cutText(cut)}`]),
  ];
  return what.length === 0 ? 'nothing is left to begin' : what.join('; ');
}

const cutText = (nodes: number): string =>
  nodes === 0 ? 'no node loses power' : `${count(nodes, 'node')} ${nodes === 1 ? 'loses' : 'lose'} power`;

/** Reports whether a guard would refuse a node. */
export function previewRefuses(preview: FleetPreview): boolean {
  return [...preview.values()].some((one) =>
    one?.steps.some(({ nodes }) => nodes.some(({ refusals }) => refusals.length > 0)),
  );
}

/** Notes that an operator confirmed the previewed parts. Those whose rack is not reached are not begun. */
export function confirmPreviewed(preview: FleetPreview): void {
  for (const [part, one] of preview)
    if (one === null) noteUnreached(part);
    else Object.assign(part, { confirmed: true, confirm: one.confirm === '' ? null : one.confirm });
}

function noteUnreached(part: FleetPart): void {
  Object.assign(part, {
    ...{ state: 'unreached', confirmed: false, exitCode: EXIT.unavailable },
    detail: 'nothing was begun there: it was not reached for its confirmation',
  });
}

/** Returns the parts that need words before a resume: never confirmed, or what was confirmed has changed since. */
export function unconfirmedParts(run: FleetRun): FleetPart[] {
  return partsOf(run).filter((part) => canBegin(part) && !run.armed && (!part.confirmed || part.state === 'refused'));
}

/** Lets a run go on whose parts were confirmed, those that were reached. */
export function prepareResume(run: FleetRun): void {
  requeue(run);
  for (const part of partsOf(run)) if (part.state === 'waiting' && !part.confirmed) noteUnreached(part);
  Object.assign(run, { state: 'running', detail: '' });
}
