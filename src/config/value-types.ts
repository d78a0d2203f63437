/**
 * Values that several sections of the configuration share.
 *
 * Regular expressions that users write (`--expect`, `console.triggers`) run in an engine without backtracking: its
 * time grows with the text's length, whatever the pattern, because a node chooses the text. Syntax is RE2's.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import * as z from 'zod';

export interface Pattern {
  /** The pattern as written. */
  readonly source: string;
  /** Returns the UTF-16 offsets of the first match, or null. */
  find(text: string): { start: number; end: number } | null;
}

/**
 * Compiles a pattern. `lines`: `^` and `$` match at line ends too. @throws Error that names what the engine does not
 * support
 */
export function compilePattern(source: string, options: { lines?: boolean } = {}): Pattern {
  const engine = load();
  let compiled: RE2JS;
  try {
    compiled = engine.compile(engine.translateRegExp(source), options.lines === true ? engine.MULTILINE : 0);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw new Error(
      `'${source}' is not a regular expression of RE2, which has no lookaround and no backreferences: ${why}`,
      {
        cause: error,
      },
    );
  }
  return {
    source,
    find(text) {
      const matcher = compiled.matcher(text);
      return matcher.find() ? { start: matcher.start(), end: matcher.end() } : null;
    },
  };
}

/** Loads the engine at the first pattern: it costs a start 11 ms, and most configurations have none. */
function load(): typeof RE2JS {
  return (createRequire(import.meta.url)('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
}

export const seconds = z.number().positive().max(86_400);

export const baud = z.union([z.literal(115200), z.literal(9600), z.literal(19200), z.literal(57600)]);

/** A command of the operator's own, which the interface runs as its user. */
const ownCommand = z
  .strictObject({
    key: z.string().min(1).max(32),
    /** Its words in help and palette. */
    name: z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,60}$/u, 'one line of at most 60 characters'),
    run: z.array(z.string()).min(1).max(64),
    /** `node`: the selected one; `marked`: all marked ones, else the selected one; `rack`: none. */
    scope: z.enum(['node', 'marked', 'rack']).default('node'),
    /** Shows the command, and runs it after a key. */
    confirm: z.boolean().default(true),
    /** Seconds after which it is ended. */
    limit: z.number().positive().max(3600).default(60),
  })
  .superRefine(({ run, scope }, context) => {
    const fields = ['rack', ...(scope === 'rack' ? [] : ['name', 'ip', 'addr', 'pos', 'role', 'cluster'])];
    run.forEach((argument, index) => {
      if ([...argument.matchAll(/\{(\w*)\}/g)].every(([, field = '']) => fields.includes(field))) return;
      const message = `braces hold one of ${fields.map((field) => `{${field}}`).join(' ')}`;
      context.addIssue({ code: 'custom', path: ['run', index], message });
    });
  });
export const ownCommands = z.array(ownCommand).max(32).default([]);

export const absolutePath = z.string().regex(/^\/[^\0]*[^/\0]$/, 'an absolute path, e.g. /run/rackui/metrics.sock');

/** A secret comes from a file or from a program's output, never from the configuration's text. */
export const secret = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ command: z.array(z.string().min(1)).min(1) }),
]);
export type SecretSource = z.infer<typeof secret>;
