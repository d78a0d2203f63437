/** What doctor finds: one thing looked at, how it is, what was seen, and what to do about it. */

export type Verdict = 'ok' | 'warning' | 'failure';

export interface Check {
  /** Stable, for programs: `port`, `permission`, … */
  id: string;
  verdict: Verdict;
  seen: string;
  /** A command where one fixes it; null where nothing needs to be done. */
  todo: string | null;
}

export const ok = (id: string, seen: string): Check => ({ id, verdict: 'ok', seen, todo: null });
export const warning = (id: string, seen: string, todo: string): Check => ({ id, verdict: 'warning', seen, todo });
export const failure = (id: string, seen: string, todo: string): Check => ({ id, verdict: 'failure', seen, todo });

/** The worst of all. */
export function overall(checks: readonly Check[]): Verdict {
  if (checks.some(({ verdict }) => verdict === 'failure')) return 'failure';
  return checks.some(({ verdict }) => verdict === 'warning') ? 'warning' : 'ok';
}
