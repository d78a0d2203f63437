/**
 * Runs the configured programs before and after a node's shutdown and boot: one after another, each with its output in
 * the node's evidence.
 */
import type { Job } from './operation.ts';
import { type Hook, type HookMoment, pause } from './ports.ts';
import { untilDeadMs } from './shutdown/touch.ts';

/** Lines of a program's output that go into the evidence; the whole output is bounded already. */
const QUOTED_LINES = 5;
/** Assumed duration of a shutdown that was never observed here, ms. */
const UNSEEN_OFF_MS = 23_000;

/** Result of a moment's programs. `why`: '' when all succeeded, or there are none; else which failed and why. */
export interface HooksEnd {
  why: string;
  /** A failed program is configured as required: nothing continues without it. */
  required: boolean;
}

/**
 * Runs the moment's programs until one fails. An armed run continues with the next one, unless the failed one is
 * required, and ends them all in time for what comes after them.
 */
export async function runHooks(job: Job, moment: HookMoment, signal: AbortSignal): Promise<HooksEnd> {
  const { ports, node, operation, request, plan } = job;
  const armed = plan?.armed === true;
  const time = armed ? limitTime(job, moment, signal) : null;
  const failures: string[] = [];
  try {
    for (const hook of ports.hooks(moment, node.addr, { op: operation.id, verb: request.verb })) {
      const why = await runHook(job, moment, hook, time?.signal ?? signal, time?.isUp() ?? false);
      if (why === '') continue;
      if (!armed || hook.required === true) return { why, required: hook.required === true };
      failures.push(why);
      if (signal.aborted) break;
    }
  } finally {
    time?.callOff();
  }
  return { why: failures.join('; '), required: false };
}

/** Resolves with '' when it succeeded; else with its command and the reason. */
async function runHook(
  { node }: Job,
  moment: HookMoment,
  hook: Hook,
  signal: AbortSignal,
  late: boolean,
): Promise<string> {
  const { why: ended, output } = await hook.run(signal);
  const cutShort = signal.aborted && ended !== '';
  const why = cutShort ? `${late ? 'not run' : 'ended'}: no time was left for it (${ended})` : ended;
  const lastLines = output.slice(-QUOTED_LINES).join(' | ');
  node.prove(
    'hook',
    `${moment}: ‘${hook.text}’ ${why === '' ? 'ended well' : why}${lastLines === '' ? '' : `: ${lastLines}`}`,
  );
  return why === ''
    ? ''
    : `‘${hook.text}’: ${why}${lastLines === '' ? '' : `, its last output: “${output.at(-1) ?? ''}”`}`;
}

/**
 * Returns a signal that aborts with `signal`, and at the end of the programs' time. Those before a shutdown leave time
 * for it before the node's deadline, at least half of the time left where that is short.
 */
function limitTime(
  job: Job,
  moment: HookMoment,
  signal: AbortSignal,
): { signal: AbortSignal; isUp: () => boolean; callOff: () => void } {
  const { ports, node, deadlineAt } = job;
  const up = new AbortController();
  const over = new AbortController();
  if (deadlineAt !== null) {
    const leftMs = deadlineAt - ports.now();
    const settleMs = ports.limits.settle * 1000;
    const needsMs = (ports.durations.usual(node.addr, 'off') ?? UNSEEN_OFF_MS) + untilDeadMs(settleMs);
    const forHooksMs = moment === 'before-off' ? leftMs - Math.min(needsMs, leftMs / 2) : leftMs;
    void pause(ports, forHooksMs, over.signal).then((passed) => passed && up.abort());
  }
  return {
    signal: AbortSignal.any([signal, up.signal]),
    isUp: () => up.signal.aborted,
    callOff: () => over.abort(),
  };
}

/**
 * Runs the programs after the power was switched: failures are reported, and change nothing. Returns text to append to
 * the outcome.
 */
export async function runHooksAfter(job: Job, moment: 'after-off' | 'after-on'): Promise<string> {
  const { ports, node, operation, request } = job;
  const hooks = ports.hooks(moment, node.addr, { op: operation.id, verb: request.verb });
  if (hooks.length === 0) return '';
  const limit = hooks.reduce((sum, one) => sum + one.limit, 0) * 1000;
  node.show(
    'after',
    `is ${moment === 'after-off' ? 'off' : 'on'}; what is configured for after that runs`,
    ports.now() + limit,
  );
  const { why: failed } = await runHooks(job, moment, job.signal);
  if (failed !== '') ports.event('warning', node.addr, `${node.name}: ${failed}`);
  return failed === '' ? '' : `; a program that runs after it failed (${failed})`;
}
