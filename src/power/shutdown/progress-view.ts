/** Presents a shutdown to its operators. Pure. */
import type { DraftQuestion, Phase } from '../../api/power.ts';
import { questionOf } from './prompts.ts';
import type { Shutdown } from './state.ts';

export interface ShutdownView {
  phase: Phase;
  detail: string;
  /** Epoch milliseconds, or null: there is no limit. */
  until: number | null;
  question: DraftQuestion | null;
}

export function viewOf(state: Shutdown): ShutdownView {
  const { prompt, target, until } = state;
  if (prompt !== null) {
    const question = questionOf(prompt, target);
    return { phase: 'asking', detail: question.text, until: earliest(prompt.until, state), question };
  }
  return { ...progress(state), until: earliest(until, state), question: null };
}

function earliest(until: number, { target }: Shutdown): number | null {
  const limit = Math.min(until, target.deadlineAt ?? Infinity);
  return limit === Infinity ? null : limit;
}

function progress({ stage, console, command, requestedAt, target, bmc }: Shutdown): {
  phase: Phase;
  detail: string;
} {
  const lost = console.open || !console.held ? '' : `; its console is off the wire: ${console.why}`;
  switch (stage.is) {
    case 'before': {
      const { count = 0 } = target.hooks ?? {};
      return {
        phase: 'before',
        detail: `${count === 1 ? 'a program runs' : `${count} programs run`} before the shutdown request`,
      };
    }
    case 'at-shell':
      return { phase: 'preflight', detail: 'its shell waits for a command' };
    case 'spaced':
      return { phase: 'request', detail: 'the request by ssh waits until the console can read its last line' };
    case 'ssh':
      return { phase: 'request', detail: `is asked to shut down by ssh (${target.ssh ?? ''})` };
    case 'gone': {
      const unit = stage.unit === null ? '' : `; it waited for ${stage.unit}`;
      return { phase: 'stopping', detail: `its network does not answer, and its last line was not read${unit}` };
    }
    case 'testing':
      return {
        phase: 'stopping',
        detail: console.held
          ? `checking that its console stays silent and its current steady (${bmc.current ?? '?'} counts)`
          : 'waits for the console, to check that it is silent',
      };
    case 'identify':
      return { phase: 'preflight', detail: `its console shows a shell; reading its host name${lost}` };
    case 'rescue':
      return { phase: 'stopping', detail: `its disks are being synced and remounted read-only${lost}` };
    case 'opening':
      if (!console.held) return { phase: 'waiting', detail: 'waits for its turn at the console' };
      return stage.printed
        ? { phase: 'request', detail: `its console prints output; waiting for a prompt${lost}` }
        : {
            phase: 'preflight',
            detail: console.open ? 'its console is open; Enter was pressed to wake it' : console.why,
          };
    case 'login':
      return { phase: 'request', detail: `logging in on its console${lost}` };
    case 'requesting':
      return {
        phase: 'request',
        detail:
          stage.step === 'disk'
            ? `waits for the journal on the disk before the request (‘${command}’)${lost}`
            : `the request (‘${command}’) is being typed${lost}`,
      };
    case 'asked':
      return { phase: 'acknowledged', detail: `asked to shut down (‘${command}’); waiting for a sign of it${lost}` };
    case 'by-hand':
      return { phase: 'request', detail: `waiting for an operator to shut it down on its console${lost}` };
    case 'stopping':
      return {
        phase: 'stopping',
        detail: `is shutting down${stage.unit === null ? '' : `; it waits for ${stage.unit}`}${lost}`,
      };
    case 'settle':
      return {
        phase: 'settle',
        detail: `${stage.touch === null ? 'reports that it has halted; watching for signs of a reboot' : 'reports that it has halted; checking that console and network do not answer'}${lost}`,
      };
    case 'cutting':
      return { phase: 'cut', detail: `its power is being cut${requestedAt === null ? ', without a shutdown' : ''}` };
    case 'ended':
      return { phase: 'ended', detail: stage.detail };
  }
}
