/**
 * The last gate before a console's bytes go to the bus. Byte 0x07 closes the pipe; what follows it would be executed
 * by the master's BIOS, where a backslash cuts the master's own power (bus-protocol section 5). So it never passes,
 * whatever its source: a key, a paste, a terminal's reply, a login text. Every other byte belongs to the node.
 */

/** ^G: the one byte that the master interprets while a pipe is open. */
export const BELL = 0x07;

/** What to tell somebody whose Ctrl-G did not go out. */
export const BELL_BLOCKED = 'Ctrl-G was not sent: on this bus it closes the pipe, and the next keys would reach a BIOS';

export interface FilteredInput {
  /** What may be sent, in order; the same array when nothing had to be taken out. */
  bytes: Uint8Array;
  /** How many 0x07 were taken out. */
  blocked: number;
}

/** A paste as it goes to a node: line ends as a keyboard makes them, in brackets where its program wants to know. */
export function pasteFor(pasted: Uint8Array, bracketed: boolean): FilteredInput {
  const text = Buffer.from(pasted).toString('latin1').replace(/\r?\n/g, '\r');
  // The end mark inside a paste would end it early, and what follows would be typed.
  const safe = text.replaceAll('\x1b[201~', '');
  return filterInput(Buffer.from(bracketed ? `\x1b[200~${safe}\x1b[201~` : safe, 'latin1'));
}

/** Takes every 0x07 out of `input`; the bytes around it keep their order. */
export function filterInput(input: Uint8Array): FilteredInput {
  if (!input.includes(BELL)) return { bytes: input, blocked: 0 };
  const bytes = input.filter((byte) => byte !== BELL);
  return { bytes, blocked: input.length - bytes.length };
}
