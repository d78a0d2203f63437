/** Production modules of a package: those of one processor, of them what the program loads, and their licences. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, rmdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';

interface Manifest {
  name: string;
  version: string;
  license?: string;
  author?: string | { name?: string };
  dependencies?: Record<string, string>;
  /** Programs for people: one, or several by name. */
  bin?: string | Record<string, string>;
}

/** Modules that libraries name for uses which rackui does not have; they are not installed. */
const OPTIONAL = ['pty.js', 'term.js', 'react-devtools-core'];
/** Folders of a module that its users do not load. */
const ASIDE = ['test', 'tests', 'example', 'examples', 'benchmarks', 'docs', '.github'];
const LOADED = /\/[^./][^/]*\.(js|cjs|mjs|json|node)$/;
/** Blessed reads these descriptions of terminals. */
const TERMINALS = /\/blessed\/usr\/(linux|windows-ansi|xterm[^/]*)$/;
const LICENCE = /^(licen[cs]e|copying|notice)[^/]*(?<!js)$/i;
/** Debian has this text; its packages refer to it. */
const APACHE = 'License: Apache-2.0, whose text is in /usr/share/common-licenses/Apache-2.0';

/**
 * Installs the locked production modules beside the `package.json` in `program`, without scripts, and removes what the
 * built program does not load on this processor (npm's name). Returns the licences of the rest.
 */
export async function installModules(program: string, processor: string): Promise<string> {
  const npm = ['ci', '--omit=dev', '--ignore-scripts', '--no-bin-links', '--no-audit', '--no-fund', '--prefer-offline'];
  const machine = ['--os=linux', `--cpu=${processor}`, '--libc=glibc'];
  execFileSync('npm', [...npm, ...machine], { cwd: program, stdio: ['ignore', 'ignore', 'inherit'] });
  const modules = join(program, 'node_modules');
  rmSync(join(modules, '.package-lock.json'));
  const needed = await neededPackages(program);
  for (const folder of packageFolders(modules)) {
    // Another version of a package may lie within one that goes: the needed ones stay.
    if (!needed.has(folder)) removeUnless((path) => path.slice(folder.length).includes('/node_modules/'), folder);
    else
      for (const name of [...ASIDE, ...programsOf(folder)])
        rmSync(join(folder, name), { recursive: true, force: true });
  }
  const licences = licenceTexts(packageFolders(modules).filter((folder) => needed.has(folder)));
  removeUnless((path) => (LOADED.test(path) && runsOn(path, processor)) || TERMINALS.test(path), modules);
  return licences;
}

/**
 * Returns the folders of the packages that the program imports directly or through others, as esbuild follows imports,
 * that it depends on itself, or that hold compiled code: the last two may be loaded by a computed name.
 */
async function neededPackages(program: string): Promise<Set<string>> {
  const { metafile } = await build({
    absWorkingDir: program,
    entryPoints: ['dist/main.js'],
    bundle: true,
    metafile: true,
    write: false,
    outdir: 'bundle',
    splitting: true,
    format: 'esm',
    platform: 'node',
    external: ['*.node', ...OPTIONAL],
    logLevel: 'error',
  });
  const imported = Object.keys(metafile.inputs).map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const { dependencies = {} } = manifestOf(program);
  const direct = Object.keys(dependencies).map((name) => `node_modules/${name}`);
  const compiled = packageFolders(join(program, 'node_modules'))
    .filter((folder) => readdirSync(folder).some((file) => file.endsWith('.node')))
    .map((folder) => relative(program, folder));
  return new Set([...imported, ...direct, ...compiled].map((folder) => join(program, folder ?? '.')));
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

function programsOf(folder: string): string[] {
  const { bin = {} } = manifestOf(folder);
  return typeof bin === 'string' ? [bin] : Object.values(bin);
}

/** A compiled file is for one processor and one C library. */
const runsOn = (path: string, processor: string): boolean =>
  !path.endsWith('.node') || (path.includes(`linux-${processor}/`) && !path.endsWith('.musl.node'));

/** Lists the folders of all packages below a `node_modules`, nested ones included. */
function packageFolders(modules: string): string[] {
  if (!existsSync(modules)) return [];
  const folders = readdirSync(modules).flatMap((name) =>
    name.startsWith('@')
      ? readdirSync(join(modules, name)).map((below) => join(modules, name, below))
      : [join(modules, name)],
  );
  return folders.flatMap((folder) => [folder, ...packageFolders(join(folder, 'node_modules'))]);
}

/** Returns each licence's text once, below the packages that come with it. */
function licenceTexts(folders: readonly string[]): string {
  const packages = new Map<string, Set<string>>();
  for (const folder of folders) {
    const { name, version, ...manifest } = manifestOf(folder);
    const text = licenceText(folder, manifest);
    packages.set(text, (packages.get(text) ?? new Set()).add(`${name} ${version}`));
  }
  return [...packages].map(([text, names]) => `${[...names].sort().join('\n')}\n\n${text}`).join('\n\n\n');
}

/** @throws Error for a package that does not say its licence */
function licenceText(folder: string, { license, author }: Partial<Manifest>): string {
  const holder = typeof author === 'string' ? author : author?.name;
  const copyright = holder === undefined ? '' : `Copyright: ${holder}\n`;
  if (license === 'Apache-2.0') return `${copyright}${APACHE}`;
  const files = readdirSync(folder).filter((name) => LICENCE.test(name));
  if (files.length > 0)
    return files.map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r', '').trim()).join('\n\n');
  if (license === undefined) throw new Error(`${basename(folder)} does not say its licence`);
  return `${copyright}License: ${license}`;
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
