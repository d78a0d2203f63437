/** A graceful shutdown as data: its state, its events, its effects. Pure. */
import type { Again, Outcome } from '../../api/power.ts';
import type { Recognition } from '../../console/recognizer.ts';
import type { Press, ScreenState } from '../../console/screen-state.ts';
import type { ProgramEnd } from '../../lib/subprocess.ts';
import type { Power } from '../../rack/reading.ts';
import type { Use } from '../console-arbiter.ts';
import type { ConsoleCondition } from '../ports.ts';
import type { OperatorPrompt } from './prompts.ts';
import type { Target } from './target.ts';

/** `key`: the blank was typed. `pipe`: a status request to its BMC opens the pipe again. `enter`: Enter was typed. */
export type Touch =
  | { step: 'key'; listened: number; at: number }
  | { step: 'pipe'; answered: boolean; askedAt: number; clearAt: number }
  | { step: 'enter'; listened: number; at: number };

export type Stage =
  /**
   * The console is opened, and a prompt is looked for. `acquired`: the console's turn has come once. `presses`: keys so far,
   * each after the screen was read; `answered`: output came since. `said`: lines since Enter.
   */
  | {
      is: 'opening';
      acquired: boolean;
      printed: boolean;
      presses: readonly Press[];
      pressedAt: number;
      answered: boolean;
      lookedAt: number;
      lines: readonly string[];
    }
  /**
   * A shell is asked for its host. `named`: the host that its own lines showed before, or null. `at`: the text of its
   * prompt. `promptAt`: time at which the prompt came back, or null.
   */
  | {
      is: 'identify';
      token: string;
      named: string | null;
      at: string;
      lines: readonly string[] | null;
      promptAt: number | null;
    }
  /** Configured programs run before the request; the shutdown can still be dropped. */
  | { is: 'before' }
  /** The ssh request waits until its last line does not coincide with another node's. */
  | { is: 'spaced' }
  /** The ssh request is sent, or will be when the journal is written. */
  | { is: 'ssh' }
  | { is: 'login'; step: 'user' | 'password' | 'shell' }
  /** With the goal `shell`: a shell of the expected host waits for a command. `host`: its name, or null. */
  | { is: 'at-shell'; root: boolean; host: string | null }
  /**
   * `disk`: the journal is written with the intent; nothing was typed. `wire`: the request is typed, and its last byte
   * is not sent yet. `heard`: lines meanwhile; only those after that byte may be an answer.
   */
  | { is: 'requesting'; step: 'disk' | 'wire'; text: string; lines: readonly Recognition[] }
  /** The command was typed; there is no sign yet that it was received. */
  | { is: 'asked' }
  /** An operator shuts it down in the pane; rackui watches for the halt. */
  | { is: 'by-hand' }
  | { is: 'stopping'; hardUntil: number; unit: string | null }
  /** Its network is gone and nothing proves the halt yet: grade B is gathered. Not assessed before `assessAt`. */
  | { is: 'gone'; hardUntil: number; assessAt: number; unit: string | null }
  /**
   * End of the gathering: Enter is pressed on its console, which must stay silent, while its current must stay steady.
   */
  | { is: 'testing'; hardUntil: number; presses: number; pressedAt: number }
  /** Emergency sync and remount were typed. */
  | { is: 'rescue'; synced: boolean }
  /**
   * A last line was read. A halted machine prints nothing more, and is dead to a touch when the settle time has passed.
   */
  | { is: 'settle'; marker: string; firmware: boolean; touch: Touch | null }
  /** `from`: stage from which the cut was decided. `recalled`: the verb was withdrawn. */
  | { is: 'cutting'; ground: Ground; from: Stage; recalled: { by: Recall } | null }
  | { is: 'ended'; outcome: Outcome; detail: string; off: boolean; again: Again | null };

/** Reason for the withdrawal of a verb: a console line, its network that answers, or (null) unread console output. */
export type Recall = Recognition | 'network' | null;

/** Grounds on which power may be cut. */
export type Ground = 'halted' | 'composite' | 'forced' | 'deadline';

export interface Shutdown {
  target: Target;
  stage: Stage;
  since: number;
  /** End of the stage's limit. */
  until: number;
  /** An open question: it waits for an operator's answer, or its own limit. */
  prompt: OperatorPrompt | null;
  /**
   * `spoke`: it printed something before the request. `problem`: reason why the console cannot be used for the request,
   * or ''.
   */
  console: ConsoleCondition & { held: boolean; closedAt: number | null; printedBefore: boolean; problem: string };
  /** Time of its console's last output. */
  lastOutputAt: number;
  /** A line that a banner may quote: it counts once the console is silent after it, without a prompt. */
  unconfirmed: { kind: 'panic' | 'emergency' | 'login-failed'; text: string } | null;
  /** Purpose of the shell. */
  goal: 'poweroff' | 'rescue' | 'shell';
  /** The console was examined and the programs have run: the request may be sent. */
  prepared: boolean;
  /** Reason why the request cannot go by ssh, or null: it can, or was not tried. */
  sshProblem: string | null;
  /** The ssh client was started and has not ended yet: its report of the machine's uptime is still to come. */
  sshRuns: boolean;
  /** ssh reported that the command ran. */
  sshRan: boolean;
  /** The request may have gone by ssh without a reported time: no last line is certain to be of this shutdown. */
  sshSilent: boolean;
  /** Host that its login or its banner named during this dialogue; null: none. */
  named: string | null;
  /** Its login prompt names no host, and an operator allowed user and password there. */
  trusted: boolean;
  /** Token given to sudo as its prompt, and printed by a command that failed; '' before the request. */
  token: string;
  /** Its last output line after the request. */
  lastLine: string;
  /** The shell of the request is root's. */
  root: boolean;
  /** The shell does not support variables ahead of a command. */
  plainSudo: boolean;
  /**
   * `was`: it answered during this operation. `goneSince`: time since which it does not. `silentAt`: start of the last
   * probe without an answer.
   */
  network: { was: boolean; goneSince: number | null; silentAt: number | null };
  /** Counts before the request; null: not known. */
  runningCurrent: number | null;
  /** Its BMC's samples while evidence is gathered. */
  bmc: { at: number; current: number | null; steadySince: number | null; failures: number; offs: number };
  /** The command to type; the second where a node has no systemd. */
  command: 'systemctl poweroff' | 'poweroff';
  /**
   * Time at which the request was last sent, or ssh reported that it ran; for a shutdown by hand: time of that choice.
   * Null: no request.
   */
  requestedAt: number | null;
  /** Number of requests in a row that were not sent whole. */
  unsent: number;
  /** Time at which the kernel's last line was read. */
  haltedAt: number | null;
  /** Number of last lines that a sign of life contradicted. */
  contradicted: number;
  /** The request is repeated at the next shell prompt. */
  askAgain: boolean;
  /** rackui logged in, so it logs out where the node stays up. */
  loggedIn: boolean;
  /** The last recognition was a shell prompt. */
  atShell: boolean;
  /** sudo's password prompt: the user whose password it wants (null: not stated), and whether it was answered once. */
  sudo: { user: string | null; text: string; answered: boolean } | null;
  /** First sign that file systems were not left clean. */
  dirty: string | null;
  /** Reason why no deadline may cut: it restarted, or is another host. */
  neverCut: string | null;
}

export type ShutdownEvent = { at: number } & (
  | { kind: 'start' }
  /**
   * `wanted`: another node waits for the one console. `urgent`: a node whose last line is due waits for it. `pressed`:
   * a node has waited for it long enough.
   */
  | { kind: 'tick'; wanted: boolean; urgent?: boolean; pressed?: boolean }
  | { kind: 'console'; condition: ConsoleCondition }
  /** This process was stopped for `ms`. */
  | { kind: 'stalled'; ms: number }
  /** The intent is on the disk; or the disk fails, or takes too long. */
  | { kind: 'journalled' }
  /** The last byte of the request was sent at `leftAt`. */
  | { kind: 'requested'; leftAt: number }
  /** Some of the request was dropped with the console. */
  | { kind: 'unsent' }
  /** ssh reported that the command ran. */
  | { kind: 'ssh-ran' }
  /** The ssh request may be sent now. */
  | { kind: 'spaced' }
  /** The console's turn has come; its condition follows. */
  | { kind: 'turn' }
  /** The console cannot be had. */
  | { kind: 'no-console'; why: string }
  /**
   * The programs before the shutdown ended; `why`: '' when all succeeded. `required`: the one that failed is required.
   */
  | { kind: 'hooks-done'; why: string; required?: boolean }
  | { kind: 'ssh-done'; end: ProgramEnd }
  /** Whether anything answers at its address, by a probe that began at `askedAt`. */
  | { kind: 'network'; reachable: boolean; askedAt: number }
  /** Its BMC's answer; null: none. */
  | { kind: 'sample'; sample: { power: Power; current: number } | null; why: string }
  | { kind: 'recognized'; recognition: Recognition }
  /** State of its screen. */
  | { kind: 'screen'; screen: ScreenState; fresh: boolean }
  /** Any output of its console, before it is recognised. */
  | { kind: 'output'; text: string }
  /** User of the configured credentials; null: none are configured, or they cannot be read: `why`. */
  | { kind: 'credentials'; user: string | null; why: string }
  /** Input was not accepted. */
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
  /** Releases the console. */
  | { do: 'let-go' }
  | { do: 'run-hooks' }
  /** Waits until its last line can be read on the one console. */
  | { do: 'space' }
  /** Writes the present state to the disk. Answered with `journalled`. */
  | { do: 'journal' }
  /** Sends the request by ssh; earlier output proves nothing from here. */
  | { do: 'ask-ssh' }
  /** Marks the system as going down: from here the machine may halt, even if this operation ends. */
  | { do: 'asked'; how: string }
  /** Uptime of the machine at the request, seconds: for the stamps on its console. */
  | { do: 'up-for'; seconds: number }
  /** Counts before and after a halt that the kernel's last line proved. */
  | { do: 'observe'; running: number; halted: number }
  /** Duration from the request to the kernel's last line. */
  | { do: 'took'; ms: number }
  /** Reads the state of its screen. */
  | { do: 'look' }
  | { do: 'type'; text: string }
  /** Types the request; earlier output proves nothing from here. Answered with `requested` or `unsent`. */
  | { do: 'request'; text: string }
  /** Lends the console for a shutdown by hand; earlier output proves nothing from here. */
  | { do: 'listen' }
  /** Requests its BMC's status, in a pipe that is opened for it. */
  | { do: 'sample' }
  | { do: 'ask-credentials' }
  | { do: 'type-user' }
  | { do: 'type-password' }
  | { do: 'prove'; kind: string; text: string }
  | { do: 'cut'; ground: Ground }
  /** Withdraws the verb, where it was not sent yet. */
  | { do: 'recall' };

export interface Step {
  state: Shutdown;
  effects: Effect[];
}

/** Reason why a console is not open whose turn has come. */
export const OPENING = 'the console is being opened';

/** Returns the first stage: nothing was typed yet. */
export function opening(acquired: boolean, at: number): Extract<Stage, { is: 'opening' }> {
  return {
    is: 'opening',
    acquired,
    printed: false,
    presses: [],
    pressedAt: at,
    answered: false,
    lookedAt: -Infinity,
    lines: [],
  };
}

export function initialShutdown(target: Target, at: number): Shutdown {
  return {
    target,
    stage: opening(false, at),
    since: at,
    until: Infinity,
    prompt: null,
    console: {
      open: false,
      proven: false,
      why: OPENING,
      held: false,
      closedAt: null,
      printedBefore: false,
      problem: '',
    },
    lastOutputAt: at,
    unconfirmed: null,
    goal: 'poweroff',
    prepared: target.hooks === null,
    sshProblem: null,
    sshRuns: false,
    sshRan: false,
    sshSilent: false,
    named: null,
    trusted: false,
    token: '',
    lastLine: '',
    root: false,
    plainSudo: false,
    network: { was: false, goneSince: null, silentAt: null },
    runningCurrent: null,
    bmc: { at, current: null, steadySince: null, failures: 0, offs: 0 },
    command: 'systemctl poweroff',
    requestedAt: null,
    unsent: 0,
    haltedAt: null,
    contradicted: 0,
    askAgain: false,
    loggedIn: false,
    atShell: false,
    sudo: null,
    dirty: null,
    neverCut: null,
  };
}
