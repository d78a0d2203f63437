/** The built program, as tests start it; `build-program.ts` builds it. */
import { fileURLToPath } from 'node:url';

export const PROGRAM = fileURLToPath(new URL('../../bin/rackui', import.meta.url));
