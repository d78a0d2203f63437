/** What every command's words end in: something that is done, and an exit code. */

/**
 * Makes an action of a function that gets all options, the global ones included, and the positional words. Where several
 * racks are configured it gets the configuration of the one that is meant, unless it is for `several`.
 */
export type Act = (
  handle: (options: Record<string, never>, words: string[]) => Promise<number>,
  scope?: { several?: boolean },
) => (...all: unknown[]) => Promise<void>;

/** For commands that are about all racks at once. */
export const SEVERAL = { several: true };

/** One command line, for commands that take more of them. */
export type Run = (args: readonly string[]) => Promise<number>;
