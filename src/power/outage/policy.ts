/**
 * Decides the actions of an outage from the supply, the time and the present runs. Pure: times are milliseconds of a
 * monotonic clock, and only {@link OutageState} outlives the process.
 */
import type { OutagePhase, Supply } from '../../api/outage.ts';

export interface Policy {
  /** Plans that run after `afterS` seconds on battery, in this order. */
  steps: readonly { afterS: number; plan: string }[];
  /** Plan that runs last; null: none. */
  last: string | null;
  marginS: number;
  restore: { afterS: number; charge: number };
}

export interface OutageState {
  phase: Exclude<OutagePhase, 'ended'>;
  /** Time at which the present phase began. */
  since: number;
  /** Steps of the policy that were begun since the mains last failed. */
  stepsBegun: number;
  /** This machine's own shutdown was announced: no node comes up before a server starts again. */
  committed: boolean;
  /** Time at which the last plan began, or this server took over one that was under way; null: neither. */
  lastAt: number | null;
  /** An earlier server's outage whose machine lost power: the mains came back with this one. */
  dark: boolean;
  /** Last known state of the battery, and its time, while the UPS is silent. */
  known: { at: number; runtimeS: number | null } | null;
}

export interface OutageInput {
  now: number;
  supply: Supply;
  /** Predicts the length of the last plan now, ms; null: there is none, or nothing to do. Takes time: called on battery only. */
  lastMs: () => number | null;
  /** Kind of this outage's run that is under way. */
  running: 'nothing' | 'shedding' | 'restoring';
  /** True where the last plan has ended in this outage. */
  lastEnded: boolean;
  /**
   * True where nodes of the last plan are still to be shut down, though it has ended or was never begun. Called only
   * after the last plan was due.
   */
  leavesNodes: () => boolean;
  /** True where nodes that it took are not back. */
  missing: boolean;
}

export type OutageAction =
  | { do: 'open' }
  /**
   * Begins the plan, armed; `deadlineS`: time after which nothing new is begun, s; null: the battery's end is not
   * known.
   */
  | { do: 'run'; plan: string; last: boolean; deadlineS: number | null; why: string }
  /** Cancels the nodes that wait; those that go down already finish. */
  | { do: 'recall'; why: string }
  | { do: 'restore'; why: string }
  | { do: 'note'; text: string }
  | { do: 'close'; text: string };

/**
 * Time after which a UPS that fell silent on battery counts as critical where its runtime was not known, ms (upsmon's
 * DEADTIME).
 */
const SILENT_LIMIT_MS = 15_000;
/**
 * Shortest deadline of a run, s: a battery may last longer than reported, and a power loss ends the run in any case.
 */
const SHORTEST_RUN_S = 60;
/** Time after which mains that came back with this machine's own boot are trusted, s. */
const DARK_SETTLE_S = 5;
/**
 * Shortest time between two begins of the last plan, ms: where its deadline ended it and the battery lasts, it begins
 * again for the nodes that are left.
 */
const AGAIN_MS = 2_000;
/** Time with mains after which nodes are restored although this machine was to go down and did not, ms. */
const STAYED_UP_MS = 15 * 60_000;

/** Returns the next state and actions; `state` null: no outage. Several decisions need one call each. */
export function decide(
  policy: Policy,
  state: OutageState | null,
  input: OutageInput,
): { state: OutageState | null; actions: OutageAction[] } {
  const { supply } = input;
  if (state === null) {
    if (supply.state !== 'battery') return { state, actions: [] };
    const next = decide(policy, batteryPhase(input), input);
    return { state: next.state, actions: [{ do: 'open' }, ...next.actions] };
  }
  switch (state.phase) {
    case 'battery':
    case 'last':
      return onBattery(policy, state, input);
    case 'mains':
      return onMains(policy, state, input);
    case 'restoring':
      return whileRestoring(policy, state, input);
  }
}

function onBattery(
  policy: Policy,
  before: OutageState,
  input: OutageInput,
): { state: OutageState | null; actions: OutageAction[] } {
  const { now, supply } = input;
  if (supply.state === 'mains' && !before.committed) return mainsBack(before, input);
  if (supply.state === 'mains' && stayedUp(before, input))
    return {
      state: { ...before, phase: 'mains', since: now, committed: false },
      actions: [{ do: 'note', text: 'this machine did not shut down: its nodes are switched on again' }],
    };
  const state: OutageState = {
    ...before,
    known: supply.state === 'battery' ? { at: now, runtimeS: supply.runtimeS } : before.known,
  };
  const runtimeS = remaining(state, input);
  if (state.phase === 'battery') {
    const reason = whyLast(policy, state, input, runtimeS);
    if (reason !== null) {
      const committed = state.committed || supply.shutdown;
      const next: OutageState = { ...state, phase: 'last', since: now, lastAt: now, committed };
      return { state: next, actions: lastRun(policy, runtimeS, reason) };
    }
    const due = policy.steps[state.stepsBegun];
    if (due && now - state.since >= due.afterS * 1000)
      return {
        state: { ...state, stepsBegun: state.stepsBegun + 1 },
        actions: [
          {
            do: 'run',
            plan: due.plan,
            last: false,
            deadlineS: deadlineFrom(runtimeS),
            why: `${due.afterS} s on battery`,
          },
        ],
      };
  }
  if (supply.shutdown && !state.committed) return { state: { ...state, committed: true }, actions: [] };
  if (state.phase === 'last' && policy.last !== null && input.leavesNodes() && input.running === 'nothing')
    if (supply.state !== 'mains' && (state.lastAt === null || now - state.lastAt >= AGAIN_MS))
      return {
        state: { ...state, lastAt: now },
        actions: lastRun(policy, runtimeS, 'nodes are still on, and the battery has charge'),
      };
  return { state, actions: [] };
}

/** Returns the reason to begin the last plan now, or null. */
function whyLast(policy: Policy, state: OutageState, input: OutageInput, runtimeS: number | null): string | null {
  const { supply, now } = input;
  if (supply.shutdown) return 'the UPS reports a forced shutdown (FSD)';
  if (supply.low) return 'the battery is low';
  if (runtimeS !== null) {
    const lastS = (input.lastMs() ?? 0) / 1000;
    if (runtimeS <= lastS + policy.marginS)
      return `the battery lasts ${Math.round(runtimeS)} s, the plan takes ${Math.round(lastS)} s and the margin is ${policy.marginS} s`;
  }
  if (supply.state === 'unknown' && state.known?.runtimeS === null && now - state.known.at >= SILENT_LIMIT_MS)
    return `the UPS was on battery and has been silent for ${SILENT_LIMIT_MS / 1000} s`;
  return null;
}

function lastRun(policy: Policy, runtimeS: number | null, why: string): OutageAction[] {
  if (policy.last === null) return [{ do: 'note', text: `${why}; no last plan is configured` }];
  return [{ do: 'run', plan: policy.last, last: true, deadlineS: deadlineFrom(runtimeS), why }];
}

function mainsBack(state: OutageState, input: OutageInput): { state: OutageState | null; actions: OutageAction[] } {
  // A flicker: nothing was begun, so nothing has to come back.
  if (state.stepsBegun === 0 && state.phase === 'battery' && !input.missing && input.running === 'nothing')
    return { state: null, actions: [{ do: 'close', text: 'the mains returned before any plan was started' }] };
  const actions: OutageAction[] = [{ do: 'note', text: 'the mains have returned' }];
  if (input.running === 'shedding') actions.push({ do: 'recall', why: 'the mains have returned' });
  return { state: { ...state, phase: 'mains', since: input.now, stepsBegun: 0, known: null }, actions };
}

function onMains(
  { restore }: Policy,
  state: OutageState,
  input: OutageInput,
): { state: OutageState | null; actions: OutageAction[] } {
  const { supply, now, running, missing } = input;
  if (supply.state === 'battery') return batteryAgain(input);
  // After a power loss this machine runs, so it is fed: a UPS that has not answered yet is not awaited.
  if (supply.state === 'unknown' && !state.dark) return { state: { ...state, since: now }, actions: [] };
  if (running !== 'nothing') return { state, actions: [] };
  if (!missing) return { state: null, actions: [{ do: 'close', text: 'all nodes that were on are on again' }] };
  const settled = now - state.since >= (state.dark ? Math.min(DARK_SETTLE_S, restore.afterS) : restore.afterS) * 1000;
  if (!settled || (supply.charge !== null && supply.charge < restore.charge)) return { state, actions: [] };
  const charge = supply.charge === null ? '' : `, the battery has ${Math.round(supply.charge)} %`;
  const seconds = Math.round((now - state.since) / 1000);
  return {
    state: { ...state, phase: 'restoring', since: now },
    actions: [{ do: 'restore', why: `mains for ${seconds} s${charge}` }],
  };
}

function whileRestoring(
  _policy: Policy,
  state: OutageState,
  input: OutageInput,
): { state: OutageState | null; actions: OutageAction[] } {
  if (input.supply.state === 'battery') return batteryAgain(input);
  if (input.running !== 'nothing') return { state, actions: [] };
  const text = input.missing ? 'not all nodes that were on are on again' : 'all nodes that were on are on again';
  return { state: null, actions: [{ do: 'close', text }] };
}

/** Continues the same outage: the nodes that it took remain its own to restore. */
function batteryAgain(input: OutageInput): { state: OutageState; actions: OutageAction[] } {
  const actions: OutageAction[] = [{ do: 'note', text: 'the mains failed again' }];
  if (input.running !== 'nothing') actions.push({ do: 'recall', why: 'the mains failed again' });
  return { state: batteryPhase(input), actions };
}

/** Returns the state in which the battery begins to be used, with nothing done yet. */
function batteryPhase({ now, supply }: Pick<OutageInput, 'now' | 'supply'>): OutageState {
  return {
    phase: 'battery',
    since: now,
    stepsBegun: 0,
    committed: false,
    lastAt: null,
    dark: false,
    known: { at: now, runtimeS: supply.runtimeS },
  };
}

/**
 * Returns the seconds that the battery lasts: by the UPS's report; for a silent one its last runtime, less the time
 * since. Null: not known.
 */
export function remaining({ known }: OutageState, { now, supply }: Pick<OutageInput, 'now' | 'supply'>): number | null {
  if (supply.state === 'battery' || known === null) return supply.runtimeS;
  return known.runtimeS === null ? null : Math.max(0, known.runtimeS - (now - known.at) / 1000);
}

function deadlineFrom(runtimeS: number | null): number | null {
  return runtimeS === null ? null : Math.max(SHORTEST_RUN_S, runtimeS);
}

function stayedUp({ since }: OutageState, { now, running, lastEnded }: OutageInput): boolean {
  return lastEnded && running === 'nothing' && now - since >= STAYED_UP_MS;
}
