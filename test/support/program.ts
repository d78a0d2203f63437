/** The built program, and the tests' own programs, as tests start them; `build-program.ts` builds them. */
import { fileURLToPath } from 'node:url';

export const PROGRAM = fileURLToPath(new URL('../../bin/rackui', import.meta.url));

/** Entries of the tests' own programs. */
export const OWN_PROGRAMS = ['dying-server', 'rack-program'] as const;

/** Returns the file of one of the tests' own programs: one with its packages, which takes a third as long to start. */
export function ownProgram(name: (typeof OWN_PROGRAMS)[number]): string {
  return fileURLToPath(new URL(`../../node_modules/.cache/rackui-tests/${name}.mjs`, import.meta.url));
}
