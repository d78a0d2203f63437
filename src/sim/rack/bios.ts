/**
 * One BMC's BIOS: single-character commands and the input register (bus-protocol section 3); with the detection of
 * keystrokes that reach a BIOS. Pure: a byte in, a command out; the rack executes it, because the master and a slave
 * handle `|` differently.
 */
export type BiosCommand =
  | { kind: 'status' }
  | { kind: 'uid' }
  | { kind: 'on' }
  | { kind: 'off' }
  /** Opens the pipe to the register's address; above 0x7f there is no BMC. */
  | { kind: 'pipe'; address: number }
  | { kind: 'console'; baudCode: number }
  /** Data entry: changes the register only. */
  | { kind: 'entry'; bracket: boolean }
  /** No command: ignored, without an echo. */
  | { kind: 'none' };

/** Sixteen bits: stale content stays visible instead of being shifted out by two digits. */
const REGISTER_MASK = 0xffff;

export class Bios {
  /**
   * `[` clears it, hex digits shift in from the right, nothing else changes it: bare digits follow the earlier ones.
   */
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
 * Detects bytes that were meant for a node's console and reached a BIOS instead: they must never occur, and no BMC
 * could detect them. Two ways: the console did not open and the slave's BIOS reads on; or a stray ^G closed the pipe
 * and the keystrokes after it reach the master's BIOS. The second looks like ordinary traffic, except that a driver's
 * traffic is known: exchanges that begin with `[hh]|`, bare `=` or `#`, and the unlock string. Everything else is a
 * keystroke.
 */
type Expecting = 'start' | 'digits' | 'pipe';

export class StrayKeys {
  /** `~` was sent in the pipe that is open now. */
  consoleAskedFor = false;
  /** `~` was sent since the rack began: before that, no byte can be a keystroke for a console. */
  private everAsked = false;
  private expecting: Expecting = 'start';
  private unlocking = '';
  private readonly unlock: string;

  constructor(unlock: string) {
    this.unlock = unlock;
  }

  /** Records that a slave's BIOS read `~`. */
  asked(): void {
    this.consoleAskedFor = true;
    this.everAsked = true;
  }

  /** Records ^G: pipe and console are closed. */
  closed(): void {
    this.consoleAskedFor = false;
    this.expecting = 'start';
    this.unlocking = '';
  }

  /** Follows the bytes that the master's BIOS reads; true for a byte that is in no driver's exchange. */
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
