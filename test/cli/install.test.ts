/**
 * The two ways in which README and docs/first-evening.md install: from a fresh checkout, and from a file that was packed where
 * the tools are.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);
/** Two packages and their dependencies, fetched where no cache has them, on a machine that all other tests keep busy. */
const LIMIT_MS = 300_000;
/** What a fresh checkout lacks, and the tests. */
const NOT_COPIED = new Set(['.git', 'node_modules', 'dist', 'coverage', 'release', 'test']);
/** Tools of the build and what it copies. That all packages can be installed is shown by the `npm ci` ahead of these tests. */
const OF_BUILDS = ['esbuild', 'tsx', 'blessed', '@serialport/bindings-cpp'];

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A directory with the place of a checkout. */
function empty(): { folder: string; checkout: string; prefix: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-install-'));
  folders.push(folder);
  return { folder, checkout: join(folder, 'checkout'), prefix: join(folder, 'global') };
}

/** A directory with a checkout in which nothing was installed or built yet. */
function fresh(): ReturnType<typeof empty> {
  const place = empty();
  const filter = (path: string): boolean => !NOT_COPIED.has(relative(ROOT, path)) && !path.endsWith('.tgz');
  cpSync(ROOT, place.checkout, { recursive: true, filter });
  return place;
}

interface Manifest {
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** Changes the checkout's manifest. */
function change(checkout: string, changed: (manifest: Manifest) => Partial<Manifest>): void {
  const path = join(checkout, 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  writeFileSync(path, JSON.stringify({ ...manifest, ...changed(manifest) }, null, 2));
}

/**
 * Leaves only {@link OF_BUILDS} to be installed, which is 20 packages instead of 200: the build finds what it bundles
 * above the checkout. Returns the folder of these.
 */
function lendModules(checkout: string): string {
  change(checkout, ({ devDependencies }) => ({
    devDependencies: Object.fromEntries(Object.entries(devDependencies).filter(([name]) => OF_BUILDS.includes(name))),
  }));
  const lent = join(checkout, '../node_modules');
  mkdirSync(lent);
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.startsWith('.') && !OF_BUILDS.includes(name))
      symlinkSync(join(ROOT, 'node_modules', name), join(lent, name));
  return lent;
}

/** As in a shell of the operator's: nothing of the npm that runs these tests but its cache and its registry. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(?:cache|registry|userconfig)$)/i.test(name)),
);
async function npm(cwd: string, ...args: string[]): Promise<string> {
  const certified = { ...env, NODE_EXTRA_CA_CERTS: process.env.CERTIFICATES_FOR_NPM };
  return (await exec('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], { cwd, env: certified })).stdout;
}

/** Commands that need all of it: options, configuration, simulator. */
async function expectWorks(prefix: string): Promise<void> {
  const rackui = async (...args: string[]): Promise<string> =>
    (await exec(join(prefix, 'bin/rackui'), args, { cwd: '/', env: { ...env, XDG_CONFIG_HOME: prefix } })).stdout;
  expect(await rackui('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await rackui('demo', '--help')).toContain('--headless');
  expect(await rackui('config', 'check')).toContain('no configuration file: defaults are used');
  expect(await rackui('sim', '--help')).toContain('Simulated rack behind a pseudo-terminal');
}

/** Tools that only those who change the program need. */
const devTools = (modules: string): string[] =>
  existsSync(modules) ? OF_BUILDS.filter((tool) => existsSync(join(modules, tool))) : ['no modules'];

test.concurrent(
  'npm install -g . in a fresh checkout builds and works, without development tools',
  { timeout: LIMIT_MS },
  async () => {
    const { checkout, prefix } = fresh();
    const lent = lendModules(checkout);
    await npm(checkout, 'install', '-g', '--prefix', prefix, '.');
    rmSync(lent, { recursive: true });
    await expectWorks(prefix);
    expect(devTools(join(checkout, 'node_modules'))).toEqual([]);
  },
);

test.concurrent(
  'npm pack in a checkout builds, and npm install -g of its file works',
  { timeout: LIMIT_MS },
  async () => {
    const { folder, checkout, prefix } = fresh();
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
    // The other installation builds; here is asked when.
    const build = `cp -r '${ROOT}dist' . && packaging/version.sh >dist/version`;
    change(checkout, ({ scripts }) => ({ scripts: { ...scripts, build } }));
    await npm(checkout, 'pack', '--silent', '--pack-destination', folder);
    const packed = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
    expect(packed).toHaveLength(1);
    rmSync(checkout, { recursive: true });
    await npm(folder, 'install', '-g', '--prefix', prefix, `./${packed[0] ?? ''}`);
    await expectWorks(prefix);
    expect(readdirSync(join(prefix, 'lib/node_modules/rackui/node_modules'))).toEqual(['@lydell']);
  },
);

test('a copy that was not built says so', async () => {
  const { folder, checkout } = empty();
  for (const name of ['bin', 'package.json']) cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  const run = exec(process.execPath, [join(checkout, 'bin/rackui'), 'status'], { cwd: folder });
  await expect(run).rejects.toMatchObject({
    code: 78,
    stderr: `rackui: this copy was not built: 'npm run prepare' in ${checkout} builds it\n`,
  });
});
