/** The program's entry: runs one command and leaves with its code. */
import { run } from './cli/program.ts';

void run(process.argv.slice(2)).then((code) => (process.exitCode = code));
