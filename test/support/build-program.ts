/**
 * Builds the program before the tests start it, where a source file is newer than the last build, and the programs of the
 * tests' own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { OWN_PROGRAMS, ownProgram } from './program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The last file that the build writes. */
const BUILT = join(ROOT, 'dist/version');
const SOURCES = ['src', 'packaging', 'package-lock.json'];
/** For packages that are CommonJS. */
const REQUIRE = "import{createRequire as ofFile}from'node:module';const require=ofFile(import.meta.url);";

export default async function buildPrograms(): Promise<void> {
  if (!isNew(BUILT, SOURCES)) execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  await buildOwnPrograms();
}

/** Builds the programs of the tests' own, where one of their sources is newer. */
export async function buildOwnPrograms(): Promise<void> {
  for (const name of OWN_PROGRAMS) {
    const outfile = ownProgram(name);
    if (isNew(outfile, [...SOURCES, 'test/support'])) continue;
    await build({
      ...{ entryPoints: [join(ROOT, `test/support/${name}.ts`)], outfile, bundle: true },
      ...{ format: 'esm', platform: 'node', minify: true, logLevel: 'error', banner: { js: REQUIRE } },
      // Compiled code: the packages are found from the file's place.
      external: ['@serialport/bindings-cpp', '@lydell/node-pty'],
    });
  }
}

function isNew(built: string, sources: readonly string[]): boolean {
  return existsSync(built) && statSync(built).mtimeMs >= Math.max(...sources.map((path) => newest(join(ROOT, path))));
}

/** Returns when a file, or the last of those below a folder, was changed, ms. */
function newest(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}
