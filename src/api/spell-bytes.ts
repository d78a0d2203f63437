/** Bytes of the bus in words: nobody's terminal executes what a node or a broken line sent. Pure. */

const NAMES: Readonly<Record<string, string>> = { '\r': '␍', '\n': '␊', '\x07': '^G', '\x1b': '␛', '\t': '␉' };
const PLAIN_NAMES: Readonly<Record<string, string>> = {
  ...{ '\r': '\\r', '\n': '\\n', '\x07': '^G', '\x1b': '\\e', '\t': '\\t', '\\': '\\\\' },
};

/** `[04]|=^G`: printable ASCII as it is, `␍␊`, `^G`, else `‹9f›`. `plain`: in ASCII alone, `\r\n`, `^G`, `\x9f`, `\\`. */
export function spellBytes(text: string, plain = false): string {
  if (plain) return text.replace(/[^\x20-\x7e]|\\/g, (char) => PLAIN_NAMES[char] ?? `\\x${hex(char)}`);
  return text.replace(/[^\x20-\x7e]/g, (char) => NAMES[char] ?? (char > '\xff' ? char : `‹${hex(char)}›`));
}

const hex = (char: string): string => char.charCodeAt(0).toString(16).padStart(2, '0');
