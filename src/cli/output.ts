/** Plain output. Whatever a node or a configuration put into a line, only text reaches the operator's terminal. */

import { escapeHidden, escapeHiddenInJson } from '../lib/control-chars.ts';

/** Conventional code of a program whose reader went away: 128 + SIGPIPE. */
const READER_GONE = 141;

/** `text` with every character that a terminal would execute shown as `\x1b`; line ends and tabs included. */
export { escapeHidden as shown };

/** One line for the operator. */
export function print(line: string): void {
  process.stdout.write(`${escapeHidden(line)}\n`);
}

/** One line beside the result: hints and warnings, which a pipe must not see. */
export function hint(line: string): void {
  process.stderr.write(`${escapeHidden(line)}\n`);
}

/** What the interface has to say after it has left the terminal; several lines where it failed. */
export function tellEnd(code: number, message: string | undefined): void {
  if (message === undefined) return;
  for (const line of message.split('\n')) (code === 0 ? print : hint)(line);
}

/** One line of JSON, without a character that a terminal would execute. */
export function printJson(value: unknown): void {
  process.stdout.write(`${escapeHiddenInJson(JSON.stringify(value))}\n`);
}

/** A reader that went away (`rackui status | head -1`) ends the program without a word. */
export function endQuietlyWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      process.exit(READER_GONE);
    });
}
