/** What something was computed from, by which it is seen whether it has to be computed again. Pure. */

/** Compared by identity: the state and all of its parts are replaced, never changed. */
export type Inputs = readonly unknown[];

/** Returns whether the same things are there; false where nothing was computed yet. */
export function sameInputs(before: Inputs | undefined, now: Inputs): boolean {
  if (before?.length !== now.length) return false;
  for (let i = 0; i < now.length; i++) if (!Object.is(before[i], now[i])) return false;
  return true;
}
