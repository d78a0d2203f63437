/**
 * Gathers grade B, for a halt whose last line was not read: a console that spoke before and is silent now, a network
 * that has been gone for long, a current that is steady where this node was seen to halt before. All three are needed;
 * otherwise it is grade C and proves nothing. A stall of this process, and a sign of life before the verb, withdraw
 * evidence. Pure.
 */
import type { Recognition } from '../../console/recognizer.ts';
import type { Power } from '../../rack/reading.ts';
import type { EventOf, Recall, Stage } from './state.ts';
import { askAlive, touchSampled } from './touch.ts';
import { SPEECH, type Transition } from './transition.ts';

/**
 * Time without an answer after which the network counts as gone, ms: a switch that relearns its addresses drops a few
 * packets.
 */
const GONE_MS = 10_000;
/**
 * Number of keys, Ctrl-Q and then Enter, and the time between them, ms: a getty answers the first Enter, a busy one the
 * second.
 */
const PRESSES = 3;
const PRESS_MS = 1_000;
/** Longest gap between two samples over which the current counts as steady, ms. */
const SAMPLE_GAP_MS = 5_000;
/** Time after which the silence of a node that still prints is tested again, ms. */
const AGAIN_MS = 15_000;
/** A BMC is lost after this time without an answer, ms, and this many failures. */
const BMC_LOST_MS = 10_000;
const BMC_LOST_TRIES = 3;

export function networkChanged(transition: Transition, { reachable, askedAt }: EventOf<'network'>): void {
  const { state } = transition;
  const { network, stage } = state;
  if (reachable) {
    state.network = { was: true, goneSince: null, silentAt: null };
    // Until ssh has reported the uptime, the last line may be an old one, and the machine alive for good reason.
    if (stage.is === 'settle' && !state.sshRuns && state.haltedAt !== null && askedAt > state.haltedAt)
      askAlive(transition, `something answers at ${state.target.ssh ?? 'its address'}`);
    if (stage.is === 'gone' || stage.is === 'testing') transition.restarted('its network answers again');
    networkAnswers(transition, askedAt);
    return;
  }
  state.network = { ...network, silentAt: askedAt };
  if (!network.was || network.goneSince !== null || state.requestedAt === null) return;
  state.network = { was: true, goneSince: transition.at, silentAt: askedAt };
}

export function sampled(transition: Transition, sample: { power: Power; current: number } | null, why: string): void {
  const { state, at } = transition;
  const { bmc, stage, target } = state;
  const gathering = stage.is === 'gone' || stage.is === 'testing';
  if (sample === null) {
    state.bmc = { ...bmc, failures: bmc.failures + 1, steadySince: null, offs: 0 };
    if (stage.is === 'settle') touchSampled(transition, stage, false, why);
    if (gathering && state.bmc.failures >= BMC_LOST_TRIES && at - bmc.at >= BMC_LOST_MS)
      transition.ask('bmc-lost', why);
    return;
  }
  if (state.requestedAt === null) state.runningCurrent = sample.current;
  const { band } = target;
  const inBand = band !== null && sample.current >= band.low && sample.current <= band.high;
  const unbroken = bmc.steadySince !== null && at - bmc.at <= SAMPLE_GAP_MS;
  state.bmc = {
    at,
    current: sample.current,
    steadySince: inBand ? (unbroken ? bmc.steadySince : at) : null,
    failures: 0,
    offs: sample.power === 'off' ? bmc.offs + 1 : 0,
  };
  if (state.prompt?.kind === 'bmc-lost') transition.clearPrompt();
  if (stage.is === 'settle' && sample.power !== 'off') touchSampled(transition, stage, true, '');
  if (!(gathering || stage.is === 'settle') || state.bmc.offs < 2) return;
  transition.prove('status', 'its BMC reported off twice; this server did not switch it');
  transition.end('done', 'is off: its power was cut, but not by this server', true);
}

/** Handles time in stage `stopping`: a network that is gone for good begins grade B. True: it does. */
export function watchNetwork(transition: Transition): boolean {
  const { state, at } = transition;
  const { network, stage, target } = state;
  if (stage.is !== 'stopping' || network.goneSince === null || at - network.goneSince < GONE_MS) return false;
  transition.prove('network', `${target.ssh ?? 'its address'} no longer answers`);
  const { hardUntil, unit } = stage;
  const assessAt = network.goneSince + target.limits.networkGone;
  transition.enter({ is: 'gone', hardUntil, assessAt, unit }, assessAt - at);
  // Its last line will not be read any more: the console is released for others' last lines.
  if (target.shares) transition.letGo();
  return true;
}

export function tickGone(transition: Transition): void {
  const { state, at } = transition;
  const { stage } = state;
  if (stage.is !== 'gone' || at < stage.assessAt) return;
  transition.enter({ is: 'testing', hardUntil: stage.hardUntil, presses: 0, pressedAt: at - PRESS_MS }, Infinity);
  transition.acquire('test');
}

export function tickJudging(transition: Transition): void {
  const { state, at } = transition;
  const { stage, console, target, bmc } = state;
  if (stage.is !== 'testing' || !console.held) return;
  // A closed console is not silent.
  if (!console.open || at - stage.pressedAt < PRESS_MS) return;
  if (stage.presses < PRESSES) {
    // The limit starts with the first key; waiting for the console's turn does not count.
    if (stage.presses === 0) state.until = at + target.limits.steady + PRESSES * PRESS_MS + SAMPLE_GAP_MS;
    state.stage = { ...stage, presses: stage.presses + 1, pressedAt: at };
    // A console that Ctrl-S stopped is silent, too, and its node alive.
    transition.type(stage.presses === 0 ? '\x11' : '\r');
    return;
  }
  const steady = bmc.steadySince !== null && bmc.at - bmc.steadySince >= target.limits.steady;
  // More time changes nothing where a sign can never come.
  const hopeless = !console.printedBefore || target.band === null;
  if (!steady && !hopeless && at < state.until) return;
  conclude(transition, steady && console.printedBefore);
}

/**
 * Handles a console line while the silence is tested; true: it is handled. A halted machine prints nothing, whatever is
 * pressed; one that prints is tested again later.
 */
export function onJudgingLine(transition: Transition, line: Recognition): boolean {
  const { state, at } = transition;
  const { stage } = state;
  if (stage.is !== 'testing') return false;
  switch (line.kind) {
    case 'login':
    case 'shell':
    case 'password':
      transition.stopping();
      transition.ask('alive', line.text);
      return true;
    case 'halt':
    case 'reboot':
    case 'boot':
    case 'uboot':
    case 'uboot-shell':
      return false;
    default: {
      if (!SPEECH.test(line.text)) return line.kind === 'output';
      const unit = line.kind === 'wait' ? (line.unit ?? null) : null;
      transition.enter({ is: 'gone', hardUntil: stage.hardUntil, assessAt: at + AGAIN_MS, unit }, AGAIN_MS);
      if (at >= stage.hardUntil) transition.ask('stalled', `it still prints “${line.text}”`);
      // The line's meaning beyond a sign of life is left to the shutdown.
      return false;
    }
  }
}

/** Concludes grade C, because the console could not be watched. */
export function unseen(transition: Transition, why: string): void {
  transition.state.console = { ...transition.state.console, problem: why };
  conclude(transition, false);
}

function conclude(transition: Transition, complete: boolean): void {
  const { state, at } = transition;
  const { console, network, bmc, target } = state;
  const gone = Math.round((at - (network.goneSince ?? at)) / 1000);
  const { band } = target;
  const signs = [
    `its network has not answered for ${gone} s`,
    console.problem !== ''
      ? `its console could not be read (${console.problem})`
      : console.printedBefore
        ? 'its console printed output before and is silent now'
        : 'its console was silent before and after',
    band === null
      ? 'its current when halted is not known yet'
      : bmc.steadySince !== null && bmc.at - bmc.steadySince >= target.limits.steady
        ? `its current has been steady at ${bmc.current ?? '?'} counts, within its halt band of ${band.low} to ${band.high}`
        : `its current (${bmc.current ?? '?'} counts) is not steady within its halt band of ${band.low} to ${band.high}`,
  ].join('; ');
  transition.prove('grade', `${complete ? 'B' : 'C'}: ${signs}`);
  if (complete && target.cutOn === 'B' && state.dirty === null && state.neverCut === null) {
    transition.cut('composite');
    return;
  }
  transition.ask('unproven', complete ? `${signs}; the configuration does not allow a cut on these signs` : signs);
}

/**
 * Handles a time of `ms` in which this process, or its machine, was stopped. Output of that time was read before this;
 * what should have been observed was not. Limits for expected events are extended by `ms`, and silence is counted
 * again.
 */
export function stalled(transition: Transition, ms: number): void {
  const { state, at } = transition;
  const { limits } = state.target;
  state.until += ms;
  if (state.prompt !== null) state.prompt = { ...state.prompt, until: state.prompt.until + ms };
  if (state.console.closedAt !== null) state.console = { ...state.console, closedAt: state.console.closedAt + ms };
  if (state.network.goneSince !== null) state.network = { ...state.network, goneSince: at };
  state.bmc = { ...state.bmc, steadySince: null, failures: 0, offs: 0 };
  state.stage = renewed(state.stage, ms);
  switch (state.stage.is) {
    case 'settle':
      state.stage = { ...state.stage, touch: null };
      state.haltedAt = at;
      state.until = Math.max(state.until, at + limits.settle);
      return;
    case 'gone':
    case 'testing': {
      const { hardUntil } = state.stage;
      const unit = state.stage.is === 'gone' ? state.stage.unit : null;
      const assessAt = at + limits.networkGone;
      transition.enter({ is: 'gone', hardUntil, assessAt, unit }, limits.networkGone);
      return;
    }
    case 'cutting':
      recall(transition, state.stage, null);
      return;
    default:
      return;
  }
}

function renewed(stage: Stage, ms: number): Stage {
  switch (stage.is) {
    case 'stopping':
    case 'gone':
    case 'testing':
      return { ...stage, hardUntil: stage.hardUntil + ms };
    default:
      return stage;
  }
}

/** Signs that the machine restarts: not even a deadline for which cutting was confirmed cuts then. */
const STARTS: readonly Recognition['kind'][] = ['boot', 'uboot', 'uboot-shell', 'reboot'];

/** Recalls the cut on a sign of life, until the verb is sent. */
export function onLineWhileCutting(transition: Transition, line: Recognition): void {
  const { stage } = transition.state;
  if (stage.is !== 'cutting' || stage.ground === 'forced' || line.kind === 'halt') return;
  if (stage.ground === 'deadline' && !STARTS.includes(line.kind)) return;
  if (line.kind === 'output' && !SPEECH.test(line.text)) return;
  recall(transition, stage, line);
}

/**
 * Recalls the cut of a machine that is taken for halted when something answers at its address, in a probe that began at
 * `askedAt`.
 */
function networkAnswers(transition: Transition, askedAt: number): void {
  const { stage, haltedAt } = transition.state;
  if (stage.is !== 'cutting' || (stage.ground !== 'halted' && stage.ground !== 'composite')) return;
  if (stage.ground === 'halted' && haltedAt !== null && askedAt <= haltedAt) return;
  recall(transition, stage, 'network');
}

function recall(transition: Transition, stage: Extract<Stage, { is: 'cutting' }>, by: Recall): void {
  if (stage.recalled !== null || stage.ground === 'forced') return;
  transition.state.stage = { ...stage, recalled: { by } };
  transition.do({ do: 'recall' });
}
