/** The program's entry: runs one command and leaves with its code. */
import { run } from './cli/program.ts';

process.exitCode = await run(process.argv.slice(2));
