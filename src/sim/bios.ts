/**
 * One BMC's BIOS: single-character commands and the input register (bus-protocol section 3). Pure: a byte in, a command out;
 * what a command does to the rack is decided by who runs it, because the master and a slave do different things for `|`.
 */
export type BiosCommand =
  | { kind: 'status' }
  | { kind: 'uid' }
  | { kind: 'on' }
  | { kind: 'off' }
  /** Open the pipe to the register's address; above 0x7f there can be nobody. */
  | { kind: 'pipe'; address: number }
  | { kind: 'console'; baudCode: number }
  /** Data entry: changes the register only. */
  | { kind: 'entry'; bracket: boolean }
  /** No command: ignored, without an echo. */
  | { kind: 'none' };

/** Sixteen bits: stale content stays visible instead of being shifted out by two digits. */
const REGISTER_MASK = 0xffff;

export class Bios {
  /** `[` clears it, hex digits shift in from the right, nothing else touches it: bare digits join what was there. */
  register = 0;

  interpret(byte: number): BiosCommand {
    const char = String.fromCharCode(byte);
    if (/^[0-9a-fA-F]$/.test(char)) {
      this.register = ((this.register << 4) | Number.parseInt(char, 16)) & REGISTER_MASK;
      return { kind: 'entry', bracket: false };
    }
    switch (char) {
      case '[':
        this.register = 0;
        return { kind: 'entry', bracket: true };
      case ']':
        return { kind: 'entry', bracket: true };
      case '=':
        return { kind: 'status' };
      case '#':
        return { kind: 'uid' };
      case '/':
        return { kind: 'on' };
      case '\\':
        return { kind: 'off' };
      case '|':
        return { kind: 'pipe', address: this.register };
      case '~':
        return { kind: 'console', baudCode: this.register };
      default:
        return { kind: 'none' };
    }
  }
}
