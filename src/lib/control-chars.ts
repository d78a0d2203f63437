/**
 * Removes or spells characters in foreign text (nodes' output, names, notes, arguments) that a terminal would
 * execute, that are invisible, or that change the reading order of their neighbours. All text that is shown, printed
 * or logged as text passes through here; the bytes of a console go to an emulator instead. Bytes of the bus are
 * spelled in words. Pure.
 */

const NAMES: Readonly<Record<string, string>> = { '\r': '␍', '\n': '␊', '\x07': '^G', '\x1b': '␛', '\t': '␉' };
const PLAIN_NAMES: Readonly<Record<string, string>> = {
  '\r': '\\r',
  '\n': '\\n',
  '\x07': '^G',
  '\x1b': '\\e',
  '\t': '\\t',
  '\\': '\\\\',
};

/**
 * Spells bytes as `[04]|=^G`: printable ASCII unchanged, `␍␊`, `^G`, else `‹9f›`. `plain`: in ASCII alone, `\r\n`,
 * `^G`, `\x9f`, `\\`.
 */
export function spellBytes(text: string, plain = false): string {
  if (plain) return text.replace(/[^\x20-\x7e]|\\/g, (char) => PLAIN_NAMES[char] ?? `\\x${hex(char)}`);
  return text.replace(/[^\x20-\x7e]/g, (char) => NAMES[char] ?? (char > '\xff' ? char : `‹${hex(char)}›`));
}

const hex = (char: string): string => char.charCodeAt(0).toString(16).padStart(2, '0');

/**
 * Matches C0 and C1 controls, formats (zero width, joiners, directions, soft hyphens, tags), lone surrogates, line
 * and paragraph separators, and letters and marks without a shape (fillers, variation selectors).
 */
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/** Removes these characters. */
export function removeHidden(text: string): string {
  return text.replace(HIDDEN, '');
}

/** Returns the lines of a program's output for display: tabs as blanks, without these characters. */
export function outputLines(output: string): string[] {
  const lines = output.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => removeHidden(line.replace(/([^\t]*)\t/g, (_, text: string) => text + tabBehind(text))));
}

/** Returns the blanks from the end of a text to the next multiple of eight columns. */
function tabBehind(text: string): string {
  return ' '.repeat(8 - (Array.from(removeHidden(text)).length % 8));
}

/** Replaces each of them by `?`, except tabs: for names and log lines. */
export function replaceHidden(text: string): string {
  return text.replace(HIDDEN, (char) => (char === '\t' ? char : '?'));
}

/** Replaces each of them by a readable escape, `\x1b` or `\u202e`, line ends and tabs included. */
export function escapeHidden(text: string): string {
  return text.replace(HIDDEN, (char) => {
    const code = char.codePointAt(0) ?? 0;
    if (code > 0xffff) return `\\u{${code.toString(16)}}`;
    return code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

/** Escapes each of them in the strings of JSON text, which parses to the same value. Line ends between values stay. */
export function escapeHiddenInJson(json: string): string {
  return json.replace(HIDDEN, (char) =>
    char === '\n'
      ? char
      : Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
          '',
        ),
  );
}
