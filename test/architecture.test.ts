/** The directions in which rooms may depend, as docs/ARCHITECTURE.md states them, held against every import. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What clients share with the server of a node's console: the emulator and how its cells are shown. */
const EMULATOR = [
  'console/emulator.ts',
  'console/input-filter.ts',

  'console/printed-lines.ts',
  'console/sequence-parser.ts',
];

/** Which rooms (or single files) of src/ each room may import. `type`: only types; `lazy`: only when it is needed. */
const MAY: Record<string, readonly string[]> = {
  lib: [],
  rack: ['lib/words.ts'],
  api: ['rack'],
  config: ['lib/users.ts', 'lib/words.ts', 'rack'],
  bmc: ['lib', 'rack'],
  console: ['lib/control-chars.ts', 'lib/words.ts', 'rack'],
  power: ['lib', 'rack', 'api', 'console', 'bmc/types.ts', 'config (type)'],
  server: ['lib', 'rack', 'api', 'config', 'bmc', 'console', 'power'],
  client: ['lib', 'rack', 'api', 'config'],
  tui: ['lib', 'rack', 'api', 'client', ...EMULATOR],
  cli: [
    'lib',
    'rack',
    'api',
    'config',
    'client',
    ...EMULATOR,
    'tui (lazy)',
    'tui (type)',
    'server (lazy)',
    'sim (lazy)',
  ],
  sim: [],
  'main.ts': ['cli'],
};

/** Packages that only certain files may import. */
const ONLY: Record<string, RegExp> = {
  serialport: /^bmc\/serial-port\.ts$/,
  blessed: /^tui\/terminal\//,
  'blessed-contrib': /^tui\/terminal\//,
  ink: /^cli\//,
  react: /^cli\//,
  '@lydell/node-pty': /^sim\//,
  '@xterm/headless': /^(console|tui|cli\/console)\//,
  re2js: /^config\/value-types\.ts$/,
  '@xterm/addon-serialize': /^console\//,
  'vscode-jsonrpc': /^(client|server)\//,
  commander: /^(cli\/(program|declarations|exit-codes)\.ts|sim\/(cli|options)\.ts$)/,
  zod: /^(config\/|server\/|lib\/json-file|cli\/commands\/config)/,
  yaml: /^(config|sim|cli\/commands\/config)/,
  pino: /^server\//,
};

/** Where the wall clock is read: for what is shown or written with a date. Everything else counts by `lib/clock.ts`. */
const DATES = [
  /^lib\/clock\.ts$/,
  /^sim\//,
  /^console\/transcript\.ts$/,
  /^cli\/(commands\/(discover|doctor|log)|terminal-output)\.ts$/,
  /^tui\/rack-session\.ts$/,
];

/** No clock, no process, no input or output: everything comes in as a value. */
const PURE = [
  /^rack\//,
  /^api\//,
  /^tui\/(model|keymap|layout|map|detail|ups|overlays|screen)\//,
  /^tui\/(update|mouse|server-events|global-commands)\.ts$/,
  /^power\/(shutdown\/(?!runner|console|probes)|boot-)/,
];
const IMPURE_NAMES = ['process', 'setTimeout', 'setInterval', 'setImmediate', 'performance'];

interface Import {
  file: string;
  /** Path below src/, or a package's name, or `node:…`. */
  target: string;
  kind: 'value' | 'type' | 'lazy';
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .sort();
const sources = new Map(
  files.map((file) => [
    file,
    ts.createSourceFile(file, readFileSync(join(SRC, file), 'utf8'), ts.ScriptTarget.Latest, true),
  ]),
);
const imports = [...sources].flatMap(([file, source]) => importsOf(file, source));

function importsOf(file: string, source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node, kind: Import['kind']): void => {
    if (!ts.isStringLiteral(specifier)) return;
    const { text } = specifier;
    const target = text.startsWith('.') ? relative(SRC, join(SRC, dirname(file), text)) : text;
    found.push({ file, target, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const named = node.importClause?.namedBindings;
      const allTypes =
        node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
        (named !== undefined &&
          ts.isNamedImports(named) &&
          node.importClause?.name === undefined &&
          named.elements.length > 0 &&
          named.elements.every((element) => element.isTypeOnly));
      add(node.moduleSpecifier, allTypes ? 'type' : 'value');
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier)
      add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'value');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0])
      add(node.arguments[0], 'lazy');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const room = (path: string): string => path.split('/')[0] ?? path;
const isOwn = ({ target }: Import): boolean => files.includes(target);

test('rooms depend in one direction only', () => {
  const wrong = imports
    .filter((one) => isOwn(one) && room(one.file) !== room(one.target))
    .filter(({ file, target, kind }) => {
      const may = MAY[room(file)] ?? [];
      return !may.includes(room(target)) && !may.includes(target) && !may.includes(`${room(target)} (${kind})`);
    });
  expect(wrong.map(({ file, target, kind }) => `${file} → ${target} (${kind})`)).toEqual([]);
});

test('every room of src is in the table', () => {
  expect([...new Set(files.map(room))].filter((name) => !(name in MAY))).toEqual([]);
});

test.each(Object.entries(ONLY))('%s is imported only where it belongs', (name, allowed) => {
  const importers = imports.filter(({ target }) => target === name || target.startsWith(`${name}/`));
  expect(importers.filter(({ file }) => !allowed.test(file)).map(({ file }) => file)).toEqual([]);
});

describe('pure rooms', () => {
  const pure = files.filter((file) => PURE.some((pattern) => pattern.test(file)));

  test('import nothing of node', () => {
    const wrong = imports.filter(({ file, target }) => pure.includes(file) && target.startsWith('node:'));
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  test('take the time as a value', () => {
    const wrong = imports.filter(({ file, target }) => pure.includes(file) && target === 'lib/clock.ts');
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });

  test('have no clock, no chance and no process', () => {
    const wrong = pure.flatMap((file) => {
      const found: string[] = [];
      const visit = (node: ts.Node): void => {
        if (ts.isPropertyAccessExpression(node) && /^(Date\.now|Math\.random)$/.test(node.getText()))
          found.push(`${file}: ${node.getText()}`);
        if (ts.isNewExpression(node) && node.getText() === 'new Date()') found.push(`${file}: new Date()`);
        if (ts.isIdentifier(node) && IMPURE_NAMES.includes(node.text) && isGlobalUse(node))
          found.push(`${file}: ${node.text}`);
        ts.forEachChild(node, visit);
      };
      const source = sources.get(file);
      if (source) visit(source);
      return found;
    });
    expect(wrong).toEqual([]);
  });
});

test('the wall clock is read only where a date is shown or written', () => {
  const readers = files.filter((file) => {
    if (DATES.some((pattern) => pattern.test(file))) return false;
    const text = sources.get(file)?.text ?? '';
    return /\bDate\.now\b|new Date\(\)/.test(text);
  });
  expect(readers).toEqual([]);
});

/** `process.env` and `setTimeout(…)`, but not `{ process: … }` or `this.process`. */
function isGlobalUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return ts.isCallExpression(parent) && parent.expression === node;
}

describe('import circles', () => {
  test('no file imports itself, however far round', () => {
    expect(circlesOf(imports.filter(({ kind }) => kind === 'value'))).toEqual([]);
  });

  test('no file of the interface imports itself, types included', () => {
    const own = ({ file, target }: Import): boolean => room(file) === 'tui' && room(target) === 'tui';
    expect(circlesOf(imports.filter((one) => own(one) && one.kind !== 'lazy'))).toEqual([]);
  });
});

/** Finds circles among imports: each as the files on the way round, the first of them again at the end. */
function circlesOf(among: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const one of among) if (isOwn(one)) edges.set(one.file, [...(edges.get(one.file) ?? []), one.target]);
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (file: string, trail: string[]): void => {
    if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
    if (done.has(file) || trail.includes(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  return circles;
}

test('the byte that closes a pipe is written down in one place of the driver', () => {
  const writers = files.filter((file) => /^bmc\//.test(file) && /\bclosePipe\(/.test(sources.get(file)?.text ?? ''));
  expect(writers.length).toBeGreaterThan(0);
  const sends = files.filter((file) => !/^(bmc|sim)\//.test(file) && /closePipe/.test(sources.get(file)?.text ?? ''));
  expect(sends).toEqual([]);
});
