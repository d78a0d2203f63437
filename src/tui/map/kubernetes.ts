/** Look of a node's state in its Kubernetes cluster: nothing that is old or unknown looks ready. Pure. */
import type { NodeState } from '../../api/methods.ts';
import { KUBERNETES_WORD, type KubernetesState, presentState } from '../../rack/kubernetes.ts';
import type { InkRole } from '../canvas/frame.ts';
import { formatAge } from '../canvas/glyphs.ts';
import type { State } from '../model/state.ts';

export const KUBERNETES_INK: Record<KubernetesState, InkRole> = {
  ready: 'ok',
  'not-ready': 'fault',
  cordoned: 'warn',
  unknown: 'unknown',
};

/** States in a cluster that have a sign on the map. */
export const CLUSTER_SIGNS = ['not-ready', 'cordoned', 'unknown'] as const satisfies readonly KubernetesState[];

/** Returns a node's state in its cluster; null: none is configured, or it is not in it. Without a server it is unknown. */
export function kubernetesOf({ link, now }: State, view: NodeState | undefined): KubernetesState | null {
  const status = view?.kubernetes ?? null;
  if (status === null) return null;
  return link.kind === 'lost' ? 'unknown' : presentState(status, now);
}

/** `not ready, 12s ago: KubeletNotReady`: the state, the age of the cluster's answer, and its reason; null as above. */
export function kubernetesText(state: State, view: NodeState | undefined): string | null {
  const one = kubernetesOf(state, view);
  const status = view?.kubernetes ?? null;
  if (one === null || status === null) return null;
  const age = status.at === null ? '' : `, ${formatAge(Math.max(0, state.now - status.at))} ago`;
  return `${KUBERNETES_WORD[one]}${age}${status.why === '' ? '' : `: ${status.why}`}`;
}

/** Returns the ink of that text. */
export function kubernetesInk(state: State, view: NodeState | undefined): InkRole {
  return KUBERNETES_INK[kubernetesOf(state, view) ?? 'unknown'];
}
