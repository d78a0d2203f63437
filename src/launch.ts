/**
 * Runs the built program with the engine's code of an earlier start, which makes parsing and compiling unnecessary: two
 * fifths of a start. The code is in the user's cache directory, for this build and this engine; without it, or where it
 * is damaged, the same files are compiled. Bundled on its own, because it loads the rest.
 */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { dirname, join } from 'node:path';
import { cachedDataVersionTag, setFlagsFromString } from 'node:v8';
import { constants, Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** Hash of all files of the build, which the build puts in. */
declare const BUILD: string;
/** Files that hold several modules, by module (`packaging/packs.ts`): each exports a function for each of them. */
declare const PACKED: Readonly<Record<string, string>>;

/** Time after the start at which the code is kept, ms: on a Raspberry Pi, too, the first frames are over. */
const KEEP_AFTER_MS = 4_000;
/** Number of files in the cache; builds and commands beyond it lose theirs, the oldest first. */
const MOST_FILES = 24;
/** Of a file: length and checksum of the rest, length of the index. */
const HEADER_BYTES = 12;
/** The engine reads code in place where it is aligned. */
const ALIGNED = 8;

type Module = { exports: unknown };
type Pack = Readonly<Record<string, () => unknown>>;
interface Index {
  /** Node's own modules that the start loads. */
  builtIn: string[];
  /** Where each file's code is. */
  code: Record<string, [at: number, length: number]>;
}
const NOTHING: Index = { builtIn: [], code: {} };

/**
 * Keeps the young generation small, for programs that run long and allocate little: one of 16 MB would only be kept
 * (a server of 84 MB becomes one of 99, an interface of 79 one of 99). A megabyte is collected by the program's own
 * thread in 0.5 ms; with helpers the program waits until the busy machine has run each of them, 15 to 50 ms.
 *
 * The server's old generation, too: it grows by 30 % between two collections instead of fourfold (95 to 108 MB with 23
 * consoles filled become 78 to 82). An interface would start 8 ms later with it, and does so from its first console on
 * (`lib/memory.ts`).
 */
function keepHeapSmall(isServer: boolean): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-parallel-scavenge');
  if (isServer) setFlagsFromString('--optimize-for-size');
}

/** Runs `main.js` in the folder of the built files. */
export function launch(dist: string, words: readonly string[]): void {
  const isServer = words[0] === 'serve';
  const file = process.env.NODE_DISABLE_COMPILE_CACHE ? null : cacheFile(process.env, words);
  // Source maps are only applied to files that Node loads itself.
  if (file === null || process.env.RACKUI_DEBUG) {
    keepHeapSmall(isServer);
    createRequire(join(dist, 'main.js'))('./main.js');
  } else new Launch(dist, file).run(isServer);
}

/** Returns the file for this build, engine and command; null: the environment names no folder for it. */
function cacheFile({ XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv, words: readonly string[]): string | null {
  const base = XDG_CACHE_HOME?.startsWith('/') ? XDG_CACHE_HOME : HOME?.startsWith('/') ? join(HOME, '.cache') : null;
  if (base === null) return null;
  const command = /^[a-z]{1,16}$/.exec(words[0] ?? '')?.[0] ?? 'interface';
  const engine = `${process.versions.v8}-${process.arch}`;
  return join(base, 'rackui', `${BUILD}-${engine}-${command}`);
}

class Launch {
  readonly #dist: string;
  readonly #file: string;
  readonly #builtIn: NodeJS.Require;
  readonly #modules = new Map<string, Module>();
  readonly #scripts = new Map<string, Script>();
  readonly #builtInNames = new Set<string>();
  #index = NOTHING;
  #code: Buffer = Buffer.alloc(0);
  /** Describes the engine's settings at the start: code made under others would be refused then. Null: all was found. */
  #settings: number | null = null;
  #kept = false;

  constructor(dist: string, file: string) {
    this.#dist = dist;
    this.#file = file;
    this.#builtIn = createRequire(join(dist, 'main.js'));
  }

  run(isServer: boolean): void {
    try {
      const { index, code } = readCode(this.#file);
      this.#index = index;
      this.#code = code;
      // Before the settings, with which the engine refuses Node's compiled code: they load in 9 ms instead of 22.
      for (const name of index.builtIn) this.#builtIn(name);
      // Node loads this object's six modules when it is first used, and every start uses it.
      performance.now();
    } catch {
      this.#index = NOTHING;
    }
    keepHeapSmall(isServer);
    if (this.#index === NOTHING) this.#settings = cachedDataVersionTag();
    this.#load('./main.js');
    const timer = setTimeout(() => this.#keep(), KEEP_AFTER_MS);
    timer.unref();
    process.once('exit', (code) => {
      clearTimeout(timer);
      if (code === 0) this.#keep();
    });
  }

  #load(name: string): unknown {
    if (!name.startsWith('./')) return this.#loadBuiltIn(name);
    const pack = PACKED[name];
    if (pack !== undefined) return (this.#load(pack) as Pack)[name]?.();
    const known = this.#modules.get(name);
    if (known !== undefined) return known.exports;
    const path = join(this.#dist, name);
    const [at, length] = this.#index.code[name] ?? [0, 0];
    const script = new Script(wrap(readFileSync(path, 'utf8')), {
      filename: path,
      ...(length > 0 ? { cachedData: this.#code.subarray(at, at + length) } : {}),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (length === 0 || script.cachedDataRejected === true) this.#settings ??= cachedDataVersionTag();
    if (!this.#kept) this.#scripts.set(name, script);
    const module: Module = { exports: {} };
    this.#modules.set(name, module);
    const run = script.runInThisContext() as (...words: unknown[]) => void;
    run.call(module.exports, module.exports, (wanted: string) => this.#load(wanted), module, path, this.#dist);
    return module.exports;
  }

  /**
   * Keeps the code of all loaded files, with functions compiled since; once, and only where some was missing. Releases it
   * in any case: a megabyte or two.
   */
  #keep(): void {
    if (this.#kept) return;
    this.#kept = true;
    const settings = this.#settings;
    try {
      if (settings !== null && settings === cachedDataVersionTag())
        writeCode(this.#file, [...this.#builtInNames], this.#parts());
    } catch {
      // A full disk, or a folder that cannot be written: the next start compiles, too.
    }
    this.#scripts.clear();
    this.#index = NOTHING;
    this.#code = Buffer.alloc(0);
  }

  #loadBuiltIn(name: string): unknown {
    if (name.startsWith('node:')) this.#builtInNames.add(name);
    return this.#builtIn(name);
  }

  /** Returns the code of the loaded files, and of those that only other starts loaded. */
  #parts(): [name: string, code: Buffer][] {
    const others = Object.entries(this.#index.code).filter(([name]) => !this.#scripts.has(name));
    return [
      ...[...this.#scripts].map(([name, script]): [string, Buffer] => [name, script.createCachedData()]),
      ...others.map(([name, [at, length]]): [string, Buffer] => [name, this.#code.subarray(at, at + length)]),
    ];
  }
}

/** Reads a file of the cache. @throws where there is none, it is damaged, or others could have written it */
function readCode(file: string): { index: Index; code: Buffer } {
  checkOwner(dirname(file));
  const content = readFileSync(file);
  const rest = content.subarray(8);
  if (content.readUInt32LE(0) !== rest.length || content.readUInt32LE(4) !== crc32(rest)) throw new Error('damaged');
  const indexed = HEADER_BYTES + content.readUInt32LE(8);
  const index = JSON.parse(content.toString('latin1', HEADER_BYTES, indexed)) as Index;
  return { index, code: content.subarray(padded(indexed)) };
}

/** Writes a file of the cache in one step, and removes the oldest ones. @throws where it cannot be written */
function writeCode(file: string, builtIn: string[], parts: readonly [name: string, code: Buffer][]): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkOwner(folder);
  const index: Index = { builtIn, code: {} };
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [name, code] of parts) {
    index.code[name] = [at, code.length];
    pieces.push(code, Buffer.alloc(padded(code.length) - code.length));
    at += padded(code.length);
  }
  const words = Buffer.from(JSON.stringify(index), 'latin1');
  const before = HEADER_BYTES + words.length;
  const content = Buffer.concat([Buffer.alloc(HEADER_BYTES), words, Buffer.alloc(padded(before) - before), ...pieces]);
  content.writeUInt32LE(words.length, 8);
  const rest = content.subarray(8);
  content.writeUInt32LE(rest.length, 0);
  content.writeUInt32LE(crc32(rest), 4);
  const temporary = `${file}.${process.pid}`;
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(fd, content);
    // After a loss of power a renamed file could be one of zeros.
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
  const files = readdirSync(folder).map((name) => join(folder, name));
  const byAge = files.map((path) => ({ path, at: statSync(path).mtimeMs })).sort((a, b) => b.at - a.at);
  for (const { path } of byAge.slice(MOST_FILES)) rmSync(path, { force: true });
}

/** Checks a folder of the cache: whoever writes its files decides what this program does. @throws where others may */
function checkOwner(folder: string): void {
  const { uid, mode } = lstatSync(folder);
  if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) throw new Error(`${folder} is not this user's alone`);
}

const padded = (length: number): number => Math.ceil(length / ALIGNED) * ALIGNED;
