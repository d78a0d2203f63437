/** Questions on a terminal: the words that confirm a cut, where they are not given on the command line, and others. */
import { createInterface } from 'node:readline';
import { EXIT } from '../api/power.ts';
import { Failure, shown, UsageFailure } from './terminal-output.ts';

/** Last line of a dry run. */
export const NOTHING_SENT = 'nothing was sent (--dry-run)';

/** Time for which input typed before the question was shown is discarded, ms. */
const DISCARD_MS = 100;

/**
 * Returns the confirmation, which equals `expected`. `plain`: the terminal edits the line, and only the question is
 * written. @throws UsageFailure where none was given and there is no terminal to ask; Failure (refused) where it is
 * wrong
 */
export async function confirmation(
  given: string | undefined,
  expected: string,
  what: string,
  plain = false,
): Promise<string> {
  if (given === undefined && !(process.stdin.isTTY && process.stderr.isTTY))
    throw new UsageFailure(`${what} and cannot be confirmed without a terminal: add --confirm '${expected}'`);
  const answer =
    given ?? (await answerOf(`Type ${shown(expected)} and Enter to confirm; anything else cancels: `, plain));
  if (answer === expected) return answer;
  const why = answer === '' ? 'nothing was typed' : `'${answer}' does not match`;
  throw new Failure(EXIT.refused, `not confirmed: ${why}; nothing was sent. To confirm: --confirm '${expected}'`);
}

/**
 * Asks on this terminal and returns the typed line without blanks at its ends; '' where none comes. What was typed before
 * the question is discarded. `plain`: the terminal edits the line.
 */
export async function answerOf(question: string, plain: boolean): Promise<string> {
  const { stdin } = process;
  await discardTypeAhead();
  process.stderr.write(question);
  const lines = createInterface({ input: stdin, output: process.stderr, terminal: !plain, historySize: 0 });
  try {
    return await new Promise((resolve) => {
      lines.once('line', (line) => resolve(line.trim()));
      for (const event of ['close', 'SIGINT'] as const)
        lines.once(event, () => {
          process.stderr.write('\n');
          resolve('');
        });
    });
  } finally {
    lines.removeAllListeners('close');
    lines.close();
  }
}

async function discardTypeAhead(): Promise<void> {
  const { stdin } = process;
  // Raw mode, so that a half typed line is discarded as well.
  stdin.setRawMode(true).resume();
  stdin.on('data', ignore);
  await new Promise((resolve) => setTimeout(resolve, DISCARD_MS));
  stdin.off('data', ignore);
  stdin.pause().setRawMode(false);
}

function ignore(): void {
  // Discarded on purpose.
}
