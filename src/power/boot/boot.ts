/**
 * From power on to a system that answers: `update(state, event) → { state, effects }`. The BMC's word is proven before
 * this begins; here a current, then a login prompt or an ssh server's greeting show that the machine came up. Pure.
 */
import type { Recognition } from '../../console/reader.ts';
import { sameHost } from '../../rack/host-name.ts';

/** What does not change while it boots. */
export interface BootTarget {
  name: string;
  /** The host name that its console must show, or null. */
  host: string | null;
  /** What counts: a prompt on its console, a greeting of its ssh server. At least one is true. */
  console: boolean;
  ssh: boolean;
  limitMs: number;
}

export interface Boot {
  target: BootTarget;
  since: number;
  /** Its highest current so far, counts; null: its BMC was not heard. */
  current: number | null;
  /** Why its console cannot be looked at, or '': it can, or nobody tried. */
  problem: string;
  /** Its last visible line. */
  said: string;
  heardAt: number;
  /** Since when its console is in hand; null: it is not. */
  hadSince: number | null;
  /** `up`: it came up, or nothing could be seen that says otherwise; `seen`: it was seen to come up. */
  end: { up: boolean; seen: boolean; detail: string } | null;
}

export type BootEvent = { at: number } & (
  | { kind: 'tick' }
  /** This process stood still for so long: nobody looked. */
  | { kind: 'stalled'; ms: number }
  | { kind: 'heard'; recognition: Recognition }
  | { kind: 'no-console'; why: string }
  /** Its console is in hand, or was handed on to another that boots. */
  | { kind: 'console' }
  | { kind: 'handed-on' }
  | { kind: 'greeting' }
  /** Counts. */
  | { kind: 'sample'; current: number }
);

export type BootEffect = { do: 'wake' } | { do: 'prove'; kind: string; text: string };

/**
 * Enter is pressed only on a console that has been quiet for so long, and so long after power came: any key stops
 * U-Boot's autoboot.
 */
const QUIET_MS = 10_000;
const WAKE_AFTER_MS = 30_000;
/** Who has the console for so long has heard it, or has woken it and been answered. */
export const LISTEN_MS = QUIET_MS + 3_000;

export function initialBoot(target: BootTarget, at: number): Boot {
  return { target, since: at, current: null, problem: '', said: '', heardAt: at, hadSince: null, end: null };
}

export function update(state: Boot, event: BootEvent): { state: Boot; effects: BootEffect[] } {
  if (state.end !== null) return { state, effects: [] };
  const { target, since } = state;
  const { at } = event;
  switch (event.kind) {
    case 'sample': {
      const first = event.current > 0 && (state.current ?? 0) === 0;
      const effects: BootEffect[] = first
        ? [{ do: 'prove', kind: 'current', text: `draws ${event.current} counts` }]
        : [];
      return { state: { ...state, current: Math.max(state.current ?? 0, event.current) }, effects };
    }
    case 'greeting':
      return target.ssh
        ? ended(state, true, `its ssh server answers, ${seconds(at - since)} after power came`, true)
        : { state, effects: [] };
    case 'no-console':
      return { state: { ...state, problem: event.why, hadSince: null }, effects: [] };
    case 'console':
      return { state: { ...state, problem: '', heardAt: at, hadSince: at }, effects: [] };
    case 'handed-on':
      return { state: { ...state, hadSince: null }, effects: [] };
    case 'heard':
      return heard(
        { ...state, heardAt: at, hadSince: state.hadSince ?? at, said: event.recognition.text },
        event.recognition,
        at,
      );
    case 'stalled': {
      const { hadSince } = state;
      // A line holds some kilobytes for a program that does not read: the prompt may be lost, and is asked for once more.
      const askedBy = Math.max(at - since, WAKE_AFTER_MS) + LISTEN_MS;
      const longer = { ...target, limitMs: Math.max(target.limitMs + event.ms, askedBy) };
      return { state: { ...state, target: longer, heardAt: at, hadSince: hadSince === null ? null : at }, effects: [] };
    }
    case 'tick':
      if (at - since >= target.limitMs && wasLookedAt(state, at)) return late(state);
      if (!target.console || at - since < WAKE_AFTER_MS || at - state.heardAt < QUIET_MS) return { state, effects: [] };
      return { state: { ...state, heardAt: at }, effects: [{ do: 'wake' }] };
  }
}

/**
 * Where only its console can show that it came up, and others that boot have that, its limit waits until it was its turn for
 * long enough. Why it cannot be looked at at all is an answer, too.
 */
function wasLookedAt({ target, problem, hadSince }: Boot, at: number): boolean {
  return target.ssh || problem !== '' || (hadSince !== null && at - hadSince >= LISTEN_MS);
}

/** What it is doing, for its operators. */
export function detailOf({ said, problem, current }: Boot): string {
  const drawn = current === null ? '' : `; it drew up to ${current} counts`;
  if (problem !== '') return `is on${drawn}; waiting for it to come up (its console: ${problem})`;
  return said === '' ? `is on${drawn}; waiting for it to come up` : `is on${drawn}; it says “${said}”`;
}

function heard(state: Boot, recognition: Recognition, at: number): { state: Boot; effects: BootEffect[] } {
  const { target, since } = state;
  switch (recognition.kind) {
    case 'login':
    case 'shell': {
      const { host } = recognition;
      if (host !== null && target.host !== null && !sameHost(host, target.host))
        return ended(state, false, `it came up as ‘${host}’, not as ‘${target.host}’: correct the map, or the slot`);
      if (!target.console) return { state, effects: [] };
      const what = recognition.kind === 'login' ? 'login' : 'shell';
      return ended(state, true, `its console shows a ${what} prompt, ${seconds(at - since)} after power came`, true);
    }
    case 'panic':
    case 'emergency':
    case 'initramfs':
    case 'initramfs-shell':
    case 'uboot-shell':
      return ended(state, false, `it did not come up: “${recognition.text}”; look at its console`);
    default:
      return { state, effects: [] };
  }
}

function late(state: Boot): { state: Boot; effects: BootEffect[] } {
  const { target, current, problem, said } = state;
  const limit = seconds(target.limitMs);
  if (current === 0) return ended(state, false, 'it draws nothing: is there a board in its slot?');
  // Not to have looked is not to have seen that it failed.
  if (!target.ssh && problem !== '') return ended(state, true, `whether it came up could not be seen (${problem})`);
  const wanted = target.console && target.ssh ? 'neither a prompt nor ssh' : target.ssh ? 'no ssh' : 'no prompt';
  const last = said === '' ? '' : `; the last that it said: “${said}”`;
  return ended(state, false, `${wanted} showed within ${limit}${last}: look at its console`);
}

function ended(state: Boot, up: boolean, detail: string, seen = false): { state: Boot; effects: BootEffect[] } {
  return { state: { ...state, end: { up, seen, detail } }, effects: [{ do: 'prove', kind: 'boot', text: detail }] };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
