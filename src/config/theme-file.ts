/** Reads a user's theme: looks by role, every mistake with its line and column. */
import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { didYouMean } from '../lib/words.ts';
import { ConfigError, type ConfigProblem } from './load.ts';

export interface ThemeFile {
  /** The theme that it is based on; null: the default. */
  base: string | null;
  inks: Record<string, string[]>;
  grounds: Record<string, string[]>;
}

const PARTS = ['name', 'about', 'base', 'inks', 'grounds'];

export interface ThemeRules {
  inks: readonly string[];
  grounds: readonly string[];
  /** Returns the problem of a look, or null. */
  wrongLook(look: string): string | null;
}

/** Reads a theme (JSON, or YAML, of which JSON is a part). @throws {ConfigError} with the place of every mistake */
export function readThemeFile(path: string, rules: ThemeRules): ThemeFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read';
    const message = code === 'ENOENT' ? 'there is no such theme file' : `cannot read it: ${code}`;
    throw new ConfigError([{ file: path, line: 0, col: 0, message }]);
  }
  return parseThemeFile(text, path, rules);
}

/** Parses a theme. Pure. @throws {ConfigError} */
export function parseThemeFile(text: string, file: string, rules: ThemeRules): ThemeFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: ConfigProblem[] = [];
  const wrong = (node: Node | null | undefined, message: string): void => {
    problems.push({ file, ...lines.linePos(node?.range?.[0] ?? 0), message });
  };
  for (const error of document.errors)
    problems.push({ file, ...lines.linePos(error.pos[0]), message: `not JSON: ${error.message}` });
  const theme: ThemeFile = { base: null, inks: {}, grounds: {} };
  const root = document.contents;
  if (problems.length === 0 && !isMap(root)) wrong(root, "a theme is an object with 'inks' and 'grounds'");
  if (problems.length > 0 || !isMap(root)) throw new ConfigError(problems);
  for (const { key, value } of root.items as { key: Node; value: Node | null }[]) {
    const name = isScalar(key) ? String(key.value) : '';
    if (name === 'base' && isScalar(value)) theme.base = String(value.value);
    else if (name === 'inks' || name === 'grounds') readRoles(name, value);
    else if (name !== 'name' && name !== 'about')
      wrong(key, `'${name}' is not a part of a theme; parts: ${PARTS.join(', ')}${didYouMean(name, PARTS)}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return theme;

  function readRoles(kind: 'inks' | 'grounds', roles: Node | null): void {
    if (!isMap(roles)) {
      wrong(roles, `'${kind}' is an object: role, and its three looks`);
      return;
    }
    for (const { key, value } of roles.items as { key: Node; value: Node | null }[]) {
      const role = isScalar(key) ? String(key.value) : '';
      const looks = isSeq(value) ? (value.items as Node[]) : [];
      if (!rules[kind].includes(role))
        wrong(key, `'${role}' is not a role; ${kind} are ${rules[kind].join(', ')}${didYouMean(role, rules[kind])}`);
      else if (looks.length !== 3)
        wrong(value ?? key, `'${role}' needs three looks: for 256 colours, 16 colours, and none`);
      else theme[kind][role] = looks.map((look) => readLook(look));
    }
  }

  function readLook(node: Node): string {
    const look = isScalar(node) && typeof node.value === 'string' ? node.value : null;
    const why = look === null ? 'a look is text, such as "bold 214 on 235"' : rules.wrongLook(look);
    if (why !== null) wrong(node, why);
    return look ?? '';
  }
}
