/**
 * A node that has power and whose system has halted, or goes down: waits for its last line where that is still to come,
 * sees that nothing lives there, and cuts. What is not proven is asked, or left powered and said so.
 */
import type { DraftQuestion } from '../api/power.ts';
import { isDown, type SystemState } from '../rack/system.ts';
import { pause } from './clock.ts';
import { nameOf, type Job } from './job.ts';
import { SPEECH } from './graceful/draft.ts';
import { CLEAR_MS, echoMs, ENTER } from './graceful/touch.ts';
import { ConsoleHeld } from './ports.ts';
import { cutPower, type Switched } from './power-switch.ts';

/** How often the system's state is looked at while it goes down, ms. */
const LOOK_MS = 200;
/** How long a prompt may take to be recognised after the console spoke, ms. */
const PROMPT_MS = 2_500;
/** Enter is pressed so often: a getty answers the first, a busy one the second. */
const PRESSES = 3;
/** How long a console may take to open, ms. */
const OPEN_MS = 10_000;
/** How long a question waits for its answer at least, ms. */
const ANSWER_MS = 60_000;

export type Found =
  /** `ground`: the proof, for the audit log. */
  | { is: 'halted'; ground: string }
  /** Its system lives, boots, or stands at a rescue shell. */
  | { is: 'living'; state: SystemState }
  | { is: 'unproven'; why: string }
  /** Aborted, or its deadline passed. Nothing was sent. */
  | { is: 'stopped'; outcome: 'aborted' | 'deadline' };

/**
 * Looks, on the one console, whether the node has halted. Nothing is typed before a shutdown that was not heard had the
 * time to be, or one that was heard to end.
 */
export async function findHalted(job: Job): Promise<Found> {
  const { node, ports, deadlineAt } = job;
  const { request, acknowledged, hard } = ports.limits;
  node.show('waiting', 'waits for its turn at the console', deadlineAt);
  return whileInTime(job, async (signal) => {
    const handOn = await job.console.take('ask', signal);
    if (handOn === null) return null;
    const turnAt = ports.now();
    /** In an armed run others do not wait for one that takes its time. */
    const pressed = (): boolean => job.console.wanted && ports.now() - turnAt >= (job.plan?.patienceMs ?? Infinity);
    try {
      const { confirmed, heardAt } = ports.systems.get(node.addr);
      if (!confirmed && ports.now() < heardAt + hard * 1000) {
        const found = await listenAndTouch(job, (request + acknowledged) * 1000, signal, pressed);
        // One that goes down without a word may do so still.
        if (found === null || found.is !== 'unproven' || pressed() || ports.systems.get(node.addr).system === 'halted')
          return found;
      }
      return await listenAndTouch(job, hard * 1000, signal, pressed);
    } finally {
      handOn();
    }
  });
}

/** Null: `signal` aborted. `ms`: how long after its last sign the shutdown is waited for. */
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

/** Cuts what {@link findHalted} proved to have halted. */
export function cutHalted(job: Job, ground: string): Promise<Switched> {
  job.node.show('cut', 'has halted; its power is being cut');
  return cutPower(job, ground, { sample: 'new', signal: job.signal, listened: true });
}

/**
 * Asks whoever watches whether a node whose halt nothing proves is cut and switched on again. Null: it is; else how its
 * part ends.
 */
export async function askToCycle(job: Job, why: string): Promise<'aborted' | 'left-on' | 'deadline' | null> {
  const { node, ports } = job;
  const since = ports.now();
  const until = Math.min(since + Math.max(ports.limits.hard * 1000, ANSWER_MS), job.deadlineAt ?? Infinity);
  const question: DraftQuestion = {
    text: `${node.name} was going down and has power, and nothing proves that it has halted (${why}).`,
    since,
    choices: [
      { key: 'leave', label: 'leave it as it is', danger: false, confirm: null },
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

/** Null: it said its last line, lives, or its shutdown had its time; else why it cannot be looked at. */
async function awaitLastLine(
  job: Job,
  ms: number,
  signal: AbortSignal,
  pressed: () => boolean,
): Promise<string | null> {
  const { node, operation, ports, session, request } = job;
  const goesDown = (): SystemState | null => {
    const state = ports.systems.get(node.addr);
    return state.system === 'going-down' ? state : null;
  };
  const until = ({ heardAt }: SystemState): number => heardAt + ms;
  let state = goesDown();
  if (state === null || ports.now() >= until(state)) return null;
  try {
    const console = await ports.console.acquire(node.addr, operation.id, {
      session,
      take: request.takeConsole,
      yields: false,
    });
    try {
      for (; state !== null && ports.now() < until(state) && !signal.aborted; state = goesDown()) {
        node.show(
          'stopping',
          `${state.why}; waiting for its last line`,
          Math.min(until(state), job.deadlineAt ?? Infinity),
        );
        if (pressed()) return 'it takes its time, and others wait for the console';
        await pause(ports, LOOK_MS, signal);
      }
    } finally {
      await console.release();
    }
    return null;
  } catch (error) {
    if (error instanceof ConsoleHeld) return error.message;
    throw error;
  }
}

/** Its console is touched, and its network asked: a halted machine answers neither. */
async function touched(job: Job, signal: AbortSignal): Promise<Found> {
  const { node, ports } = job;
  const before = ports.systems.get(node.addr);
  node.show('settle', `${before.why}; looking whether it is silent`);
  const silent = await isSilent(job);
  // What it said may be a prompt.
  if (!silent) await pause(ports, PROMPT_MS, signal);
  const state = ports.systems.get(node.addr);
  if (!isDown(state)) return { is: 'living', state };
  if (!silent) return { is: 'unproven', why: 'its console is not silent, or could not be looked at' };
  const { network } = ports;
  if (network !== null && network.target(node.addr) !== null && (await network.reachable(node.addr)))
    return { is: 'unproven', why: 'its network still answers' };
  if (state.system !== 'halted')
    return { is: 'unproven', why: 'its console is silent, and its last line was not read' };
  if (state.recalled) return { is: 'unproven', why: 'its last line may be from before its power was last switched' };
  // Anybody who may write to a console can print a last line: it counts behind a request.
  if (!state.asked) return { is: 'unproven', why: 'a last line was read that nobody here had asked for' };
  node.prove('marker', state.why);
  return { is: 'halted', ground: `grade A: it ${state.why}, nothing followed, and the machine is dead to a touch` };
}

/**
 * Presses Enter on its console: any byte that comes back is a sign of life, an echo like a word. False, too, where it could
 * not be looked at, or went away meanwhile.
 */
async function isSilent({ node, operation, ports, session, request, signal }: Job): Promise<boolean> {
  const seen = { said: '', open: false, left: false };
  try {
    const console = await ports.console.acquire(node.addr, operation.id, {
      session,
      take: request.takeConsole,
      yields: false,
    });
    try {
      console.onText((text) => (seen.said += text));
      console.onState(({ open }) => {
        seen.left ||= seen.open && !open;
        seen.open = open;
      });
      for (let waited = 0; !seen.open && waited < OPEN_MS && !signal.aborted; waited += 100)
        await pause(ports, 100, signal);
      if (!seen.open) {
        node.prove('console', 'its console could not be looked at: nothing is concluded from that');
        return false;
      }
      // What the bus echoes when a console is opened is not the node's word.
      await pause(ports, CLEAR_MS, signal);
      if (!SPEECH.test(seen.said)) seen.said = '';
      for (let press = 0; press < PRESSES && seen.said === '' && !signal.aborted; press++) {
        if (console.type(ENTER).refused !== null) return false;
        await listen(ports, echoMs(ports.limits.settle * 1000), signal);
      }
    } finally {
      await console.release();
    }
  } catch (error) {
    if (!(error instanceof ConsoleHeld)) throw error;
    node.prove('console', `${error.message}: nothing is concluded`);
    return false;
  }
  const silent = seen.said === '' && !seen.left && !signal.aborted;
  node.prove(
    'console',
    silent
      ? `Enter was pressed ${PRESSES} times on its console, and nothing came back`
      : 'its console answers, or went away',
  );
  return silent;
}

/** In short pieces: what came while this program stood still is read before the time is over. */
async function listen(ports: Job['ports'], ms: number, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < ms && !signal.aborted; waited += LOOK_MS) await pause(ports, LOOK_MS, signal);
}

/** `work` with a signal that aborts with the operation or at its deadline. */
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
