/**
 * Regular expressions that users write (`--expect`, `console.alarms`), run by an engine without backtracking: its time
 * grows with the text's length, whatever the pattern, because a node chooses the text. Syntax is RE2's.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

export interface Pattern {
  /** As it was written. */
  readonly source: string;
  /** UTF-16 offsets of the first match, or null. */
  find(text: string): { start: number; end: number } | null;
}

/** `lines`: `^` and `$` match at line ends too. @throws Error that names what the engine does not know */
export function compilePattern(source: string, options: { lines?: boolean } = {}): Pattern {
  const engine = load();
  let compiled: RE2JS;
  try {
    compiled = engine.compile(engine.translateRegExp(source), options.lines === true ? engine.MULTILINE : 0);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw new Error(
      `'${source}' is no regular expression of RE2, which has no lookaround and no backreferences: ${why}`,
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

/** Loaded at the first pattern: it costs a start 11 ms, and most configurations have none. */
function load(): typeof RE2JS {
  return (createRequire(import.meta.url)('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
}
