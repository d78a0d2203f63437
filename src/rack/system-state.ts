/**
 * What is known of a node's operating system while its BMC says `on`. Power is the BMC's word and says nothing of the
 * system behind it: a machine that has halted stays powered. Only a sign of life makes a system `up`, never a status
 * reply. Pure: signs and times come in as values.
 */
import type { ShownPower } from './reading.ts';

/**
 * `going-down`: asked to shut down, or heard doing so. `halted`: the kernel's last line was read, and nothing after it.
 * `failed`: a rescue, emergency, initramfs or boot loader shell, or a panic: it does not come up by itself.
 */
export type System = 'unknown' | 'booting' | 'up' | 'going-down' | 'halted' | 'failed';

export interface SystemState {
  system: System;
  /** Since when; epoch milliseconds. */
  since: number;
  /** When the latest sign of this state was seen; epoch milliseconds. */
  heardAt: number;
  /** What it was concluded from, to be read behind the node's name: `said “reboot: Power down”`. */
  why: string;
  /** A shutdown was requested from here, in this life of the machine. */
  asked: boolean;
  /** Going down: that was heard, not only asked for. Halted: the firmware spoke after it, as it does on a Pi. */
  confirmed: boolean;
  /**
   * Read in another power-on than this one may be: by an earlier server, or before a time in which nobody saw its power. It
   * is shown and worked on, and proves nothing.
   */
  recalled: boolean;
}

export const UNKNOWN_SYSTEM: SystemState = {
  ...{ system: 'unknown', since: 0, heardAt: 0, why: '', asked: false, confirmed: false, recalled: false },
};

/** One thing that was seen or done; `text`: what it was, in words or as the node said it. */
export interface SystemSign {
  kind:
    /** A shutdown was requested from here, or the system refused it. */
    | 'asked'
    | 'refused'
    /** Words of a shutdown under way; the kernel's last line; the kernel's line before a restart. */
    | 'stopping'
    | 'halt'
    | 'restart'
    /** Words of a boot; the Pi's firmware, which also runs once more after a halt. */
    | 'boot'
    | 'firmware'
    /** It stands at a rescue, emergency, initramfs or boot loader shell, or panicked. */
    | 'failed'
    /** A getty's prompt; a shell's; an answer by network, a new boot id. */
    | 'login'
    | 'shell'
    | 'alive'
    /** Any other readable text. */
    | 'speech'
    /** Its BMC went from off to on; to anything else. */
    | 'power-on'
    | 'power-off';
  at: number;
  text: string;
}

/** Milliseconds. */
export interface SystemLimits {
  /** How long prompts after an unheard request may be those from before it. */
  unheard: number;
  /** How long a shutdown that was heard may take from its last sign on. */
  stopping: number;
  /** How long a boot may take until a sign of life. */
  boot: number;
}

/** The state after a sign. */
export function nextSystem(before: SystemState, { kind, at, text }: SystemSign, limits: SystemLimits): SystemState {
  const enter = (system: System, why: string, more: Partial<SystemState> = {}): SystemState =>
    before.system === system
      ? { ...before, heardAt: at, why, ...more }
      : { ...UNKNOWN_SYSTEM, system, since: at, heardAt: at, why, ...more };
  const { asked, confirmed } = before;
  switch (kind) {
    case 'asked':
      // What has halted cannot be asked any more.
      if (before.system === 'halted') return before;
      return { ...enter('going-down', text), asked: true, confirmed: before.system === 'going-down' && confirmed };
    case 'refused':
      return before.system === 'going-down' && !confirmed
        ? enter('unknown', `refused to shut down: “${text}”`)
        : before;
    case 'stopping':
      return enter('going-down', `said “${text}”`, { asked, confirmed: true });
    case 'halt':
      return enter('halted', `said “${text}”`, { asked, recalled: false });
    case 'restart':
    case 'boot':
      return enter('booting', `said “${text}”`);
    case 'firmware':
      return before.system === 'halted'
        ? { ...before, heardAt: at, confirmed: true }
        : enter('booting', `said “${text}”`);
    case 'failed':
      return enter('failed', `said “${text}”`);
    case 'login':
    case 'alive':
      return lives(before, at, limits) ? enter('up', kind === 'login' ? `shows “${text}”` : text) : before;
    case 'shell':
      // An emergency shell's prompt looks like any other.
      if (before.system === 'failed') return before;
      return lives(before, at, limits) ? enter('up', 'shows a shell prompt') : before;
    case 'speech':
      // A halted machine says nothing more: what claimed to be its last line was none.
      if (before.system !== 'halted' || confirmed) return before;
      return asked
        ? enter('going-down', `said “${text}” after its last line`, { asked })
        : enter('unknown', `said “${text}” after what looked like its last line`);
    case 'power-on':
      return enter('booting', 'was switched on');
    case 'power-off':
      return UNKNOWN_SYSTEM;
  }
}

/** A sign of life soon after a shutdown was asked for may be from before it took effect. */
function lives({ system, heardAt, confirmed }: SystemState, at: number, limits: SystemLimits): boolean {
  return system !== 'going-down' || at - heardAt >= (confirmed ? limits.stopping : limits.unheard);
}

/** What is known at `now`: a boot that showed no sign of life in time is not known to go on. */
export function systemAt(state: SystemState, now: number, { boot }: Pick<SystemLimits, 'boot'>): SystemState {
  if (state.system !== 'booting' || now - state.heardAt <= boot) return state;
  return { ...state, system: 'unknown', since: state.heardAt + boot, why: `${state.why}, and was not seen to come up` };
}

/** True where the machine takes power and is of no use: `on` has something to do. */
export function isDown({ system }: Pick<SystemState, 'system'>): boolean {
  return system === 'halted' || system === 'going-down';
}

/** What a node is shown as: its power, or where that is on and its system is known not to be up, that. */
export type NodeCondition = ShownPower | Exclude<System, 'unknown' | 'up'>;

/** In the order in which they are counted. */
export const CONDITIONS: readonly NodeCondition[] = [
  'on',
  'booting',
  'going-down',
  'halted',
  'failed',
  'off',
  'disabled',
  'unknown',
  'absent',
] as const;

export function nodeCondition(power: ShownPower, system: Pick<SystemState, 'system'> | null): NodeCondition {
  if (power !== 'on' || system === null || system.system === 'unknown' || system.system === 'up') return power;
  return system.system;
}

/** How a condition is called where there is room: `halted, still powered`. */
export function conditionText(condition: NodeCondition): string {
  switch (condition) {
    case 'halted':
      return 'halted, still powered';
    case 'going-down':
      return 'halted or going down, still powered';
    case 'failed':
      return 'on, its system is not up';
    default:
      return condition;
  }
}
