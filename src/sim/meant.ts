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
