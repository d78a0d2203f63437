/** The login on a guest's console: agetty's banner, login's prompts. */
import { LineInput } from './line-editor.ts';
import type { Machine } from './machine.ts';

/** Delay of login after a wrong password, and its time limit, ms; its own defaults. */
const FAIL_DELAY_MS = 2_600;
const PATIENCE_MS = 60_000;
const TRIES = 3;

export class Getty {
  private readonly machine: Machine;
  private readonly admit: (user: string) => void;
  private patience: () => void = () => undefined;

  /** `admit` takes over after the right password. */
  constructor(machine: Machine, admit: (user: string) => void) {
    this.machine = machine;
    this.admit = admit;
  }

  /** Prints banner and prompt; an empty line prints both again. */
  start(): void {
    const { machine } = this;
    machine.print(`\nDebian GNU/Linux 13 ${machine.hostname} ttyS0\n\n`);
    this.askName(1);
  }

  private askName(attempt: number): void {
    this.machine.print(`${this.machine.hostname} login: `);
    this.machine.attend(
      new LineInput({
        print: (text) => this.machine.print(text),
        echo: true,
        line: (text) => {
          if (text.trim() !== '') this.askPassword(text.trim(), attempt);
          // The first prompt is getty's, which restarts; later ones are login's own.
          else if (attempt === 1) this.start();
          else this.askName(attempt);
        },
        interrupt: () => this.start(),
        endOfFile: () => this.start(),
      }),
    );
  }

  private askPassword(user: string, attempt: number): void {
    const { machine } = this;
    machine.print('Password: ');
    this.patience();
    this.patience = machine.after(PATIENCE_MS, () => {
      machine.print(`\nLogin timed out after ${PATIENCE_MS / 1000} seconds.\n`);
      this.start();
    });
    machine.attend(
      new LineInput({
        print: (text) => machine.print(text),
        echo: false,
        line: (password) => {
          this.patience();
          const { account } = machine;
          if (user === account.user && password === account.password) this.admit(user);
          else this.refuse(attempt);
        },
        interrupt: () => {
          this.patience();
          machine.print('\n');
          this.start();
        },
      }),
    );
  }

  private refuse(attempt: number): void {
    const { machine } = this;
    // Keys pressed meanwhile are dropped, as login flushes its input.
    machine.attend({ receive: () => undefined });
    machine.after(FAIL_DELAY_MS, () => {
      machine.print('\nLogin incorrect\n');
      if (attempt >= TRIES) this.start();
      else this.askName(attempt + 1);
    });
  }
}
