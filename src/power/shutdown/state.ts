/** A graceful shutdown as data: what it knows, what may happen to it, what it wants done. Pure. */
import type { Again, Outcome } from '../../api/power.ts';
import type { Recognition } from '../../console/recognizer.ts';
import type { Press, ScreenState } from '../../console/screen-state.ts';
import type { ProgramEnd } from '../../lib/subprocess.ts';
import type { Power } from '../../rack/reading.ts';
import type { Use } from '../console-arbiter.ts';
import type { ConsoleCondition } from '../ports.ts';
import type { OperatorPrompt } from './prompts.ts';
import type { Target } from './target.ts';

/** `key`: the blank was typed. `pipe`: its BMC is asked, which opens the pipe anew. `enter`: Enter was typed. */
export type Touch =
  | { step: 'key'; listened: number; at: number }
  | { step: 'pipe'; answered: boolean; askedAt: number; clearAt: number }
  | { step: 'enter'; listened: number; at: number };

export type Stage =
  /**
   * The console is opened, and a prompt is looked for. `turn`: the one console is ours by now. `presses`: keys so far, each
   * after what stands on the screen was read; `answered`: something came since. `said`: what was heard since Enter.
   */
  | {
      is: 'opening';
      turn: boolean;
      heard: boolean;
      presses: readonly Press[];
      pressedAt: number;
      answered: boolean;
      lookedAt: number;
      said: readonly string[];
    }
  /**
   * A shell is asked whose it is. `named`: the host that its own words showed before, or null. `at`: what it shows as its
   * prompt. `promptAt`: when that came back, or null.
   */
  | {
      is: 'identify';
      token: string;
      named: string | null;
      at: string;
      lines: readonly string[] | null;
      promptAt: number | null;
    }
  /** Configured programs run: it may still be left alone. */
  | { is: 'before' }
  /** It is asked by ssh when its last line will not fall together with another's. */
  | { is: 'spaced' }
  /** ssh is on its way, or will be when the journal is told. */
  | { is: 'ssh' }
  | { is: 'login'; step: 'user' | 'password' | 'shell' }
  /**
   * `disk`: the journal is told that it is about to be asked; nothing was typed. `wire`: the request is typed, and its last
   * byte has not left. `heard`: what came meanwhile; only what came after that byte may be an answer.
   */
  | { is: 'requesting'; step: 'disk' | 'wire'; text: string; heard: readonly Recognition[] }
  /** The command was typed; nothing showed yet that it was heard. */
  | { is: 'asked' }
  /** An operator does it in the pane; we watch for the halt. */
  | { is: 'by-hand' }
  | { is: 'stopping'; hardUntil: number; unit: string | null }
  /** Its network is gone and nothing proves the halt yet: grade B is gathered. Not judged before `judgeAt`. */
  | { is: 'gone'; hardUntil: number; judgeAt: number; unit: string | null }
  /** The end of that: Enter is pressed on its console, which must stay silent, while its current must stay steady. */
  | { is: 'judging'; hardUntil: number; presses: number; pressedAt: number }
  /** Emergency sync and remount were typed. */
  | { is: 'rescue'; synced: boolean }
  /** A last line was read. A halted machine says nothing more, and is dead to a touch when the time has passed. */
  | { is: 'settle'; marker: string; firmware: boolean; touch: Touch | null }
  /** `from`: where it was judged. `recalled`: the verb was withdrawn. */
  | { is: 'cutting'; ground: Ground; from: Stage; recalled: { by: Recall } | null }
  | { is: 'ended'; outcome: Outcome; detail: string; off: boolean; again: Again | null };

/** What withdraws a verb: what was heard, its network that answers, or (null) that nobody listened. */
export type Recall = Recognition | 'network' | null;

/** Why power may be cut. */
export type Ground = 'halted' | 'composite' | 'forced' | 'deadline';

export interface Shutdown {
  target: Target;
  stage: Stage;
  since: number;
  /** End of the stage's limit. */
  until: number;
  /** An open question: nothing is done about it until somebody answers, or its own limit. */
  trouble: OperatorPrompt | null;
  /** `spoke`: it said something before it was asked to go. `problem`: why it cannot be asked there, or ''. */
  console: ConsoleCondition & { held: boolean; closedAt: number | null; spoke: boolean; problem: string };
  /** When its console last said something. */
  heardAt: number;
  /** What a line says that a banner may quote: believed when the console falls silent behind it, and no prompt comes. */
  claim: { kind: 'panic' | 'emergency' | 'login-failed'; said: string } | null;
  /** What a shell is wanted for. */
  goal: 'poweroff' | 'rescue';
  /** Looked at, and prepared: it may be asked. */
  prepared: boolean;
  /** Why ssh cannot ask it, or null: it can, or was not tried. */
  sshProblem: string | null;
  /** The ssh client was started and has not ended yet: what it will say of the machine's uptime is still to come. */
  sshRuns: boolean;
  /** It has said that the command ran. */
  sshRan: boolean;
  /** ssh may have asked it and never said of when: no last line is certain to be of this shutdown. */
  sshSilent: boolean;
  /** The host that its login or its banner named during this dialogue; null: it named none. */
  named: string | null;
  /** Its login prompt names no host, and an operator lets it have user and password. */
  trusted: boolean;
  /** Told to sudo as its prompt, printed by a command that failed; '' before the request. */
  token: string;
  /** The last line that it said after the request. */
  said: string;
  /** The shell at which it was asked is root's. */
  root: boolean;
  /** The shell knows no variables ahead of a command. */
  plainSudo: boolean;
  /**
   * `was`: it answered there during this operation. `goneSince`: it does not any more. `silentAt`: when the last look began
   * that found nothing.
   */
  network: { was: boolean; goneSince: number | null; silentAt: number | null };
  /** Counts before the request; null: not known. */
  runningCurrent: number | null;
  /** What its BMC says while evidence is gathered. */
  bmc: { at: number; current: number | null; steadySince: number | null; failures: number; offs: number };
  /** The command that is typed; the second where a node has no systemd. */
  command: 'systemctl poweroff' | 'poweroff';
  /** When the request last left, or ssh said that it ran; by hand: when somebody chose that. Null: it was not asked. */
  requestedAt: number | null;
  /** How often in a row the request did not leave whole. */
  unsent: number;
  /** When the kernel's last line was read. */
  haltedAt: number | null;
  /** Last lines that a sign of life contradicted. */
  claims: number;
  /** Ask again at the next shell prompt. */
  askAgain: boolean;
  /** We logged in, so we log out where the node stays up. */
  loggedIn: boolean;
  /** The last thing heard was a shell prompt. */
  atShell: boolean;
  /** sudo's password prompt: whose it wants (null: it does not say), and whether it had our one answer. */
  sudo: { user: string | null; text: string; answered: boolean } | null;
  /** The first sign that file systems were not left clean. */
  dirty: string | null;
  /** Why no deadline may cut: it started anew, or is another host. */
  neverCut: string | null;
}

export type ShutdownEvent = { at: number } & (
  | { kind: 'start' }
  /**
   * `wanted`: somebody waits for the one console. `urgent`: somebody whose node is about to say its last line. `pressed`:
   * somebody waits who has waited long enough.
   */
  | { kind: 'tick'; wanted: boolean; urgent?: boolean; pressed?: boolean }
  | { kind: 'console'; condition: ConsoleCondition }
  /** This process stood still for so long. */
  | { kind: 'stalled'; ms: number }
  /** That it is about to be asked is on the disk; or the disk fails, or is too slow to wait for. */
  | { kind: 'journalled' }
  /** The last byte of the request left at `leftAt`. */
  | { kind: 'requested'; leftAt: number }
  /** Some of the request was dropped with the console. */
  | { kind: 'unsent' }
  /** ssh says that the command ran. */
  | { kind: 'ssh-ran' }
  /** It may be asked by ssh now. */
  | { kind: 'spaced' }
  /** The one console is ours; its condition follows. */
  | { kind: 'turn' }
  /** The console is not to be had. */
  | { kind: 'no-console'; why: string }
  /** The programs before the shutdown; `why`: '' when all went well. `required`: not without the one that failed. */
  | { kind: 'hooks-done'; why: string; required?: boolean }
  | { kind: 'ssh-done'; end: ProgramEnd }
  /** Whether anything answers at its address, by a look that began at `askedAt`. */
  | { kind: 'network'; reachable: boolean; askedAt: number }
  /** Its BMC's answer; null: none. */
  | { kind: 'sample'; sample: { power: Power; current: number } | null; why: string }
  | { kind: 'heard'; recognition: Recognition }
  /** What stands on its screen. */
  | { kind: 'standing'; standing: ScreenState; fresh: boolean }
  /** Anything at all came from its console, ahead of what it is recognised as. */
  | { kind: 'sound'; text: string }
  /** Configured credentials' user; null: none are configured, or they cannot be read: `why`. */
  | { kind: 'credentials'; user: string | null; why: string }
  /** Typing was not taken. */
  | { kind: 'refused'; why: string }
  | { kind: 'answer'; choice: string; by: string }
  | { kind: 'abort' }
  /** `rule`: the guard that refused it, or null. `current`: counts in the pipe in which it was cut, or null. */
  | {
      kind: 'cut-done';
      ok: boolean;
      sent: boolean;
      outcome: Outcome;
      detail: string;
      rule: string | null;
      current: number | null;
    }
);

export type EventOf<K extends ShutdownEvent['kind']> = Extract<ShutdownEvent, { kind: K }>;

export type Effect =
  | { do: 'acquire'; use: Use }
  /** The console is left to others. */
  | { do: 'let-go' }
  | { do: 'run-hooks' }
  /** Waits until its last line can be read on the one console. */
  | { do: 'space' }
  /** Answered with `journalled`: then the present state is on the disk. */
  | { do: 'journal' }
  /** What was printed before proves nothing. */
  | { do: 'ask-ssh' }
  /** From here the machine may halt, whatever becomes of this operation. */
  | { do: 'asked'; how: string }
  /** Seconds that the machine had been up when it was asked: for the stamps on its console. */
  | { do: 'up-for'; seconds: number }
  /** Counts before and after a halt that the kernel's last line proved. */
  | { do: 'observe'; running: number; halted: number }
  /** From the request to the kernel's last line. */
  | { do: 'took'; ms: number }
  /** What stands on its screen is wanted. */
  | { do: 'look' }
  | { do: 'type'; text: string }
  /** Types the request; what was printed before proves nothing. Answered with `requested` or `unsent`. */
  | { do: 'request'; text: string }
  /** The operator's own request counts from here. */
  | { do: 'listen' }
  /** Asks its BMC, in a pipe that is opened for it. */
  | { do: 'sample' }
  | { do: 'ask-credentials' }
  | { do: 'type-user' }
  | { do: 'type-password' }
  | { do: 'prove'; kind: string; text: string }
  | { do: 'cut'; ground: Ground }
  /** Withdraws the verb, where it has not left. */
  | { do: 'recall' };

export interface Step {
  state: Shutdown;
  effects: Effect[];
}

/** The beginning: nothing was typed yet. */
export function opening(turn: boolean, at: number): Extract<Stage, { is: 'opening' }> {
  return {
    is: 'opening',
    turn,
    heard: false,
    presses: [],
    pressedAt: at,
    answered: false,
    lookedAt: -Infinity,
    said: [],
  };
}

export function initialShutdown(target: Target, at: number): Shutdown {
  return {
    target,
    stage: opening(false, at),
    since: at,
    until: Infinity,
    trouble: null,
    console: {
      open: false,
      proven: false,
      why: 'the console is being opened',
      held: false,
      closedAt: null,
      spoke: false,
      problem: '',
    },
    heardAt: at,
    claim: null,
    goal: 'poweroff',
    prepared: target.hooks === null,
    sshProblem: null,
    sshRuns: false,
    sshRan: false,
    sshSilent: false,
    named: null,
    trusted: false,
    token: '',
    said: '',
    root: false,
    plainSudo: false,
    network: { was: false, goneSince: null, silentAt: null },
    runningCurrent: null,
    bmc: { at, current: null, steadySince: null, failures: 0, offs: 0 },
    command: 'systemctl poweroff',
    requestedAt: null,
    unsent: 0,
    haltedAt: null,
    claims: 0,
    askAgain: false,
    loggedIn: false,
    atShell: false,
    sudo: null,
    dirty: null,
    neverCut: null,
  };
}
