/**
 * Addresses and positions. An address is geographic: `address = 4 * row + slot` (bus-protocol section 1, grade V),
 * rows A (top) downwards, slots 0 to 3 from right to left as seen from the front. The address field runs 00 to 7f.
 */

/** A BMC's bus address, 0x00 to 0x7f. */
export type Address = number;

export const SLOTS_PER_BLADE = 4;
export const MAX_ADDRESS = 0x7f;

/** True for a whole number from 0x00 to 0x7f. */
function isAddress(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_ADDRESS;
}

/** Formats an address as two lower-case hex digits, as the bus prints them: 3 → `03`. */
export function formatAddress(address: Address): string {
  return address.toString(16).padStart(2, '0');
}

/** Parses `03`, `3`, `0x03` → 3; null: not an address. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:0x)?([0-9a-f]{1,2})$/i.exec(text.trim());
  if (!match?.[1]) return null;
  const value = Number.parseInt(match[1], 16);
  return isAddress(value) ? value : null;
}

/** Returns the blade (row) number, 0 = A = top. */
export function rowOf(address: Address): number {
  return Math.floor(address / SLOTS_PER_BLADE);
}

/** Returns the slot in the blade, 0 = rightmost as seen from the front. */
export function slotOf(address: Address): number {
  return address % SLOTS_PER_BLADE;
}

/** Formats a row: 0 → `A`, 25 → `Z`, 26 → `AA` (the address field allows 32 rows). */
export function rowLabel(row: number): string {
  return row < 26 ? String.fromCharCode(65 + row) : `A${String.fromCharCode(65 + row - 26)}`;
}

/** Formats a position: 3 → `A-3`. */
export function formatPosition(address: Address): string {
  return `${rowLabel(rowOf(address))}-${slotOf(address)}`;
}

/** Parses `A-3`, `a3` → 3; null: not a position on the bus. */
export function parsePosition(text: string): Address | null {
  const match = /^(a?[a-z])-?([0-3])$/i.exec(text.trim());
  if (!match?.[1] || !match[2]) return null;
  const label = match[1].toUpperCase();
  const row = label.length === 1 ? label.charCodeAt(0) - 65 : 26 + label.charCodeAt(1) - 65;
  const address = row * SLOTS_PER_BLADE + Number(match[2]);
  return isAddress(address) ? address : null;
}
