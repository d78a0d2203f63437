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

/**
 * Which bytes were meant for a node's console and reached a BIOS instead: what must never happen, and what no BMC could
 * know. Two ways: the console did not come up and the slave's BIOS reads on; or a stray ^G closed the pipe and the
 * keystrokes behind it reach the master's BIOS. The second looks like ordinary traffic, unless one knows what a driver
 * says: exchanges that begin with `[hh]|`, bare `=` or `#`, and the unlock string. Everything else is a keystroke.
 */
type Expecting = 'start' | 'digits' | 'pipe';

export class MeantForConsole {
  /** `~` was sent in the pipe that is open now. */
  consoleAskedFor = false;
  /** A console was asked for since the rack began: before that, nothing can be a keystroke for one. */
  private everAsked = false;
  private expecting: Expecting = 'start';
  private unlocking = '';
  private readonly unlock: string;

  constructor(unlock: string) {
    this.unlock = unlock;
  }

  /** A slave's BIOS read `~`. */
  asked(): void {
    this.consoleAskedFor = true;
    this.everAsked = true;
  }

  /** ^G: pipe and console are closed. */
  closed(): void {
    this.consoleAskedFor = false;
    this.expecting = 'start';
    this.unlocking = '';
  }

  /** Follows what the master's BIOS reads; true for a byte that no driver's exchange holds. */
  strayAtMaster(byte: number): boolean {
    const ordinary = this.follow(String.fromCharCode(byte));
    return this.everAsked && !ordinary;
  }

  private follow(char: string): boolean {
    const { expecting } = this;
    this.expecting = 'start';
    if (expecting === 'digits' && /[0-9a-f]/i.test(char)) {
      this.expecting = 'digits';
      return true;
    }
    if (expecting === 'digits' && char === ']') {
      this.expecting = 'pipe';
      return true;
    }
    if (expecting === 'pipe') return char === '|';
    if (expecting === 'digits') return false;
    if (char === this.unlock[this.unlocking.length]) {
      this.unlocking = this.unlocking.length + 1 === this.unlock.length ? '' : this.unlocking + char;
      return true;
    }
    this.unlocking = '';
    if (char === '[') this.expecting = 'digits';
    return char === '[' || char === '=' || char === '#';
  }
}
