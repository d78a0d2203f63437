/** Runs the simulator straight from the sources: `npx tsx src/sim/dev-main.ts [options]`. */
import { runSim } from './main.ts';
import { parseSimArgs } from './options.ts';

process.exitCode = await runSim(parseSimArgs(process.argv.slice(2)));
