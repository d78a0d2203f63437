/** What `npm pack` would ship: everything the program reads at run time, nothing else of the sources. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

test('the packed files are enough to run, from any directory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-package-'));
  try {
    // Without scripts: the build that is tested is the one that is there.
    const { stdout } = await exec('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
    const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
    const files = (packed?.files ?? []).map(({ path }) => path);
    expect(files).toEqual(
      expect.arrayContaining([
        ...['bin/rackui', 'dist/main.js', 'package.json', 'README.md', 'LICENSE'],
        ...['themes/dark.json', 'src/config/racks/er24a.yaml', 'docs/commands.md'],
      ]),
    );
    expect(files.filter((path) => /\.tsx?$|^test\/|^\.ci\//.test(path))).toEqual([]);

    for (const path of files) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const env = { ...process.env, XDG_CONFIG_HOME: folder };
    const rackui = async (...args: string[]): Promise<string> =>
      (await exec(process.execPath, [join(folder, 'bin/rackui'), ...args], { cwd: '/', env })).stdout;
    expect(await rackui('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await rackui('--config', join(folder, 'src/config/racks/er24a.yaml'), 'config', 'check')).toContain(
      '24 nodes',
    );
    expect(existsSync(join(folder, 'src/main.ts'))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
