/**
 * Builds the program into `dist/`: one bundle of its modules and libraries, the files that libraries read at run time,
 * and the notices that their licences demand.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { licenceTexts } from './licences.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const MODULES = join(ROOT, 'node_modules');

/** Compiled code that a package manager chooses for the machine; and a module that Ink names and nobody installs. */
const EXTERNAL = ['@lydell/node-pty', 'react-devtools-core'];

/** Names that CommonJS modules expect. A library's `__dirname + '/../X'` is `dist/X`. */
const PRELUDE = `import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url),__dirname=import.meta.dirname+'/lib';`;

/** The used part of blessed: the other widgets would be loaded with it. */
const BLESSED = `
const Screen = require('./widgets/screen');
module.exports = { Screen, screen: Screen, Node: require('./widgets/node'), Box: require('./widgets/box') };
`;

/** Libraries trace themselves by it where DEBUG names them; it would be loaded at each start, with its colours. */
const NO_TRACES = `
const silent = () => Object.assign(() => undefined, { enabled: false, extend: silent });
module.exports = silent;
`;

/** Files that are bundled with a change. */
const changes: Plugin = {
  name: 'changes',
  setup(bundle) {
    bundle.onLoad({ filter: /\/blessed\/lib\/blessed\.js$/ }, () => ({ contents: BLESSED }));
    bundle.onLoad({ filter: /\/debug\/src\/index\.js$/ }, () => ({ contents: NO_TRACES }));
    // Node warns on the terminal about this constructor, except within node_modules.
    bundle.onLoad({ filter: /\/(?:drawille-blessed-contrib\/index|blessed\/lib\/gpmclient)\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const contents = source.replaceAll('new Buffer(', 'Buffer.alloc(');
      if (contents === source) throw new Error(`${path} does not make its buffers as expected`);
      return { contents };
    });
    // A module that is loaded when it is first needed stays so within the bundle.
    bundle.onLoad({ filter: /\/src\/config\/value-types\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const contents = source.replace('createRequire(import.meta.url)(', 'require(');
      if (contents === source) throw new Error(`${path} does not load its engine as expected`);
      return { contents, loader: 'ts' };
    });
  },
};

rmSync(DIST, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/main.ts'],
  outdir: DIST,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  jsx: 'automatic',
  external: EXTERNAL,
  define: { 'process.env.NODE_ENV': '"production"' },
  banner: { js: PRELUDE },
  plugins: [changes],
  // Names stay, for the traces that users send.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
});

// Compiled code of the serial port's library, for each processor and C library that rackui runs on.
for (const platform of ['linux-x64', 'linux-arm64'])
  cpSync(join(MODULES, '@serialport/bindings-cpp/prebuilds', platform), join(DIST, 'prebuilds', platform), {
    recursive: true,
  });
// blessed's description of the terminal that rackui writes for, where the system has none.
mkdirSync(join(DIST, 'usr'));
for (const terminal of ['xterm', 'xterm-256color'])
  cpSync(join(MODULES, 'blessed/usr', terminal), join(DIST, 'usr', terminal));

const packages = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
);
const licences = licenceTexts([...packages].sort().map((folder) => join(ROOT, folder)));
writeFileSync(
  join(DIST, 'NOTICE'),
  `Parts of these packages are in dist/, each group with its licence:\n\n${licences}\n`,
);
writeFileSync(join(DIST, 'version'), execFileSync(join(ROOT, 'packaging/version.sh')));
