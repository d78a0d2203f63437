/**
 * Builds the program into `dist/`: one bundle of its modules and libraries, the files that libraries read at run time,
 * and the notices that their licences demand. The bundle is in pieces, first as modules, which esbuild can split, then
 * as CommonJS, whose compiled code Node.js 20 can keep (`src/launch.ts`).
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { licenceTexts } from './licences.ts';
import { divide, loadLater, packOf, writePacks } from './packs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const MODULES = join(ROOT, 'node_modules');
/** The bundle's pieces as modules, until they are rewritten. Beside the sources, so that the source maps find them. */
const PIECES = join(ROOT, 'dist/pieces');

/** Compiled code that a package manager chooses for the machine. */
const EXTERNAL = ['@lydell/node-pty'];

/**
 * Begins each piece. A library's `__dirname + '/../X'` is `dist/X`; `_later` is `import` of another piece, as long as that
 * word for the source maps; `_atneed` is `require` (`___atneed`: `__require`) of a module of Node.js that is loaded when
 * it is first used, of the same length, too; `_ready` resolves when the piece can be used, if it cannot be at once.
 */
const PRELUDE =
  `const __libraries=__dirname+'/lib',_later=name=>Promise.resolve().then(()=>require(name)),` +
  `_atneed=name=>{let all;return new Proxy({},{get:(_,key)=>(all??=process.getBuiltinModule(name))[key]})},___atneed=_atneed;let _ready;`;
/** Modules of Node.js that starts import and do not use: together they take 15 ms to load. */
const AT_NEED = /(?<!__toESM\()\b(__)?require(?=\("(?:node:)?(?:child_process|crypto|fs\/promises|tls)"\))/g;
const END = `if(_ready){const all=module.exports;module.exports=_ready.then(()=>all)}`;
const LATER_YOGA = `let Yoga;
_ready = loadYoga().then((assembly) => (Yoga = wrapAssembly(assembly)));
export { Yoga as default };`;

const COMPILED_LATER = `
      let compiled = null;
      info.methods[key] = !info[type][key] || type !== 'strings'
        ? self._compile(info, key, info.all[key])
        : (params) => (compiled ??= self._compile(info, key, info.all[key])).call(self, params);`;

/** What blessed uses of the module of Node.js, which takes 3 ms to load. */
const ASSERT = `Object.assign((holds) => { if (!holds) throw new Error('not as expected'); },
{ ok: (holds) => { if (!holds) throw new Error('not as expected'); },
  equal: (a, b) => { if (a != b) throw new Error('not as expected'); } })`;

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

const OUTPUT = {
  platform: 'node',
  target: 'node20.19',
  // Names stay, for the traces that users send.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
} as const;

/** Files that are bundled with a change. */
const changes: Plugin = {
  name: 'changes',
  setup(bundle) {
    bundle.onLoad({ filter: /\/blessed\/lib\/blessed\.js$/ }, () => ({ contents: BLESSED }));
    bundle.onLoad({ filter: /\/debug\/src\/index\.js$/ }, () => ({ contents: NO_TRACES }));
    const change = (filter: RegExp, ...changed: [from: string, to: string][]): void =>
      bundle.onLoad({ filter }, ({ path }) => {
        let contents = readFileSync(path, 'utf8');
        for (const [from, to] of changed) {
          if (!contents.includes(from)) throw new Error(`${path} does not have '${from}' as expected`);
          contents = contents.replaceAll(from, to);
        }
        return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
      });
    // The engine takes twice the memory for a file with characters beyond Latin-1, which esbuild leaves in patterns.
    bundle.onLoad({ filter: /\/src\/(?:console|power)\/.*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/[^\0-\x7f]/g, asEscape),
      loader: 'ts',
    }));
    // Node warns on the terminal about this constructor, except within node_modules.
    change(/\/(?:drawille-blessed-contrib\/index|blessed\/lib\/gpmclient)\.js$/, ['new Buffer(', 'Buffer.alloc(']);
    const processes: [string, string] = ["require('child_process')", "_atneed('child_process')"];
    change(/\/blessed\/lib\/(?:program|widgets\/screen)\.js$/, processes);
    change(
      /\/blessed\/lib\/tput\.js$/,
      processes,
      ["require('assert')", ASSERT],
      // The system's description of the terminal is of a newer form, which blessed takes 4 ms to refuse.
      ['this.injectTerminfo();', 'this._useInternalInfo(this.terminal);'],
      // Of a terminal's 300 capabilities a few are used: each is compiled when it is.
      ['info.methods[key] = self._compile(info, key, info.all[key]);', COMPILED_LATER],
    );
    change(/\/(?:blessed\/lib\/widgets\/element|sonic-boom\/index)\.js$/, ["require('assert')", ASSERT]);
    // The server's log is written by its own thread.
    change(/\/pino\/lib\/tools\.js$/, [
      "const { isMainThread } = require('worker_threads')",
      'const isMainThread = true',
    ]);
    change(
      /\/thread-stream\/index\.js$/,
      ["require('assert')", ASSERT],
      ["const { Worker } = require('worker_threads')", ''],
      ['new Worker(', "new (require('worker_threads').Worker)("],
    );
    // A module that is loaded when it is first needed stays so within the bundle.
    change(/\/src\/config\/value-types\.ts$/, ['createRequire(import.meta.url)(', 'require(']);
    // CommonJS waits for nothing at the top level: the piece itself becomes a promise.
    change(/\/ink\/build\/reconciler\.js$/, ['isDev()', 'false']);
    change(/\/yoga-layout\/dist\/src\/index\.js$/, [
      'const Yoga = wrapAssembly(await loadYoga());\nexport default Yoga;',
      LATER_YOGA,
    ]);
  },
};

function asEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Returns a hash of the program's files in a folder. */
function hashOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort())
    if (name.endsWith('.js')) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}

// esbuild spends an eighth of its processor time on collecting memory, of which it needs little.
process.env['GOGC'] ??= '400';
rmSync(DIST, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/main.ts'],
  outdir: PIECES,
  bundle: true,
  splitting: true,
  format: 'esm',
  jsx: 'automatic',
  external: EXTERNAL,
  define: { 'process.env.NODE_ENV': '"production"', __dirname: '__libraries' },
  plugins: [changes],
  ...OUTPUT,
  metafile: true,
});
const pieces = readdirSync(PIECES).filter((name) => name.endsWith('.js'));
const text = (name: string): string => readFileSync(join(PIECES, name), 'utf8');
const waiting = pieces.filter((name) => text(name).includes('_ready='));
for (const { path, kind } of Object.values(metafile.outputs).flatMap(({ imports }) => imports))
  if (kind === 'import-statement' && waiting.includes(basename(path)))
    throw new Error(`${path} is used before it is ready`);
const packs = divide(metafile);
for (const name of pieces) loadLater(join(PIECES, name), packs);
const common = {
  absWorkingDir: ROOT,
  format: 'cjs',
  define: { 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
  banner: { js: PRELUDE },
  ...OUTPUT,
} as const;
await build({
  ...common,
  entryPoints: pieces.filter((name) => packOf(packs, name) === undefined).map((name) => join(PIECES, name)),
  outdir: DIST,
  footer: { js: END },
});
const packed = await writePacks(metafile, packs, PIECES, DIST, common);
rmSync(PIECES, { recursive: true });
for (const path of readdirSync(DIST).filter((name) => name.endsWith('.js'))) {
  const file = join(DIST, path);
  writeFileSync(file, readFileSync(file, 'utf8').replace(AT_NEED, '$1_atneed'));
}
// Node would take the files for modules as it does the sources.
writeFileSync(join(DIST, 'package.json'), '{"type":"commonjs"}\n');
await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/launch.ts'],
  outdir: DIST,
  bundle: true,
  format: 'cjs',
  define: { BUILD: JSON.stringify(hashOf(DIST)), PACKED: JSON.stringify(packed) },
  ...OUTPUT,
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
