/**
 * `dying-server.ts` as one file with its packages, which takes half as long to start; it goes with whoever built it. The part in
 * compiled code stays outside: the file lies beside it.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

/** For packages that are CommonJS. */
const REQUIRE = "import{createRequire as ofFile}from'node:module';const require=ofFile(import.meta.url);";

export async function buildDyingServer(): Promise<Disposable & { path: string }> {
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `dying-server-${process.pid}-${Math.round(performance.now())}.mjs`);
  const entry = fileURLToPath(new URL('dying-server.ts', import.meta.url));
  await build({
    ...{ entryPoints: [entry], outfile: path, bundle: true, format: 'esm', platform: 'node' },
    ...{ external: ['@serialport/bindings-cpp'], minify: true, logLevel: 'error' },
    banner: { js: REQUIRE },
  });
  return { path, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
