/** Plain output. Whatever a node or a configuration put into a line, only text reaches the operator's terminal. */

/** Conventional code of a program whose reader went away: 128 + SIGPIPE. */
const READER_GONE = 141;

/** C0 and C1 controls, and marks that reorder what is read. */
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** `text` with every character that a terminal would execute shown as `\x1b`; line ends and tabs included. */
export function shown(text: string): string {
  return text.replace(HARMFUL, (char) => {
    const code = char.charCodeAt(0);
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

/** One line for the operator. */
export function print(line: string): void {
  process.stdout.write(`${shown(line)}\n`);
}

/** One line beside the result: hints and warnings, which a pipe must not see. */
export function hint(line: string): void {
  process.stderr.write(`${shown(line)}\n`);
}

/** What the interface has to say after it has left the terminal; several lines where it failed. */
export function tellEnd(code: number, message: string | undefined): void {
  if (message === undefined) return;
  for (const line of message.split('\n')) (code === 0 ? print : hint)(line);
}

/** One line of JSON. `JSON.stringify` escapes C0 only; the rest is escaped here, and reads the same when parsed. */
export function printJson(value: unknown): void {
  const harmless = JSON.stringify(value).replace(
    HARMFUL,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  process.stdout.write(`${harmless}\n`);
}

/** A reader that went away (`rackui status | head -1`) ends the program without a word. */
export function endQuietlyWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      process.exit(READER_GONE);
    });
}
