/** States of nodes in a Kubernetes cluster, and the age beyond which they are unknown. Pure. */

/**
 * `not-ready`: also where it is cordoned. `cordoned`: ready, and takes no new pods. `unknown`: the cluster's answer is
 * too old, there was none, or it leaves the state open.
 */
export type KubernetesState = 'ready' | 'not-ready' | 'cordoned' | 'unknown';

/** Words for operators. */
export const KUBERNETES_WORD: Record<KubernetesState, string> = {
  ready: 'ready',
  'not-ready': 'not ready',
  cordoned: 'cordoned',
  unknown: 'unknown',
};

/** A node as an answer of its cluster describes it. `why`: the cluster's reason; '' where there is none. */
export interface ClusterNode {
  state: KubernetesState;
  why: string;
}

/** A node of the rack in its cluster. */
export interface KubernetesStatus extends ClusterNode {
  /** Time of the answer, also where it is too old; null: there was none. */
  at: number | null;
  /** Time after which it says nothing of the present; null: there was no answer. */
  until: number | null;
}

/** An answer of the cluster: its nodes by name in lower case. */
export interface ClusterAnswer {
  at: number;
  nodes: ReadonlyMap<string, ClusterNode>;
}

/** What is known of a cluster. */
export interface ClusterReport {
  /** The latest valid answer; null: there was none. */
  answer: ClusterAnswer | null;
  /** Reason why there is no later one; '' where none is due. */
  failure: string;
  /** Age beyond which an answer says nothing of the present, ms. */
  limitMs: number;
}

/** True where there is an answer that is not too old. */
export function isCurrent({ answer, limitMs }: ClusterReport, now: number): boolean {
  return answer !== null && now - answer.at <= limitMs;
}

/** Returns the state of the node with this name; null: no cluster is configured, or the node is not in it. */
export function kubernetesStatus(report: ClusterReport | null, name: string, now: number): KubernetesStatus | null {
  if (report === null) return null;
  const { answer, failure, limitMs } = report;
  if (answer === null)
    return { state: 'unknown', why: failure || 'the cluster has not answered yet', at: null, until: null };
  const node = answer.nodes.get(name.toLowerCase());
  if (node === undefined) return null;
  const present: ClusterNode = isCurrent(report, now) ? node : { state: 'unknown', why: failure };
  return { ...present, at: answer.at, until: answer.at + limitMs };
}

/** Returns the state as of now: also where no newer status arrived. */
export function presentState({ state, until }: KubernetesStatus, now: number): KubernetesState {
  return until !== null && now > until ? 'unknown' : state;
}
