/** Bytes of the bus in words: nobody's terminal executes what a node or a broken line sent. Pure. */

const NAMES: Readonly<Record<string, string>> = { '\r': '␍', '\n': '␊', '\x07': '^G', '\x1b': '␛', '\t': '␉' };

/** `[04]|=^G`: printable ASCII as it is, `␍␊`, `^G`, else `‹9f›`. */
export function spellBytes(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (char) => {
    const code = char.charCodeAt(0);
    return NAMES[char] ?? (code > 0xff ? char : `‹${code.toString(16).padStart(2, '0')}›`);
  });
}
