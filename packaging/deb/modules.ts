/** Production modules of a package for one processor: of them what the program loads, and their licences. */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { licenceTexts } from '../licences.ts';

const LOADED = /\.(js|json|node)$/;

/**
 * Installs the locked production modules beside the `package.json` in `program`, without scripts, and removes what is
 * for other processors (npm's name) or is not loaded. Returns the licences of the rest.
 */
export function installModules(program: string, processor: string): string {
  const npm = ['ci', '--omit=dev', '--ignore-scripts', '--no-bin-links', '--no-audit', '--no-fund', '--prefer-offline'];
  const machine = ['--os=linux', `--cpu=${processor}`, '--libc=glibc'];
  execFileSync('npm', [...npm, ...machine], { cwd: program, stdio: ['ignore', 'ignore', 'inherit'] });
  const modules = join(program, 'node_modules');
  rmSync(join(modules, '.package-lock.json'));
  const folders = readdirSync(modules).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(modules, name)).map((below) => join(name, below)) : [name],
  );
  const licences = licenceTexts(folders.map((name) => join(modules, name)));
  removeUnless((path) => LOADED.test(path), modules);
  removeUnless(
    (path) => path.includes(`linux-${processor}/`) && !path.endsWith('.musl.node'),
    join(program, 'dist/prebuilds'),
  );
  return licences;
}

/** Removes the files below a folder that are not kept, and folders that become empty. */
function removeUnless(keep: (path: string) => boolean, folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeUnless(keep, path);
    else if (!keep(path)) rmSync(path);
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
