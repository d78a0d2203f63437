/** The source files below src/, and which of them imports which. Read by the architecture test and `npm run structure`. */
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ts from 'typescript/unstable/ast';
import { openProject, sourceAt } from './program.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

export interface Import {
  file: string;
  /** Path below src/, or a package's name, or `node:…`. */
  target: string;
  /** `type`: erased by the compiler; `lazy`: by `import()`, when the code runs. */
  kind: 'value' | 'type' | 'lazy';
}

/** Paths below src/, sorted. */
export const files: readonly string[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .sort();

const project = openProject('syntax');

export const sources: ReadonlyMap<string, ts.SourceFile> = new Map(
  files.map((file) => [file, sourceAt(project, join(SRC, file))]),
);

export const imports: readonly Import[] = [...sources].flatMap(([file, source]) => importsOf(file, source));

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
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

const known = new Set(files);

/** Whether the target is a file below src/. */
export const isOwn = ({ target }: Import): boolean => known.has(target);

/** The files each file imports, by imports of these kinds only. */
export function edgesOf(...kinds: readonly Import['kind'][]): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  for (const one of imports)
    if (isOwn(one) && kinds.includes(one.kind)) edges.set(one.file, [...(edges.get(one.file) ?? []), one.target]);
  return edges;
}

/**
 * Groups of files that reach each other (strongly connected components of two files or more), largest first, each
 * sorted. Tarjan's algorithm; the graph is a few hundred files deep at most.
 */
export function circles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const connect = (file: string): number => {
    let lowest = index.size;
    index.set(file, lowest);
    low.set(file, lowest);
    const own = lowest;
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, connect(next));
      else if (stack.includes(next)) lowest = Math.min(lowest, low.get(next) ?? lowest);
      low.set(file, lowest);
    }
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(file));
      if (group.length > 1) found.push(group.sort());
    }
    return lowest;
  };
  for (const file of edges.keys()) if (!index.has(file)) connect(file);
  return found.sort((a, b) => b.length - a.length);
}
