/** Whether what a person says answers a node's open question. */
import type { Question } from '../api/power.ts';
import { NoSuchOperation, PowerRefused } from './refused.ts';
import { didYouMean } from '../lib/words.ts';

/**
 * The choice of this key.
 * @throws {NoSuchOperation} there is none; {PowerRefused} it takes words, and `confirm` is not these.
 */
export function choiceOf({ choices }: Question, key: string, confirm: string | null): Question['choices'][number] {
  const chosen = choices.find((choice) => choice.key === key);
  if (!chosen) {
    const keys = choices.map((choice) => choice.key);
    throw new NoSuchOperation(
      `'${key}' is no answer to this question; the answers are ${keys.join(', ')}${didYouMean(key, keys)}`,
    );
  }
  if (chosen.confirm !== null && chosen.confirm !== confirm) {
    const message = `nothing was sent: the confirmation ${confirm === null ? 'is missing' : 'does not match'}`;
    throw new PowerRefused([{ rule: 'confirm', message, override: `type '${chosen.confirm}'` }]);
  }
  return chosen;
}
