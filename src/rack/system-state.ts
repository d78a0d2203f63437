/**
 * State of a node's operating system while its BMC reports `on`. Power shows nothing of the system: a halted
 * machine stays powered. Only a sign of life makes a system `up`, never a status reply. Signs and times come in as
 * values. Pure.
 */
import type { ShownPower } from './reading.ts';

/**
 * `going-down`: asked to shut down, or seen doing so. `halted`: the kernel's last line was read, and nothing after
 * it. `failed`: a rescue, emergency, initramfs or boot loader shell, or a panic: it does not come up by itself.
 */
export type System = 'unknown' | 'booting' | 'up' | 'going-down' | 'halted' | 'failed';

export interface SystemState {
  system: System;
  /** Start of this state, epoch milliseconds. */
  since: number;
  /** Time of the latest sign of this state, epoch milliseconds. */
  heardAt: number;
  /** The sign behind it, worded to follow the node's name: `printed “reboot: Power down”`. */
  why: string;
  /** This server requested a shutdown since the machine's last start. */
  asked: boolean;
  /** Going down: seen on the console, not only requested. Halted: the firmware printed after it, as on a Pi. */
  confirmed: boolean;
  /**
   * Possibly of an earlier power-on: read by an earlier server, or before a time without polls. Such a state is shown
   * and used, and proves nothing.
   */
  recalled: boolean;
}

export const UNKNOWN_SYSTEM: SystemState = {
  system: 'unknown',
  since: 0,
  heardAt: 0,
  why: '',
  asked: false,
  confirmed: false,
  recalled: false,
};

/** A sign, seen or done; `text`: its description, or the node's output. */
export interface SystemSign {
  kind:
    /** This server requested a shutdown, or the system refused it. */
    | 'asked'
    | 'refused'
    /** Output of a running shutdown; the kernel's last line; the kernel's line before a restart. */
    | 'stopping'
    | 'halt'
    | 'restart'
    /** Output of a boot; the Pi's firmware, which also runs once more after a halt. */
    | 'boot'
    | 'firmware'
    /** A rescue, emergency, initramfs or boot loader shell, or a panic. */
    | 'failed'
    /** A getty's prompt; a shell's; an answer by network or a new boot id. */
    | 'login'
    | 'shell'
    | 'alive'
    /** Any other readable text. */
    | 'speech'
    /** The BMC's power changed from off to on; to anything else. */
    | 'power-on'
    | 'power-off';
  at: number;
  text: string;
}

/** Time limits, ms. */
export interface SystemLimits {
  /** Time for which prompts after an unconfirmed request may be from before it. */
  unheard: number;
  /** Longest time from the last sign of a confirmed shutdown to its end. */
  stopping: number;
  /** Longest time of a boot until a sign of life. */
  boot: number;
}

/** Returns the state after a sign. */
export function nextSystem(before: SystemState, { kind, at, text }: SystemSign, limits: SystemLimits): SystemState {
  const enter = (system: System, why: string, more: Partial<SystemState> = {}): SystemState =>
    before.system === system
      ? { ...before, heardAt: at, why, ...more }
      : { ...UNKNOWN_SYSTEM, system, since: at, heardAt: at, why, ...more };
  const { asked, confirmed } = before;
  switch (kind) {
    case 'asked':
      // A halted system cannot be asked any more.
      if (before.system === 'halted') return before;
      return { ...enter('going-down', text), asked: true, confirmed: before.system === 'going-down' && confirmed };
    case 'refused':
      return before.system === 'going-down' && !confirmed
        ? enter('unknown', `refused to shut down: “${text}”`)
        : before;
    case 'stopping':
      return enter('going-down', `printed “${text}”`, { asked, confirmed: true });
    case 'halt':
      return enter('halted', `printed “${text}”`, { asked, recalled: false });
    case 'restart':
    case 'boot':
      return enter('booting', `printed “${text}”`);
    case 'firmware':
      return before.system === 'halted'
        ? { ...before, heardAt: at, confirmed: true }
        : enter('booting', `printed “${text}”`);
    case 'failed':
      return enter('failed', `printed “${text}”`);
    case 'login':
    case 'alive':
      return lives(before, at, limits) ? enter('up', kind === 'login' ? `shows “${text}”` : text) : before;
    case 'shell':
      // An emergency shell's prompt looks like any other.
      if (before.system === 'failed') return before;
      return lives(before, at, limits) ? enter('up', 'shows a shell prompt') : before;
    case 'speech':
      // A halted machine prints nothing more, so that line was not its last.
      if (before.system !== 'halted' || confirmed) return before;
      return asked
        ? enter('going-down', `printed “${text}” after its last line`, { asked })
        : enter('unknown', `printed “${text}” after what looked like its last line`);
    case 'power-on':
      return enter('booting', 'was switched on');
    case 'power-off':
      return UNKNOWN_SYSTEM;
  }
}

/** True when a sign of life counts; soon after a shutdown request it may be from before the request took effect. */
function lives({ system, heardAt, confirmed }: SystemState, at: number, limits: SystemLimits): boolean {
  return system !== 'going-down' || at - heardAt >= (confirmed ? limits.stopping : limits.unheard);
}

/** Returns the state at `now`: a boot without a sign of life in time becomes `unknown`. */
export function systemAt(state: SystemState, now: number, { boot }: Pick<SystemLimits, 'boot'>): SystemState {
  if (state.system !== 'booting' || now - state.heardAt <= boot) return state;
  return { ...state, system: 'unknown', since: state.heardAt + boot, why: `${state.why}, and was not seen to come up` };
}

/** True for a machine that is powered and down: the verb `on` has something to do. */
export function isDown({ system }: Pick<SystemState, 'system'>): boolean {
  return system === 'halted' || system === 'going-down';
}

/**
 * Displayed condition of a node: its power, or, while it is on and its system is known not to be up, the system's
 * state.
 */
export type NodeCondition = ShownPower | Exclude<System, 'unknown' | 'up'>;

/** All conditions, in the order in which counts list them. */
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

/** Formats a condition in full: `halted, still powered`. */
export function conditionText(condition: NodeCondition): string {
  switch (condition) {
    case 'halted':
      return 'halted, still powered';
    case 'going-down':
      return 'halted or shutting down, still powered';
    case 'failed':
      return 'on, its system is not up';
    default:
      return condition;
  }
}
