/**
 * Removes byte 0x07 from a console's input before it goes to the bus, whatever its source: a key, a paste, a
 * terminal's reply, a login text. 0x07 closes the pipe; the next bytes would be executed by the master's BIOS, where
 * a backslash cuts the master's own power (bus-protocol section 5). Every other byte belongs to the node.
 */

/** ^G, the one byte that the master interprets while a pipe is open. */
export const BELL = 0x07;

/** Message for an operator whose Ctrl-G was not sent. */
export const BELL_BLOCKED = 'Ctrl-G was not sent: on this bus it closes the pipe, and the next keys would reach a BIOS';

export interface FilteredInput {
  /** Bytes that may be sent, in order; the same array when nothing was removed. */
  bytes: Uint8Array;
  /** Number of removed 0x07. */
  blocked: number;
}

/**
 * Converts a paste for a node: line ends as a keyboard makes them, in brackets where the node's program asked for
 * them.
 */
export function pasteFor(pasted: Uint8Array, bracketed: boolean): FilteredInput {
  const text = Buffer.from(pasted).toString('latin1').replace(/\r?\n/g, '\r');
  // An end mark inside a paste would end it early, and the rest would be typed.
  const safe = text.replaceAll('\x1b[201~', '');
  return filterInput(Buffer.from(bracketed ? `\x1b[200~${safe}\x1b[201~` : safe, 'latin1'));
}

/** Removes every 0x07 from `input`; the other bytes keep their order. */
export function filterInput(input: Uint8Array): FilteredInput {
  if (!input.includes(BELL)) return { bytes: input, blocked: 0 };
  const bytes = input.filter((byte) => byte !== BELL);
  return { bytes, blocked: input.length - bytes.length };
}
