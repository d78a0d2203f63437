/** A graceful shutdown as data: what it knows, what may happen to it, what it wants done. Pure. */
import type { Outcome } from '../../api/power.ts';
import type { Recognition } from '../../console/reader.ts';
import type { ConsoleCondition } from '../ports.ts';
import type { Trouble } from './troubles.ts';

/** What does not change during one shutdown. Times in milliseconds. */
export interface Target {
  name: string;
  /** `A-3, 03`. */
  place: string;
  /** The host name that its console must show, or null where nobody said which it is. */
  host: string | null;
  limits: { preflight: number; request: number; acknowledged: number; stopping: number; hard: number; settle: number };
  /** Epoch milliseconds, or null. */
  deadlineAt: number | null;
  onDeadline: 'leave' | 'cut';
}

export type Stage =
  /** The console is opened and woken with Enter until a prompt is seen. */
  | { is: 'opening'; heard: boolean; wakes: number; wokeAt: number }
  | { is: 'login'; step: 'user' | 'password' | 'shell' }
  /** The command was typed; nothing showed yet that it was heard. */
  | { is: 'asked' }
  /** An operator does it in the pane; we watch for the halt. */
  | { is: 'by-hand' }
  | { is: 'stopping'; hardUntil: number; unit: string | null }
  /** The kernel's last line was read; a halted machine says nothing more. */
  | { is: 'settle'; marker: string; firmware: boolean }
  | { is: 'cutting'; ground: Ground }
  | { is: 'ended'; outcome: Outcome; detail: string; off: boolean };

/** Why power may be cut. */
export type Ground = 'halted' | 'forced' | 'deadline';

export interface Shutdown {
  target: Target;
  stage: Stage;
  since: number;
  /** End of the stage's limit. */
  until: number;
  /** An open question: nothing is done about it until somebody answers, or its own limit. */
  trouble: Trouble | null;
  console: ConsoleCondition & { held: boolean; closedAt: number | null };
  /** The command that is typed; the second where a node has no systemd. */
  command: 'systemctl poweroff' | 'poweroff';
  /** When the shutdown was last asked for, by us or by hand. */
  requestedAt: number | null;
  /** Ask again at the next shell prompt. */
  askAgain: boolean;
  /** We logged in, so we log out where the node stays up. */
  loggedIn: boolean;
  /** The last thing heard was a shell prompt. */
  atShell: boolean;
  /** sudo's password prompt: whose it wants (null: it does not say), and whether it had our one answer. */
  sudo: { user: string | null; answered: boolean } | null;
  /** The first sign that file systems were not left clean. */
  dirty: string | null;
  /** Why no deadline may cut: it started anew, or is another host. */
  neverCut: string | null;
}

export type ShutdownEvent = { at: number } & (
  | { kind: 'start' }
  | { kind: 'tick' }
  | { kind: 'console'; condition: ConsoleCondition }
  /** The console is not to be had. */
  | { kind: 'no-console'; why: string }
  | { kind: 'heard'; recognition: Recognition }
  /** Configured credentials' user; null: none are configured, or they cannot be read: `why`. */
  | { kind: 'credentials'; user: string | null; why: string }
  /** Typing was not taken. */
  | { kind: 'refused'; why: string }
  | { kind: 'answer'; choice: string; by: string }
  | { kind: 'abort' }
  | { kind: 'cut-done'; ok: boolean; sent: boolean; outcome: Outcome; detail: string }
);

export type Effect =
  | { do: 'acquire' }
  | { do: 'type'; text: string }
  /** Types the request; what was printed before proves nothing. On the disk before it is typed. */
  | { do: 'request'; text: string }
  /** The operator's own request counts from here. */
  | { do: 'listen' }
  | { do: 'ask-credentials' }
  | { do: 'type-user' }
  | { do: 'type-password' }
  | { do: 'prove'; kind: string; text: string }
  | { do: 'cut'; ground: Ground };

export interface Step {
  state: Shutdown;
  effects: Effect[];
}

export function initialShutdown(target: Target, at: number): Shutdown {
  return {
    target,
    stage: { is: 'opening', heard: false, wakes: 0, wokeAt: at },
    since: at,
    until: at + target.limits.preflight,
    trouble: null,
    console: { open: false, proven: false, why: 'the console is being opened', held: false, closedAt: at },
    command: 'systemctl poweroff',
    requestedAt: null,
    askAgain: false,
    loggedIn: false,
    atShell: false,
    sudo: null,
    dirty: null,
    neverCut: null,
  };
}
