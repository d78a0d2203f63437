/** The simulated rack as a process for tests, straight from the sources and without the command line around it. */
import { runSim } from '../../src/sim/cli.ts';
import { parseSimArgs } from '../../src/sim/options.ts';

process.exitCode = await runSim(parseSimArgs(process.argv.slice(2)));
