/** `dying-server.ts` as one file, beside the packages that it needs; it goes with whoever built it. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

export async function buildDyingServer(): Promise<Disposable & { path: string }> {
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `dying-server-${process.pid}-${Math.round(performance.now())}.mjs`);
  const entry = fileURLToPath(new URL('dying-server.ts', import.meta.url));
  await build({
    ...{ entryPoints: [entry], outfile: path, bundle: true, format: 'esm', platform: 'node' },
    ...{ packages: 'external', logLevel: 'error' },
  });
  return { path, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
