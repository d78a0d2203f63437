/** Reads the server's methods out of the sources: documentation, access, result type, errors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ts from 'typescript/unstable/ast';
import { SymbolFlags, type Symbol } from 'typescript/unstable/sync';
import { openProject, sourceAt } from '../structure/program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONTRACT = 'src/api/methods.ts';
const ACCESS = 'src/server/rpc/access.ts';
const HANDLERS = 'src/server/rpc/';

export interface MethodModel {
  name: string;
  doc: string;
  access: string;
  result: string;
  /** Names in RPC_ERROR that the handler or a function it calls can answer with. */
  errors: string[];
}

export interface Declaration {
  name: string;
  file: string;
  text: string;
}

const project = openProject('types');
const { program, checker } = project;
const nameOf = (source: ts.SourceFile): string => source.fileName.slice(ROOT.length);
const isOurs = (source: ts.SourceFile): boolean => nameOf(source).startsWith('src/');

const sourceOf = (file: string): ts.SourceFile => sourceAt(project, ROOT + file);

function statement<T extends ts.Statement>(file: string, is: (node: ts.Statement) => node is T, name: string): T {
  const found = sourceOf(file)
    .statements.filter(is)
    .find((node) => node.getText().includes(` ${name}`) && named(node) === name);
  if (found === undefined) throw new Error(`${file} declares no ${name}: correct test/reference/model.ts`);
  return found;
}

function named(node: ts.Statement): string | undefined {
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return node.name.text;
  return ts.isVariableStatement(node) ? node.declarationList.declarations[0]?.name.getText() : undefined;
}

function initializer(file: string, name: string): ts.Expression {
  let value = statement(file, ts.isVariableStatement, name).declarationList.declarations[0]?.initializer;
  while (value !== undefined && (ts.isAsExpression(value) || ts.isSatisfiesExpression(value))) value = value.expression;
  if (value === undefined) throw new Error(`${file}: ${name} has no value`);
  return value;
}

/** The text of a documentation comment, its lines joined, `{@link X}` as code. */
function docOf(node: ts.Node): string {
  const [comment] = (ts.getLeadingCommentRanges(node.getSourceFile().text, node.getFullStart()) ?? []).slice(-1);
  if (comment === undefined) return '';
  return node
    .getSourceFile()
    .text.slice(comment.pos, comment.end)
    .replaceAll(/^\/\*\*|\*\/$|^\/\/ ?/g, '')
    .replaceAll(/\n\s*\* ?/g, ' ')
    .replaceAll(/\{@link ([\w.]+)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function membersOf(
  name: string,
): { name: string; node: ts.PropertySignatureDeclaration; types: readonly ts.TypeNode[] }[] {
  return statement(CONTRACT, ts.isInterfaceDeclaration, name)
    .members.filter(ts.isPropertySignatureDeclaration)
    .map((node) => ({
      name: ts.isStringLiteral(node.name) ? node.name.text : node.name.getText(),
      node,
      types: ts.isTupleTypeNode(node.type) ? node.type.elements : [node.type],
    }));
}

/** Access of each request: `view`, `control`, or the condition that decides. */
function accesses(): Map<string, string> {
  const table = initializer(ACCESS, 'REQUEST_NEEDS');
  const found = new Map<string, string>();
  if (!ts.isObjectLiteralExpression(table)) throw new Error(`${ACCESS}: REQUEST_NEEDS is no table`);
  for (const entry of table.properties.filter(ts.isPropertyAssignment)) {
    const name = ts.isStringLiteral(entry.name) ? entry.name.text : entry.name.getText();
    found.set(name, accessText(entry.initializer));
  }
  return found;
}

function accessText(value: ts.Expression): string {
  if (ts.isStringLiteral(value)) return value.text;
  let body: ts.Node = ts.isArrowFunction(value) ? value.body : value;
  while (ts.isParenthesizedExpression(body)) body = body.expression;
  if (!ts.isConditionalExpression(body)) throw new Error(`${ACCESS}: cannot read ${value.getText()}`);
  return `${accessText(body.whenTrue)} if \`${body.condition.getText()}\`, otherwise ${accessText(body.whenFalse)}`;
}

/** The handler of each method: a property of an object literal in the folder of handlers. */
function handlers(names: ReadonlySet<string>): Map<string, ts.Node> {
  const found = new Map<string, ts.Node>();
  const visit = (node: ts.Node): void => {
    if ((ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node)) && ts.isObjectLiteralExpression(node.parent)) {
      const name = ts.isStringLiteral(node.name) || ts.isIdentifier(node.name) ? node.name.text : '';
      const value = ts.isMethodDeclaration(node) ? node.body : node.initializer;
      if (names.has(name) && value && (ts.isMethodDeclaration(node) || ts.isArrowFunction(value)))
        found.set(name, value);
    }
    node.forEachChild(visit);
  };
  for (const file of program.getSourceFileNames())
    if (file.startsWith(ROOT + HANDLERS) && !/(access|params)\.ts$/.test(file)) visit(sourceAt(project, file));
  return found;
}

const errorsOf = new Map<ts.Node, ReadonlySet<string>>();

/** Code of each error class of the domain, as `responseOf` maps them. */
const mapped = new Map(
  [
    ...readFileSync(join(ROOT, HANDLERS, 'errors.ts'), 'utf8').matchAll(/instanceof (\w+)\) return rpcError\('(\w+)'/g),
  ].map(([, name = '', code = '']) => [name, code]),
);

/** The codes of all errors that can be thrown from here, by calls of functions in src/server and src/power. */
function errorsFrom(node: ts.Node): ReadonlySet<string> {
  const known = errorsOf.get(node);
  if (known !== undefined) return known;
  const found = new Set<string>();
  errorsOf.set(node, found);
  const visit = (inner: ts.Node): void => {
    const code = ts.isNewExpression(inner) ? mapped.get(inner.expression.getText()) : undefined;
    if (code !== undefined) found.add(code);
    if (ts.isCallExpression(inner)) {
      if (inner.expression.getText() === 'rpcError') {
        const [code] = inner.arguments;
        if (code) for (const one of code.getText().matchAll(/'(\w+)'/g)) found.add(one[1] ?? '');
      } else for (const code of called(inner)) found.add(code);
    }
    inner.forEachChild(visit);
  };
  visit(node);
  return found;
}

function called(call: ts.CallExpression): ReadonlySet<string> {
  const declared = symbolOf(
    ts.isPropertyAccessExpression(call.expression) ? call.expression.name : call.expression,
  )?.valueDeclaration?.resolve();
  if (!declared || !/^src\/(server|power)\//.test(nameOf(declared.getSourceFile()))) return new Set();
  if (ts.isVariableDeclaration(declared)) return declared.initializer ? errorsFrom(declared.initializer) : new Set();
  return ts.isFunctionLikeDeclaration(declared) ? errorsFrom(declared) : new Set();
}

/** What a name stands for, in whichever file it is declared. */
function symbolOf(name: ts.Node): Symbol | undefined {
  const symbol = checker.getSymbolAtLocation(name);
  if (symbol === undefined) return undefined;
  return symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** All requests, in the order of the contract. */
export function requests(): MethodModel[] {
  const members = membersOf('Requests');
  const access = accesses();
  const handled = handlers(new Set(members.map(({ name }) => name)));
  return members.map(({ name, node, types }) => {
    const handler = handled.get(name);
    if (handler === undefined) throw new Error(`no handler of ${name} in ${HANDLERS}`);
    return {
      name,
      doc: docOf(node),
      access: access.get(name) ?? '',
      result: types[1]?.getText() ?? '',
      errors: [...errorsFrom(handler)].sort(),
    };
  });
}

/** Notifications of one direction: name, documentation, type of the parameters. */
export function notifications(name: 'ClientNotes' | 'ServerNotes'): { name: string; doc: string; type: string }[] {
  return membersOf(name).map((one) => ({ name: one.name, doc: docOf(one.node), type: one.types[0]?.getText() ?? '' }));
}

/** Codes of errors: name, number, documentation. */
export function errorCodes(): { name: string; code: string; doc: string }[] {
  const table = initializer(CONTRACT, 'RPC_ERROR');
  if (!ts.isObjectLiteralExpression(table)) throw new Error(`${CONTRACT}: RPC_ERROR is no table`);
  return table.properties
    .filter(ts.isPropertyAssignment)
    .map((entry) => ({ name: entry.name.getText(), code: entry.initializer.getText(), doc: docOf(entry) }));
}

/** The types of our own that requests and notifications are made of, in the order of their files. */
export function declarations(): Declaration[] {
  const found = new Set<ts.InterfaceDeclaration | ts.TypeAliasDeclaration>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && ts.isTypeReferenceNode(node.parent)) {
      for (const one of symbolOf(node)?.declarations.map((declared) => declared.resolve()) ?? [])
        if (
          one !== undefined &&
          (ts.isInterfaceDeclaration(one) || ts.isTypeAliasDeclaration(one)) &&
          isOurs(one.getSourceFile()) &&
          !found.has(one)
        ) {
          found.add(one);
          visit(one);
        }
    }
    node.forEachChild(visit);
  };
  for (const name of ['Requests', 'ClientNotes', 'ServerNotes'])
    visit(statement(CONTRACT, ts.isInterfaceDeclaration, name));
  return [...found]
    .map((node) => ({ name: node.name.text, file: nameOf(node.getSourceFile()), pos: node.pos, text: textOf(node) }))
    .sort(
      (a, b) =>
        Number(b.file === CONTRACT) - Number(a.file === CONTRACT) || a.file.localeCompare(b.file) || a.pos - b.pos,
    );
}

/** The declaration as it stands, but for `keyof typeof TABLE`: the names of the table's entries, documented as there. */
function textOf(node: ts.Node): string {
  const { text } = node.getSourceFile();
  const [comment] = (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []).slice(-1);
  return text
    .slice(comment?.pos ?? node.getStart(), node.end)
    .replaceAll(/^export /gm, '')
    .replaceAll(/\| keyof typeof (\w+)/g, (_, table: string) =>
      entriesOf(nameOf(node.getSourceFile()), table).join('\n  '),
    );
}

function entriesOf(file: string, name: string): string[] {
  const table = initializer(file, name);
  if (!ts.isObjectLiteralExpression(table)) throw new Error(`${file}: ${name} is no table`);
  return table.properties.filter(ts.isPropertyAssignment).flatMap((entry) => {
    const doc = docOf(entry);
    const key = ts.isStringLiteral(entry.name) ? entry.name.text : entry.name.getText();
    return [...(doc === '' ? [] : [`/** ${doc} */`]), `| '${key}'`];
  });
}
