/** One step of a shutdown in the making: a copy of the state, the moves that all stages share, the effects so far. */
import type { Outcome } from '../../api/power.ts';
import type { Effect, Ground, Shutdown, Stage, Step } from './state.ts';
import { isSticky, WAIT_MS, type TroubleKind } from './troubles.ts';

export class Draft {
  readonly at: number;
  readonly state: Shutdown;
  readonly #effects: Effect[] = [];

  constructor(state: Shutdown, at: number) {
    this.state = { ...state };
    this.at = at;
  }

  result(): Step {
    return { state: this.state, effects: this.#effects };
  }

  do(effect: Effect): void {
    this.#effects.push(effect);
  }

  prove(kind: string, text: string): void {
    this.do({ do: 'prove', kind, text });
  }

  type(text: string): void {
    this.state.atShell = false;
    this.do({ do: 'type', text });
  }

  /** The next stage, which may take `limitMs`. */
  enter(stage: Stage, limitMs: number): void {
    this.state.stage = stage;
    this.state.since = this.at;
    this.state.until = this.at + limitMs;
  }

  /** Back to the beginning: wake the console, look for a prompt. */
  open(): void {
    const { console, target } = this.state;
    this.state.loggedIn = false;
    this.state.sudo = null;
    this.state.askAgain = false;
    this.enter({ is: 'opening', heard: false, wakes: 0, wokeAt: this.at }, target.limits.preflight);
    if (!console.held) this.do({ do: 'acquire' });
    else if (console.open) this.wake();
  }

  /** Enter makes a getty or a shell show its prompt; before a console has proven to be the node's, nothing else may go. */
  wake(times = 1): void {
    const { stage } = this.state;
    if (stage.is === 'opening') this.state.stage = { ...stage, wakes: stage.wakes + 1, wokeAt: this.at };
    this.type('\r'.repeat(times));
  }

  /** Types the request at a shell prompt. */
  request(root: boolean): void {
    const { state } = this;
    const command = root ? state.command : `sudo ${state.command}`;
    state.requestedAt = this.at;
    state.askAgain = false;
    state.atShell = false;
    state.sudo = null;
    this.prove('request', `‘${command}’ was typed at its shell prompt`);
    this.do({ do: 'request', text: `${command}\r` });
    this.enter({ is: 'asked' }, state.target.limits.acknowledged);
  }

  stopping(): void {
    const { limits } = this.state.target;
    this.enter({ is: 'stopping', hardUntil: this.at + limits.hard, unit: null }, limits.stopping);
  }

  /** Asks whoever watches. A trouble that a halt cannot answer is not replaced by one that it can. */
  raise(kind: TroubleKind, said = ''): void {
    const { trouble, target } = this.state;
    if (trouble && (trouble.kind === kind || (isSticky(trouble.kind) && !isSticky(kind)))) return;
    this.state.trouble = { kind, said, since: this.at, until: this.at + Math.max(target.limits.hard, WAIT_MS) };
  }

  settled(): void {
    this.state.trouble = null;
  }

  cut(ground: Ground): void {
    this.settled();
    this.enter({ is: 'cutting', ground }, 0);
    this.do({ do: 'cut', ground });
  }

  end(outcome: Outcome, detail: string, off = false): void {
    const { loggedIn, atShell, console } = this.state;
    // A shell that we opened is not left to whoever comes next.
    if (!off && loggedIn && atShell && console.open) this.type('exit\r');
    this.settled();
    this.enter({ is: 'ended', outcome, detail, off }, 0);
  }

  /** What has been asked of the node and goes on by itself, for sentences about nodes that are left on. */
  whatGoesOn(): string {
    switch (this.state.stage.is) {
      case 'opening':
      case 'login':
        return this.state.requestedAt === null
          ? 'it was not asked to shut down'
          : 'it was asked to shut down before, which cannot be recalled';
      case 'settle':
        return 'it has halted and stays powered';
      default:
        return 'it was asked to shut down, which cannot be recalled: it may halt, and stays powered';
    }
  }
}
