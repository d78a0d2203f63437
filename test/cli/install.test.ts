/**
 * The two ways in which README and docs/first-evening.md install: from a fresh checkout, and from a file that was packed where
 * the tools are.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);
/** Two packages and their dependencies, fetched where no cache has them. */
const LIMIT_MS = 170_000;
const NOT_IN_A_CHECKOUT = new Set(['.git', 'node_modules', 'dist', 'coverage']);

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A directory with a checkout in which nothing was installed or built yet. */
function fresh(): { folder: string; checkout: string; prefix: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-install-'));
  folders.push(folder);
  const checkout = join(folder, 'checkout');
  const filter = (path: string): boolean => !NOT_IN_A_CHECKOUT.has(relative(ROOT, path)) && !path.endsWith('.tgz');
  cpSync(ROOT, checkout, { recursive: true, filter });
  return { folder, checkout, prefix: join(folder, 'global') };
}

/** As in a shell of the operator's: nothing of the npm that runs these tests but its cache and its registry. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(?:cache|registry|userconfig)$)/i.test(name)),
  ),
  NODE_EXTRA_CA_CERTS: process.env.CERTIFICATES_FOR_NPM,
};
async function npm(cwd: string, ...args: string[]): Promise<string> {
  return (await exec('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], { cwd, env })).stdout;
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
  existsSync(modules)
    ? ['esbuild', 'typescript', 'vitest', 'oxlint', 'tsx'].filter((tool) => existsSync(join(modules, tool)))
    : ['no modules'];

test.concurrent(
  'npm install -g . in a fresh checkout builds and works, without development tools',
  { timeout: LIMIT_MS },
  async () => {
    const { checkout, prefix } = fresh();
    await npm(checkout, 'install', '-g', '--prefix', prefix, '.');
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
  const { folder, checkout } = fresh();
  const run = exec(process.execPath, [join(checkout, 'bin/rackui'), 'status'], { cwd: folder });
  await expect(run).rejects.toMatchObject({
    code: 78,
    stderr: `rackui: this copy was not built: 'npm run prepare' in ${checkout} builds it\n`,
  });
});
