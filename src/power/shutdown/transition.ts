/**
 * One step of a shutdown in progress: a copy of the state, the operations that all stages share, the effects so far.
 */
import type { Again, Outcome } from '../../api/power.ts';
import { keysOf, type Press } from '../../console/screen-state.ts';
import { orPrintFailed, tokenAt, withSudoPrompt } from '../../console/shell-question.ts';
import type { Use } from '../console-arbiter.ts';
import { isSticky, unattendedMs, WAIT_MS, type OperatorPromptKind } from './prompts.ts';
import { type Effect, type Ground, opening, type Shutdown, type Stage, type Step } from './state.ts';

/** Fewer printable characters in a row than this are noise of a UART that loses its clock, not text. */
export const SPEECH = /[\x20-\x7e]{3}/;

export class Transition {
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

  /** Enters a stage, which may take `limitMs`. */
  enter(stage: Stage, limitMs: number): void {
    this.state.stage = stage;
    this.state.since = this.at;
    this.state.until = this.at + limitMs;
  }

  /** Returns to the beginning: reads the screen and looks for a prompt. */
  open(): void {
    const { console, target } = this.state;
    this.state.loggedIn = false;
    this.state.sudo = null;
    this.state.unconfirmed = null;
    this.state.askAgain = false;
    const acquired = console.held;
    this.state.named = null;
    this.enter(opening(acquired, this.at), acquired ? target.limits.preflight : Infinity);
    if (!acquired) this.acquire('ask');
  }

  acquire(use: Use): void {
    if (!this.state.console.held) this.do({ do: 'acquire', use });
  }

  letGo(): void {
    const { state } = this;
    if (!state.console.held) return;
    state.console = { ...state.console, held: false, open: false, proven: false, closedAt: null };
    this.do({ do: 'let-go' });
  }

  /** Reports whether ssh is configured and has not failed. */
  get mayTrySsh(): boolean {
    return this.state.target.ssh !== null && this.state.sshProblem === null && this.state.goal === 'poweroff';
  }

  /**
   * Continues from the prompt, or without one: runs the configured programs first, then requests the shutdown by ssh
   * where possible. False: the request goes by its console, now.
   */
  goesOn(): boolean {
    const { state } = this;
    const { target } = state;
    if (!state.prepared) {
      if (target.shares && this.mayTrySsh) this.letGo();
      this.enter({ is: 'before' }, target.hooks?.limit ?? 0);
      this.do({ do: 'run-hooks' });
      return true;
    }
    if (!this.mayTrySsh) return false;
    if (target.shares) {
      this.letGo();
      this.enter({ is: 'spaced' }, Infinity);
      this.do({ do: 'space' });
    } else this.askBySsh();
    return true;
  }

  askBySsh(): void {
    const { state } = this;
    const { target } = state;
    state.atShell = false;
    this.prove('intent', `is about to be asked to shut down by ssh (${target.ssh ?? ''})`);
    state.sshRuns = false;
    state.sshRan = false;
    state.sshSilent = false;
    // The client has its own limit.
    this.enter({ is: 'ssh' }, Infinity);
    this.do({ do: 'journal' });
    // Its last line is the best evidence: the console is watched when no other node needs it.
    this.acquire('watch');
  }

  /** Presses a key that does no harm at the present screen. */
  press(press: Press): void {
    const { stage } = this.state;
    if (stage.is !== 'opening') return;
    const lines = press === 'enter' ? [] : stage.lines;
    const presses = [...stage.presses, press];
    this.state.stage = { ...stage, presses, pressedAt: this.at, answered: false, lines: lines };
    this.type(keysOf(press, stage.presses));
  }

  /**
   * Types the request at a shell prompt, once its intent is in the journal. The uptime is requested with it: a halt
   * line from a log of an earlier day has another time. A failure is marked by words that do not depend on the
   * language.
   */
  request(root: boolean): void {
    const { state } = this;
    const command = root ? state.command : `sudo ${state.command}`;
    state.token = tokenAt(this.at);
    state.root = root;
    state.askAgain = false;
    state.atShell = false;
    state.sudo = null;
    state.sshSilent = false;
    this.prove('intent', `‘${command}’ is about to be typed at its shell prompt`);
    const asking = root || state.plainSudo ? command : withSudoPrompt(command, state.token);
    const text = `cat /proc/uptime; ${orPrintFailed(asking, state.token)}\r`;
    // The disk has its own limit.
    this.enter({ is: 'requesting', step: 'disk', text, lines: [] }, Infinity);
    this.do({ do: 'journal' });
  }

  /** Types emergency sync, then remount read-only: the kernel's own way, where the system's hangs. */
  rescue(root: boolean, key: 's' | 'u'): void {
    const command = `echo ${key} > /proc/sysrq-trigger`;
    if (key === 's') {
      this.state.sudo = null;
      this.prove('rescue', 'emergency sync and remount were typed at its shell prompt');
      this.enter({ is: 'rescue', synced: false }, this.state.target.limits.request);
    }
    this.type(`${root ? command : `sudo sh -c '${command}'`}\r`);
  }

  stopping(): void {
    const { limits } = this.state.target;
    this.enter({ is: 'stopping', hardUntil: this.at + limits.hard, unit: null }, limits.stopping);
  }

  /** Handles a machine that restarts: it is not cut without an operator. */
  restarted(reason: string): void {
    this.state.neverCut = 'it started again';
    // The request was to the earlier boot: no last line from now on answers it.
    this.state.requestedAt = null;
    this.prove('restart', reason);
    if (this.state.stage.is !== 'stopping') this.stopping();
    this.ask('rebooted', reason);
  }

  /** Asks the operators. A problem that a halt cannot solve is not replaced by one that it can. */
  ask(kind: OperatorPromptKind, detail = ''): void {
    const { prompt, target } = this.state;
    if (prompt && (prompt.kind === kind || (isSticky(prompt.kind) && !isSticky(kind)))) return;
    const waitsMs = target.unattended
      ? unattendedMs(kind, this.state.requestedAt !== null)
      : Math.max(target.limits.hard, WAIT_MS);
    this.state.prompt = { kind, detail: detail, since: this.at, until: this.at + waitsMs };
  }

  /** Asks about a last line that nothing distinguishes from an old one. */
  undated(why = 'ssh did not report its uptime'): void {
    this.ask('unproven', `a last line was read; ${why}, so it may be an old one`);
  }

  clearPrompt(): void {
    this.state.prompt = null;
  }

  cut(ground: Ground): void {
    this.clearPrompt();
    this.enter({ is: 'cutting', ground, from: this.state.stage, recalled: null }, 0);
    this.do({ do: 'cut', ground });
  }

  end(outcome: Outcome, detail: string, off = false, again: Again | null = null): void {
    const { loggedIn, atShell, console, stage } = this.state;
    // A shell that was opened here is not left to the next user, and neither is its password prompt.
    if (!off && loggedIn && atShell && console.open) this.type('exit\r');
    else if (stage.is === 'login' && stage.step !== 'user' && console.open) this.type('\x03');
    this.clearPrompt();
    this.enter({ is: 'ended', outcome, detail, off, again }, 0);
  }

  /** Describes requests that cannot be recalled, for sentences about nodes that are left on. */
  whatGoesOn(): string {
    const { stage, sshRuns, sshRan } = this.state;
    if (stage.is === 'requesting' && stage.step === 'wire')
      return 'the request to shut down was being typed: it may halt';
    if (stage.is === 'ssh' && sshRuns && !sshRan)
      return 'the request by ssh was being sent: it may halt, and keeps its power';
    switch (stage.is) {
      case 'spaced':
        return 'it was not asked to shut down';
      case 'before':
        return 'it was not asked to shut down; the effects of the programs before it remain';
      case 'opening':
      case 'identify':
      case 'login':
      case 'requesting':
      case 'ssh':
        return this.state.requestedAt === null
          ? 'it was not asked to shut down'
          : 'it was asked to shut down before, which cannot be recalled';
      case 'settle':
        return 'it has halted and keeps its power';
      default:
        return 'it was asked to shut down, which cannot be recalled: it may halt, and keeps its power';
    }
  }
}
