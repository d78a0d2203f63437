/** Compiles the programs beside this file, so that Node starts them without a compiler of its own. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** Returns the path of the compiled floor program of that name. */
export function floorProgram(name: 'exchanges' | 'frames'): string {
  const outfile = join(tmpdir(), `rackui-bench-${process.pid}-${name}.mjs`);
  const source = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  buildSync({ entryPoints: [source], outfile, format: 'esm', platform: 'node', target: 'node20.19' });
  return outfile;
}
