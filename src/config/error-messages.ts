/** Describes a wrong value in words: place, value found, allowed values, and the one probably meant. Pure. */
import type * as z from 'zod';
import { count, didYouMean, listed } from '../lib/words.ts';

export type Path = readonly PropertyKey[];

export interface IssueDescription {
  path: Path;
  /** The problem concerns the name at the path's end, not its value. */
  place?: 'key';
  message: string;
}

type Issue = z.core.$ZodIssue;

/** Marks messages to be replaced: the library's own show neither the value found nor the known names. */
const OURS = '\0';

/** Parse context for problems that {@link describeIssue} describes. */
export const WORDED: z.core.ParseContext<Issue> = {
  error: (issue) => {
    const shape =
      issue.code === 'unrecognized_keys' ? (issue.inst as { _zod?: Shaped } | undefined)?._zod?.def?.shape : null;
    return OURS + Object.keys(shape ?? {}).join(' ');
  },
};
/** The same for what is checked seldom: the library compiles no code for it. */
export const WORDED_ONCE: z.core.ParseContext<Issue> = { ...WORDED, jitless: true };
interface Shaped {
  def?: { shape?: object };
}

/** Settings whose values are never repeated. */
const SECRET_KEYS = new Set(['unlock', 'password', 'login']);
const SECRET = 'a secret is { file: PATH } or { command: [PROGRAM, ARGUMENT…] }, not the text itself';

/** Describes an issue in `data`, each unknown key by itself. @param see a hint behind the names of settings */
export function describeIssue(issue: Issue, data: unknown, see: string): IssueDescription[] {
  const { path } = issue;
  const own = issue.message.startsWith(OURS) ? null : issue.message;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...path, key],
      place: 'key',
      message: own ?? unknownKey(key, issue, see),
    }));
  if (issue.code === 'invalid_key') return [{ path, place: 'key', message: badName(issue) }];
  const hidden = path.some((part) => SECRET_KEYS.has(String(part)));
  if (issue.code === 'invalid_union') {
    if (hidden) return [{ path, message: SECRET }];
    const branch = own === null ? likeliestBranch(issue.errors) : null;
    if (branch !== null)
      return branch.flatMap((inner) => describeIssue({ ...inner, path: [...path, ...inner.path] }, data, see));
  }
  const value = valueAt(data, path);
  const found = hidden ? kindOf(value) : foundWords(value, issue);
  if (own !== null) {
    const custom = issue.code === 'custom';
    const problem =
      (custom && typeof value === 'object') || (typeof value === 'string' && value !== '' && own.includes(value));
    if (problem || value === undefined) return [{ path, message: own }];
    return [{ path, message: `found ${found}; ${custom || /^\d/.test(own) ? '' : 'expected '}${own}` }];
  }
  const wanted = wantedWords(issue);
  const allowed = allowedValues(issue);
  const suggestion =
    typeof value === 'object' || value === undefined || hidden ? '' : didYouMean(scalarText(value), allowed);
  return [{ path, message: value === undefined ? `missing; ${wanted}` : `found ${found}; ${wanted}${suggestion}` }];
}

function unknownKey(key: string, issue: Issue, see: string): string {
  const known = issue.message.slice(OURS.length).split(' ');
  const suggestion = didYouMean(key, known);
  return `no such setting${suggestion === '' ? '; settings here' : `${suggestion} Settings here`}: ${known.join(', ')}${see}`;
}

function badName(issue: Extract<Issue, { code: 'invalid_key' }>): string {
  const key = String(issue.path.at(-1));
  const [why] = issue.issues;
  return `'${key}' cannot be a name; expected ${why && !why.message.startsWith(OURS) ? why.message : 'another name'}`;
}

/**
 * Returns the branch of a union that was probably meant: of those that fit in kind, the one with the fewest problems;
 * null: none.
 */
function likeliestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const fitting = branches.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys' || code === 'custom'),
  );
  return [...fitting].sort((a, b) => a.length - b.length)[0] ?? null;
}

function wantedWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `allowed: ${allowedValues(issue).join(', ')}`;
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
    case 'too_big': {
      const small = issue.code === 'too_small';
      const limit = Number(small ? issue.minimum : issue.maximum);
      if (issue.origin === 'string') return `${small ? 'at least' : 'at most'} ${count(limit, 'character')}`;
      if (issue.origin === 'array') return `${small ? 'at least' : 'at most'} ${count(limit, 'entry', 'entries')}`;
      const word = small ? ['more than', 'at least'] : ['less than', 'at most'];
      return `must be ${word[issue.inclusive === false ? 0 : 1] ?? ''} ${limit}`;
    }
    case 'invalid_union': {
      const values = allowedValues(issue);
      const others = issue.errors.flatMap(([first]) =>
        first === undefined || allowedValues(first).length > 0 ? [] : [wantedWords(first)],
      );
      const kinds = [...new Set(others)].map((words) => words.replace(/^expected /, ''));
      if (values.length === 0) return `expected ${listed(kinds, 'or')}`;
      return `allowed: ${[...values, ...kinds].join(', ')}`;
    }
    case 'invalid_format':
      return `expected ${issue.format}`;
    default:
      return 'not allowed here';
  }
}

/** Returns all allowed values; empty where there are too many to name. */
function allowedValues(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code !== 'invalid_union') return [];
  return issue.errors.flatMap(([first]) => (first?.path.length === 0 ? allowedValues(first) : []));
}

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a section of settings (name: value)',
  record: 'a section of names',
  array: 'a list',
};

/** Describes the value found. Text in place of a section may be a misplaced secret: only its kind is shown. */
function foundWords(value: unknown, issue: Issue): string {
  const section = issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record');
  if (typeof value === 'object' || value === undefined || section) return kindOf(value);
  const text = typeof value === 'string' ? `'${value}'` : scalarText(value);
  const quoted = issue.code === 'invalid_type' && typeof value === 'string' ? `the text ${text}` : text;
  return quoted.length > 80 ? `${quoted.slice(0, 79)}…` : quoted;
}

function scalarText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a section';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    data,
  );
}
