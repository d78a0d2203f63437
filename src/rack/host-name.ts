/** The name that a machine gave itself on its console, held against the name that the inventory gives its slot. Pure. */

/** What a node's console said last, and when (steady time). */
export interface HostSeen {
  host: string;
  at: number;
  /** It was before `at`, nobody knows how long: before the machine that rackui runs on was booted. */
  before?: true;
}

/**
 * A name that was seen longer ago than this says nothing any more: boards and cards change places in an afternoon, and
 * whoever looks at the console again has a newer one. Ours, not measured.
 */
export const HOST_SEEN_LIMIT_MS = 24 * 3_600_000;

/** Compared by the first label, which is all that a prompt usually shows; host names know no case. */
export function sameHost(a: string, b: string): boolean {
  return firstLabel(a) === firstLabel(b);
}

function firstLabel(host: string): string {
  return (host.split('.')[0] ?? host).toLowerCase();
}
