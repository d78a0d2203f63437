/** What a script does at a console: `--send` and `--expect`, in the order in which they stand on the command line. */
import { compilePattern, type Pattern } from '../../config/pattern.ts';
import { UsageFailure } from '../failure.ts';

export type ConsoleStep = { do: 'send'; bytes: Uint8Array } | { do: 'expect'; pattern: Pattern };

const ENTER = '\r';
const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', e: '\x1b', '\\': '\\' };

/**
 * The text and Enter; `\c` at its end: without Enter. `\r \n \t \e \\ \xHH` are what they are elsewhere.
 * @throws UsageFailure for 0x07, and for an escape that there is not
 */
export function sendStep(text: string): ConsoleStep {
  const bare = text.endsWith('\\c');
  const typed = (bare ? text.slice(0, -2) : text).replace(/\\(x[0-9A-Fa-f]{2}|.|$)/gs, (all, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const char = ESCAPES[code];
    if (char === undefined)
      throw new UsageFailure(`--send: '${all}' is no escape; \\r \\n \\t \\e \\\\ \\xHH and a final \\c are`);
    return char;
  });
  if (typed.includes('\x07'))
    throw new UsageFailure('--send: Ctrl-G cannot be sent: on this bus it closes the pipe under the console');
  return { do: 'send', bytes: Buffer.from(bare ? typed : typed + ENTER) };
}

/** Matched against what the node printed since the last match; `^` and `$` match at lines. @throws UsageFailure */
export function expectStep(text: string): ConsoleStep {
  try {
    return { do: 'expect', pattern: compilePattern(text, { lines: true }) };
  } catch (error) {
    throw new UsageFailure(`--expect: ${error instanceof Error ? error.message : String(error)}`);
  }
}
