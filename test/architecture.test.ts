/** The directions in which rooms may depend, as docs/dev/architecture.md states them, held against every import. */
import * as ts from 'typescript/unstable/ast';
import { describe, expect, test } from 'vitest';
import { directionFaults, MAY, room } from './structure/directions.ts';
import { circles, edgesOf, files, imports, sources } from './structure/imports.ts';

/** Packages that only certain files may import. */
const ONLY: Record<string, RegExp> = {
  '@serialport/bindings-cpp': /^bmc\/serial-port\.ts$/,
  mqtt: /^server\/mqtt\/mqtt\.ts$/,
  'prom-client': /^server\/metrics\/metrics\.ts$/,
  hono: /^server\/http\//,
  '@hono/node-server': /^server\/http\//,
  blessed: /^tui\/terminal\//,
  'blessed-contrib': /^tui\/terminal\//,
  ink: /^cli\//,
  react: /^cli\//,
  '@lydell/node-pty': /^sim\//,
  '@xterm/headless': /^(console|tui|cli\/console)\//,
  re2js: /^config\/value-types\.ts$/,
  'vscode-jsonrpc': /^(client|server)\//,
  commander:
    /^(cli\/(program|((node|plan)-)?declarations|exit-codes|completion\/(completion|command-line))\.ts|sim\/(cli|options)\.ts$)/,
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

test('rooms depend in one direction only', () => {
  expect(directionFaults().map(({ file, target, kind }) => `${file} → ${target} (${kind})`)).toEqual([]);
});

test('every room of src is in the table', () => {
  expect([...new Set(files.map(room))].filter((name) => !(name in MAY))).toEqual([]);
});

test('the start of every command loads no package but commander: schema and emulator cost it 100 ms', () => {
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const one of imports) if (one.file === file && one.kind === 'value') load(one.target);
  };
  load('main.ts');
  const packages = [...loaded].filter((name) => !name.startsWith('node:') && !files.includes(name));
  expect(packages).toEqual(['commander']);
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
        node.forEachChild(visit);
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

test('no file imports itself, however far round, types included', () => {
  expect(circles(edgesOf('value', 'type'))).toEqual([]);
});

test('the byte that closes a pipe is written down in one place of the driver', () => {
  const writers = files.filter((file) => /^bmc\//.test(file) && /\bclosePipe\(/.test(sources.get(file)?.text ?? ''));
  expect(writers.length).toBeGreaterThan(0);
  const sends = files.filter((file) => !/^(bmc|sim)\//.test(file) && /closePipe/.test(sources.get(file)?.text ?? ''));
  expect(sends).toEqual([]);
});
