/** What a plan of several racks would do, as each rack's own server says, and what of it an operator confirms. */
import { RPC_ERROR } from '../api/methods.ts';
import type { PlanPreview } from '../api/plans.ts';
import { EXIT } from '../api/power.ts';
import { count } from '../lib/words.ts';
import { canBegin, type FleetPart, type FleetRun, partName, partsOf, requeue } from '../rack/fleet-plan.ts';
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
  return bus.state === 'ready' || bus.state === 'paused' ? null : bus.detail;
}

/** Returns the number of nodes that lose power, as the rack's server counts them for its own confirmation. */
export function nodesCut({ name, confirm }: Pick<PlanPreview, 'name' | 'confirm'>): number {
  return confirm === '' ? 0 : Number(confirm.slice(name.length + 1));
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
  const cut = nodes === 0 ? 'no node loses power' : `${count(nodes, 'node')} lose power on ${count(racks, 'rack')}`;
  return `${steps.join(', then ')}; ${cut.replace(/^1 node lose/, '1 node loses')}`;
}

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
