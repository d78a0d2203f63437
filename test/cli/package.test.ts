/** What `npm pack` would ship: everything the program reads at run time, nothing else of the sources. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

/** The file that `npm pack` makes, and the files in it. Without scripts: the build that is tested is the one that is there. */
let packed: { folder: string; tarball: string; files: string[] };
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-package-'));
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await exec('npm', pack, { cwd: ROOT });
  const [{ filename, files } = { filename: '', files: [] }] = JSON.parse(stdout) as {
    filename: string;
    files: { path: string }[];
  }[];
  packed = { folder, tarball: join(folder, filename), files: files.map(({ path }) => path) };
});
afterAll(() => rmSync(packed.folder, { recursive: true, force: true }));

test('node is found without a PATH that holds it, by the launcher alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-path-'));
  try {
    const bin = join(folder, 'lib/node_modules/rackui/bin');
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'tools'));
    for (const tool of ['dirname', 'readlink']) symlinkSync(`/usr/bin/${tool}`, join(folder, 'tools', tool));
    cpSync(join(ROOT, 'bin'), bin, { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(bin, '../package.json'));
    symlinkSync(process.execPath, join(folder, 'bin/node'));
    symlinkSync('../lib/node_modules/rackui/bin/rackui', join(folder, 'bin/rackui'));
    const env = { PATH: join(folder, 'tools'), HOME: folder };
    const { stdout } = await exec(join(folder, 'bin/rackui'), ['--version'], { cwd: '/', env });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await expect(exec(join(bin, 'rackui'), ['no such command'], { env })).rejects.not.toMatchObject({ code: 127 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('publint finds nothing in the npm package, and nothing runs when it is installed', async () => {
  const tarball = new Uint8Array(readFileSync(packed.tarball)).buffer;
  expect((await publint({ strict: true, pack: { tarball } })).messages).toEqual([]);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
});

function bytesIn(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

test('the packed files are enough to run, from any directory, and take less than 15 MB with compiled modules', async () => {
  const { tarball, files } = packed;
  expect(files).toEqual(
    expect.arrayContaining([
      ...['bin/rackui', 'dist/main.js', 'dist/NOTICE', 'package.json', 'README.md', 'LICENSE'],
      ...['themes/dark.json', 'src/config/racks/er24a.yaml', 'docs/commands.md'],
      'examples/prometheus/alerts.yaml',
      'examples/hooks/mail',
    ]),
  );
  expect(files.filter((path) => /\.tsx?$|\.map$|^test\/|^\.ci\/|^docs\/(dev|pictures)\//.test(path))).toEqual([]);

  await exec('tar', ['--extract', '--file', tarball, '--directory', packed.folder]);
  const folder = join(packed.folder, 'package');
  // Of the packages only those that a production install has.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(ROOT, 'node_modules/@lydell'), join(folder, 'node_modules/@lydell'));
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object };
  expect(Object.keys(dependencies)).toEqual(['@lydell/node-pty']);
  expect(bytesIn(folder)).toBeLessThan(15e6);
  const env = { ...process.env, XDG_CONFIG_HOME: folder };
  const rackui = async (...args: string[]): Promise<string> =>
    (await exec(process.execPath, [join(folder, 'bin/rackui'), ...args], { cwd: '/', env })).stdout;
  expect(await rackui('--version')).toMatch(/^\d+\.\d+\.\d+( \([0-9a-f]{12}\+?\))?\n$/);
  expect(await rackui('--config', join(folder, 'src/config/racks/er24a.yaml'), 'config', 'check')).toContain(
    '24 nodes',
  );
  expect(await rackui('sim', '--help')).toContain('Simulated rack behind a pseudo-terminal');
  expect(existsSync(join(folder, 'src/main.ts'))).toBe(false);
});
