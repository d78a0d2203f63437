/**
 * Puts the pieces that a start loads together into one file, a pack: reading, linking and evaluating each of some sixty
 * files takes a start a tenth longer. A pack exports a function for each of its pieces that others load; the piece runs
 * at its first call. Files with the names of these pieces are for Node.js, where it loads the pieces itself.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';

const MAIN = 'main.js';
/** Packs by the modules that a start loads, in the order of the loading. */
const STARTS: Record<string, readonly string[]> = {
  [MAIN]: ['src/main.ts', 'src/client/autostart.ts'],
  'interface.js': [
    ...['src/cli/commands/tui.ts', 'src/tui/app.ts', 'src/tui/keymap/key-table.ts'],
    ...['src/tui/terminal/terminal.ts', 'src/tui/terminal/theme.ts'],
  ],
  'serve.js': ['src/cli/commands/server.ts', 'src/server/serve.ts'],
  // Also that of an interface's first console, which would hold the text of the whole server otherwise.
  'emulator.js': ['src/tui/console/emulator.ts'],
  'rack-server.js': ['src/server/rack-server.ts'],
};
/** What this and a server share is in the main pack. */
const INTERFACE = 'interface.js';

/** Pieces of each pack, by name. */
export type Packs = ReadonlyMap<string, ReadonlySet<string>>;

interface Piece {
  entryPoint: string | undefined;
  imports: { name: string; later: boolean }[];
}

function piecesOf({ outputs }: Metafile): Map<string, Piece> {
  const pieces = Object.entries(outputs).filter(([path]) => path.endsWith('.js'));
  return new Map(
    pieces.map(([path, { entryPoint, imports }]) => [
      basename(path),
      {
        entryPoint,
        imports: imports
          .filter(({ external }) => external !== true)
          .map((one) => ({ name: basename(one.path), later: one.kind === 'dynamic-import' })),
      },
    ]),
  );
}

/** Divides the pieces that starts load among the packs. @throws where a module of a start has no piece of its own */
export function divide(metafile: Metafile): Packs {
  const pieces = piecesOf(metafile);
  const needed = (name: string, found = new Set<string>()): Set<string> => {
    if (found.has(name)) return found;
    found.add(name);
    for (const one of pieces.get(name)?.imports ?? []) if (!one.later) needed(one.name, found);
    return found;
  };
  const pieceOf = (module: string): string => {
    const found = [...pieces].find(([, { entryPoint }]) => entryPoint === module);
    if (found === undefined) throw new Error(`${module} is no piece of its own`);
    return found[0];
  };
  const starts = new Map(
    Object.entries(STARTS).map(([pack, modules]) => [
      pack,
      new Set(modules.flatMap((module) => [...needed(pieceOf(module))])),
    ]),
  );
  const ofServer = new Set([...(starts.get('serve.js') ?? []), ...(starts.get('rack-server.js') ?? [])]);
  for (const name of starts.get(INTERFACE) ?? []) if (ofServer.has(name)) starts.get(MAIN)?.add(name);
  const taken = new Set<string>();
  return new Map(
    [...starts].map(([pack, names]) => {
      const own = new Set([...names].filter((name) => !taken.has(name)));
      for (const name of own) taken.add(name);
      return [pack, own];
    }),
  );
}

/** Returns the pack of a piece; undefined: it is a file of its own. */
export function packOf(packs: Packs, piece: string): string | undefined {
  return [...packs].find(([, names]) => names.has(piece))?.[0];
}

/** Writes the packs, from the pieces in `from`, into `to`; returns the pack of each piece that others load. */
export async function writePacks(
  metafile: Metafile,
  packs: Packs,
  from: string,
  to: string,
  options: BuildOptions,
): Promise<Record<string, string>> {
  const pieces = piecesOf(metafile);
  const packed: Record<string, string> = {};
  for (const [pack, names] of packs) {
    const loaded = [...pieces]
      .filter(([importer]) => !names.has(importer))
      .flatMap(([, { imports }]) => imports.map(({ name }) => name));
    const offered = [...new Set(loaded)].filter((name) => names.has(name)).sort();
    // Values instead of accessors: no module changes what it exports once it has run.
    const run = offered.map((name, i) => `"./${name}":()=>pieces[${i}]??={...require("./${name}")}`);
    const lines = ['const pieces=[];', `Object.assign(exports,{${run.join()}});`];
    if (names.has(MAIN)) lines.push(`require("./${MAIN}");`);
    await build({
      ...options,
      stdin: { contents: lines.join('\n'), resolveDir: from },
      outfile: join(to, pack),
      bundle: true,
      packages: 'external',
      plugins: [outside(names)],
    });
    for (const name of offered) {
      packed[`./${name}`] = `./${pack}`;
      writeFileSync(join(to, name), `module.exports=require("./${pack}")["./${name}"]();\n`);
    }
  }
  return packed;
}

/** Leaves the pieces of other files to be loaded. */
function outside(names: ReadonlySet<string>): Plugin {
  return {
    name: 'outside',
    setup(bundle) {
      bundle.onResolve({ filter: /^\.\// }, ({ path }) =>
        names.has(basename(path)) ? null : { path, external: true },
      );
    },
  };
}

/** Makes `import` of a piece in another file `_later`, a word as long for the source maps. */
export function loadLater(path: string, packs: Packs): void {
  const pack = packOf(packs, basename(path));
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(/\bimport\(("\.\/([\w-]+\.js)")\)/g, (same, specifier: string, name: string) =>
    pack !== undefined && packOf(packs, name) === pack ? same : `_later(${specifier})`,
  );
  writeFileSync(path, changed);
}
