/**
 * Handles a node that has power and whose system has halted or is going down: waits for its last line where that is
 * still to come, checks that the machine is silent, and cuts. Where the halt is not proven, asks the operator or leaves
 * the power on and reports that.
 */
import type { DraftQuestion } from '../api/power.ts';
import { PRIORITY } from '../bmc/types.ts';
import { isDown, type SystemState } from '../rack/system-state.ts';
import { type Job, nameOf } from './operation.ts';
import { ConsoleHeld, type OperationConsole, pause } from './ports.ts';
import { cutPower, type Switched } from './power-command.ts';
import type { Touch } from './shutdown/state.ts';
import { answerTouch, CLEAR_MS, interruptTouch, LOST_TRIES, stepTouch } from './shutdown/touch.ts';
import { SPEECH } from './shutdown/transition.ts';

/** Interval at which the system's state is read while it goes down, ms. */
const LOOK_MS = 200;
/** Longest time to recognise a prompt after the console printed something, ms. */
const PROMPT_MS = 2_500;
/** Interval of the steps of a touch, ms. */
const TICK_MS = 100;
/** Limit of a touch, ms: its console may open slowly, and its BMC answer late. */
const TOUCH_MS = 30_000;
/** Shortest time for which a question waits for its answer, ms. */
const ANSWER_MS = 60_000;

export type Found =
  /** `ground`: the proof, for the audit log. */
  | { is: 'halted'; ground: string }
  /** Its system is up, boots, or is at a rescue shell. */
  | { is: 'living'; state: SystemState }
  | { is: 'unproven'; why: string }
  /** Aborted, or its deadline passed. Nothing was sent. */
  | { is: 'stopped'; outcome: 'aborted' | 'deadline' };

/**
 * Checks, on the one console, whether the node has halted. Nothing is typed before a requested shutdown had the time to
 * show a sign, or one that showed a sign had the time to end.
 */
export async function findHalted(job: Job): Promise<Found> {
  const { node, ports, deadlineAt } = job;
  const { request, acknowledged, hard } = ports.limits;
  node.show('waiting', 'waits for its turn at the console', deadlineAt);
  return whileInTime(job, async (signal) => {
    const release = await job.console.acquire('ask', signal);
    if (release === null) return null;
    const turnAt = ports.now();
    /** Reports whether others have waited for long enough: in an armed run they do not wait for a slow node. */
    const pressed = (): boolean => job.console.wanted && ports.now() - turnAt >= (job.plan?.patienceMs ?? Infinity);
    try {
      const { confirmed, heardAt } = ports.systems.get(node.addr);
      if (!confirmed && ports.now() < heardAt + hard * 1000) {
        const found = await listenAndTouch(job, (request + acknowledged) * 1000, signal, pressed);
        // A node whose shutdown printed nothing may still go down.
        if (found === null || found.is !== 'unproven' || pressed() || ports.systems.get(node.addr).system === 'halted')
          return found;
      }
      return await listenAndTouch(job, hard * 1000, signal, pressed);
    } finally {
      release();
    }
  });
}

/** Resolves with null when `signal` aborted. `ms`: how long after its last sign the shutdown is awaited. */
async function listenAndTouch(
  job: Job,
  ms: number,
  signal: AbortSignal,
  pressed: () => boolean,
): Promise<Found | null> {
  const why = await awaitLastLine(job, ms, signal, pressed);
  if (signal.aborted) return null;
  const state = job.ports.systems.get(job.node.addr);
  if (!isDown(state)) return { is: 'living', state };
  return why === null ? touched(job, signal) : { is: 'unproven', why };
}

/** Cuts a node that {@link findHalted} proved to have halted. */
export function cutHalted(job: Job, ground: string): Promise<Switched> {
  job.node.show('cut', 'has halted; its power is being cut');
  return cutPower(job, ground, { sample: 'new', signal: job.signal, listened: true });
}

/**
 * Asks the operators whether to cut a node whose halt is not proven and switch it on again. Resolves with null for yes,
 * else with the outcome.
 */
export async function askToCycle(job: Job, why: string): Promise<'aborted' | 'left-on' | 'deadline' | null> {
  const { node, ports } = job;
  const since = ports.now();
  const until = Math.min(since + Math.max(ports.limits.hard * 1000, ANSWER_MS), job.deadlineAt ?? Infinity);
  const question: DraftQuestion = {
    text: `${node.name} was going down and has power, and nothing proves that it has halted (${why}).`,
    since,
    choices: [
      { key: 'leave', label: 'leave it unchanged', danger: false, confirm: null },
      { key: 'cycle', label: 'cut its power and switch it on again', danger: true, confirm: node.name },
    ],
  };
  node.show('asking', question.text, until, question);
  const answered = new AbortController();
  let choice = '';
  job.onAnswer = (key, by) => {
    choice = key;
    node.prove('answer', `${nameOf(by)} chose: ${key}`);
    answered.abort();
  };
  const passed = await pause(ports, until - since, AbortSignal.any([answered.signal, job.signal]));
  job.onAnswer = null;
  if (choice === 'cycle') return null;
  if (job.signal.aborted && choice === '') return 'aborted';
  return passed && until === job.deadlineAt ? 'deadline' : 'left-on';
}

/**
 * Resolves with null when it printed its last line, is alive, or its shutdown had its time; else with the reason why it
 * cannot be watched.
 */
async function awaitLastLine(
  job: Job,
  ms: number,
  signal: AbortSignal,
  pressed: () => boolean,
): Promise<string | null> {
  const { node, ports } = job;
  const goesDown = (): SystemState | null => {
    const state = ports.systems.get(node.addr);
    return state.system === 'going-down' ? state : null;
  };
  const until = ({ heardAt }: SystemState): number => heardAt + ms;
  let state = goesDown();
  if (state === null || ports.now() >= until(state)) return null;
  return withConsole(job, async () => {
    for (; state !== null && ports.now() < until(state) && !signal.aborted; state = goesDown()) {
      node.show(
        'stopping',
        `${state.why}; waiting for its last line`,
        Math.min(until(state), job.deadlineAt ?? Infinity),
      );
      if (pressed()) return 'it takes long, and other nodes wait for the console';
      await pause(ports, LOOK_MS, signal);
    }
    return null;
  });
}

/** Touches its console and probes its network: a halted machine answers neither. */
async function touched(job: Job, signal: AbortSignal): Promise<Found> {
  const { node, ports } = job;
  const before = ports.systems.get(node.addr);
  node.show('settle', `${before.why}; checking that it is silent`);
  const silent = await isDead(job);
  // Its output may be a prompt.
  if (!silent) await pause(ports, PROMPT_MS, signal);
  const state = ports.systems.get(node.addr);
  if (!isDown(state)) return { is: 'living', state };
  if (!silent) return { is: 'unproven', why: 'its console is not silent, or could not be read' };
  const { network } = ports;
  if (network !== null && network.target(node.addr) !== null && (await network.reachable(node.addr)))
    return { is: 'unproven', why: 'its network still answers' };
  if (state.system !== 'halted')
    return { is: 'unproven', why: 'its console is silent, and its last line was not read' };
  if (state.recalled) return { is: 'unproven', why: 'its last line may be from before its power was last switched' };
  // Any process that may write to a console can print a last line: it counts only after a request.
  if (!state.asked)
    return { is: 'unproven', why: 'a last line was read, but no shutdown had been requested from here' };
  node.prove('marker', state.why);
  return {
    is: 'halted',
    ground: `grade A: it ${state.why}, nothing followed, and the machine does not respond to a keystroke`,
  };
}

/**
 * Touches its console ({@link stepTouch}): any byte that comes back is a sign of life, an echo as much as a word. Also
 * resolves with false where the console could not be watched, or closed meanwhile.
 */
async function isDead(job: Job): Promise<boolean> {
  const { node, signal } = job;
  const why = await withConsole(job, (console) => touchToEnd(job, console, signal));
  node.prove(
    why === null ? 'touch' : 'console',
    why === null ? 'no response to a keystroke: its console echoes nothing' : `${why}: its silence proves nothing`,
  );
  return why === null;
}

/** Resolves with null when nothing came back; else with the reason against it. */
async function touchToEnd(job: Job, console: OperationConsole, signal: AbortSignal): Promise<string | null> {
  const { node, ports } = job;
  const beganAt = ports.now();
  const seen = { open: false, proven: false, output: '', changedAt: beganAt, failures: 0 };
  let touch: Touch | null = null;
  let dueAt = Infinity;
  console.onText((text) => {
    // The bus's echo of an opening console is not the node's output.
    const echoes = touch === null || touch.step === 'pipe';
    if (!echoes || SPEECH.test(text)) seen.output += text;
  });
  console.onState(({ open, proven }) => {
    const at = ports.now();
    if (open !== seen.open) {
      touch = interruptTouch(touch, open, open ? at - seen.changedAt : 0, at);
      if (touch === null) dueAt = at + CLEAR_MS;
      seen.changedAt = at;
    }
    Object.assign(seen, { open, proven });
  });
  const ask = async (): Promise<void> => {
    const status = await ports.bus.status(node.addr, PRIORITY.operator);
    if (status.ok) touch = answerTouch(touch, ports.now());
    else seen.failures++;
  };
  while (!signal.aborted) {
    const at = ports.now();
    if (seen.output !== '') return 'its console answers';
    if (seen.failures >= LOST_TRIES) return 'its BMC does not answer';
    if (at - beganAt >= TOUCH_MS) return 'its console could not be read';
    const move = stepTouch(touch, { at, console: seen, dueAt, settleMs: ports.limits.settle * 1000 });
    touch = move.touch;
    if (move.dead) return null;
    if (move.type !== null && console.type(move.type).refused !== null) return 'its console accepts no keys';
    if (move.sample) void ask();
    await pause(ports, TICK_MS, signal);
  }
  return 'it was recalled';
}

/**
 * Runs `use` with its console open. Resolves with what that returns, or with the words about another session's hold.
 */
async function withConsole(
  { node, operation, ports, session, request }: Job,
  use: (console: OperationConsole) => Promise<string | null>,
): Promise<string | null> {
  try {
    const console = await ports.console.acquire(node.addr, operation.id, {
      session,
      take: request.takeConsole,
      yields: false,
    });
    try {
      return await use(console);
    } finally {
      await console.release();
    }
  } catch (error) {
    if (error instanceof ConsoleHeld) return error.message;
    throw error;
  }
}

/** Runs `work` with a signal that aborts with the operation or at its deadline. */
async function whileInTime(job: Job, work: (signal: AbortSignal) => Promise<Found | null>): Promise<Found> {
  const { ports, deadlineAt, signal } = job;
  const late = new AbortController();
  const over = new AbortController();
  if (deadlineAt !== null)
    void pause(ports, deadlineAt - ports.now(), over.signal).then((passed) => passed && late.abort());
  const found = await work(AbortSignal.any([signal, late.signal]));
  over.abort();
  return found ?? { is: 'stopped', outcome: signal.aborted ? 'aborted' : 'deadline' };
}
