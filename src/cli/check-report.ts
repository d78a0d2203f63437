/** What `power.check` found, in words and as JSON. Pure. */
import type { PowerCheck, Refusal, Verb } from '../api/power.ts';
import { formatAddress, formatPosition } from '../rack/address.ts';
import { compressNames } from '../rack/compress.ts';
import { count } from '../lib/words.ts';
import { nodeLabel } from '../rack/inventory.ts';

/** What the verb does, before anybody confirms it. */
const MEANING: Record<Verb, string> = {
  on: 'switches power on',
  off: 'asks the operating system to shut down, then cuts power when it has halted',
  'force-off': 'cuts power at once; what is not on the disk is lost',
  cycle: 'asks the operating system to shut down, cuts power when it has halted, and switches it on again',
  'force-cycle': 'cuts power at once and switches it on again; what is not on the disk is lost',
};

/** `force-off: k8s-worker-[04-06] (3 nodes): cuts power at once; …`. */
export function meaningLine({ verb, nodes }: Pick<PowerCheck, 'verb' | 'nodes'>): string {
  const howMany = count(nodes.length, 'node');
  return `${verb} ${compressNames(nodes.map(({ name }) => name))} (${howMany}): ${MEANING[verb]}`;
}

/** What each node is, what depends on it, what speaks against it. */
export function checkLines(check: PowerCheck): string[] {
  return check.nodes.flatMap((node) => [
    `  ${nodeLabel(node)} ${sampleText(node)}`,
    ...node.impact.map((sentence) => `    ${sentence}`),
    ...node.refusals.map((refusal) => `    ${refusalText(refusal)}`),
  ]);
}

/** `refused (protected): …; override: …`. */
function refusalText({ rule, message, override }: Refusal): string {
  return `refused (${rule}): ${message}${override === null ? '' : `; to override: ${override}`}`;
}

function sampleText({ sample, problem }: PowerCheck['nodes'][number]): string {
  if (sample === null) return `unknown${problem === null ? '' : `: ${problem}`}`;
  return `${sample.power}, current ${sample.current}, fan ${sample.fan}${problem === null ? '' : `; ${problem}`}`;
}

/** The documented JSON of a check. */
export function checkJson(check: PowerCheck): Record<string, unknown> {
  return {
    verb: check.verb,
    confirm: check.confirm,
    nodes: check.nodes.map(({ addr, name, sample, problem, refusals, impact }) => ({
      addr: formatAddress(addr),
      pos: formatPosition(addr),
      name,
      power: sample?.power ?? 'unknown',
      current: sample?.current ?? null,
      fan: sample?.fan ?? null,
      problem,
      refusals,
      impact,
    })),
  };
}

/** True where a guard would refuse, or a node did not answer. */
export function refuses({ nodes }: PowerCheck): boolean {
  return nodes.some(({ refusals, problem }) => refusals.length > 0 || problem !== null);
}
