import { expect, test } from 'vitest';
import { keyForNode } from '../../src/tui/console/key-encoding.ts';
import { emptyTokenizer, tokenize } from '../../src/tui/terminal/tokenizer.ts';

const NORMAL = { applicationCursor: false, applicationKeypad: false };
const APPLICATION = { applicationCursor: true, applicationKeypad: true };

/** What the operator's terminal sent → what the node gets, in normal and in application modes. */
function sent(text: string): [string, string] {
  const { tokens } = tokenize(emptyTokenizer, Buffer.from(text));
  const of = (modes: typeof NORMAL): string =>
    tokens
      .map((token) => (token.kind === 'key' ? Buffer.from(keyForNode(token.name, token.bytes, modes)).toString() : '-'))
      .join('');
  return [of(NORMAL), of(APPLICATION)];
}

test.each([
  // The operator's terminal may be in either cursor mode, an rxvt or the Linux console: only the node's mode counts.
  ['\x1b[A', '\x1b[A', '\x1bOA'],
  ['\x1bOA', '\x1b[A', '\x1bOA'],
  ['\x1b[1;5D', '\x1b[1;5D', '\x1b[1;5D'],
  ['\x1b[7~', '\x1b[H', '\x1bOH'],
  ['\x1b[4~', '\x1b[F', '\x1bOF'],
  ['\x1bOP', '\x1bOP', '\x1bOP'],
  ['\x1b[[A', '\x1bOP', '\x1bOP'],
  ['\x1b[11~', '\x1bOP', '\x1bOP'],
  ['\x1b[1;2P', '\x1b[1;2P', '\x1b[1;2P'],
  ['\x1b[[E', '\x1b[15~', '\x1b[15~'],
  ['\x1b[24~', '\x1b[24~', '\x1b[24~'],
  ['\x1b[3;5~', '\x1b[3;5~', '\x1b[3;5~'],
  ['\x1b[Z', '\x1b[Z', '\x1b[Z'],
  ['\x1bOw', '7', '\x1bOw'],
  ['\x1bOM', '\r', '\x1bOM'],
  ['\x1b[57406u', '7', '\x1bOw'],
  ['\x1b[57419u', '\x1b[A', '\x1bOA'],
  ['\x1b[97;5u', '\x01', '\x01'],
  ['\x1bx', '\x1bx', '\x1bx'],
  ['é', 'é', 'é'],
  // What has no name goes as it came.
  ['\x1b[99~', '\x1b[99~', '\x1b[99~'],
])('%j', (text, normal, application) => {
  expect(sent(text)).toEqual([normal, application]);
});
