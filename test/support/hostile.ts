/** What a node could print to harm whoever looks: the known sequences, among noise. The same seed, the same bytes. */

/** For whoever plays it to print when it is over. */
export const STORM_END = 'the-storm-is-over';

/** A harmless-looking word that no answer of a terminal and no title may carry on. */
const PAYLOAD = 'rm -rf /; reboot\r';

const SEQUENCES = [
  // The clipboard, set and asked for.
  `\x1b]52;c;${Buffer.from(PAYLOAD).toString('base64')}\x07`,
  '\x1b]52;c;?\x1b\\',
  // Links and titles; the title reported back as typed text.
  `\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\`,
  `\x1b]0;${PAYLOAD}\x07`,
  `\x1b]2;${PAYLOAD}\x1b\\`,
  '\x1b[21t',
  '\x1b[20t',
  // Device control, application and privacy strings; reports with the node's own words in them.
  `\x1bP$q${PAYLOAD}\x1b\\`,
  `\x1bP+q${Buffer.from(PAYLOAD).toString('hex')}\x1b\\`,
  `\x1bP1$r${PAYLOAD}\x1b\\`,
  `\x1b_${PAYLOAD}\x1b\\`,
  `\x1b^${PAYLOAD}\x1b\\`,
  `\x1bX${PAYLOAD}\x1b\\`,
  // Questions: attributes, position, status, colours, modes, answerback.
  '\x1b[c\x1b[>c\x1b[=c\x1b[6n\x1b[5n\x1b[?15n\x1b[?1$p\x1b[4$p\x05',
  '\x1b]10;?\x07\x1b]11;?\x07\x1b]4;1;?\x07',
  // Modes: mouse, focus, paste, the alternate screen, fonts, media copy, a window of another size.
  '\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?1004h\x1b[?2004h\x1b[?1049h\x1b[?1049l\x1b[5i\x1b[4i\x1b[8;5;5t\x1b[?3h\x1b#8\x1b(0\x1b)0\x0e\x0f',
  // 8-bit controls, bare and in UTF-8, and overlong forms of ESC.
  '\x9b21t\x9d0;evil\x9c\x90$q"p\x9c',
  Buffer.from('\u009b21t\u009d0;evil\u009c', 'utf8').toString('latin1'),
  '\xc0\x9b[21t\xe0\x80\x9b]0;evil\x07\xf0\x80\x80\x9b[c',
  // Text that reads otherwise than it stands.
  Buffer.from('\u202egnp.exe\u2066x\u2069\u200f', 'utf8').toString('latin1'),
];

/** `size` bytes of noise with every sequence in between. */
export function storm(size: number, seed: number): Buffer {
  const noise = randomBytes(size, seed);
  const step = Math.floor(size / (SEQUENCES.length + 1));
  const pieces = SEQUENCES.flatMap((sequence, n) => [
    noise.subarray(n * step, (n + 1) * step),
    // Whatever the noise left open is closed, so that each sequence is read as one.
    Buffer.from(`\x18\x1b\\${sequence}\x18\x1b\\`, 'latin1'),
  ]);
  return Buffer.concat([...pieces, noise.subarray(SEQUENCES.length * step)]);
}

/** A generator of a few lines (xorshift), because what failed once must fail again. */
export function randomBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed * 2_654_435_761;
  for (let n = 0; n < size; n++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[n] = state >>> 11;
  }
  return bytes;
}
