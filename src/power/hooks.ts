/** Programs around a node's way down and up: one after another, each with its words in the node's evidence. */
import type { Job } from './job.ts';
import type { HookMoment } from './ports.ts';

/** Lines of a program's output that go into the evidence; all of them are bounded already. */
const QUOTED_LINES = 5;

/** Runs the moment's programs until one fails. '' when all went well, or there are none; else which failed and why. */
export async function runHooks(job: Job, moment: HookMoment, signal: AbortSignal): Promise<string> {
  const { ports, node, operation, request } = job;
  for (const hook of ports.hooks(moment, node.addr, { op: operation.id, verb: request.verb })) {
    const { why, output } = await hook.run(signal);
    const said = output.slice(-QUOTED_LINES).join(' | ');
    node.prove('hook', `${moment}: ‘${hook.text}’ ${why === '' ? 'ended well' : why}${said === '' ? '' : `: ${said}`}`);
    if (why !== '') return `‘${hook.text}’: ${why}${said === '' ? '' : `, it said “${output.at(-1) ?? ''}”`}`;
  }
  return '';
}

/** Programs after the power was switched: what fails is told, and changes nothing. Returns what to add to the end's words. */
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
  const failed = await runHooks(job, moment, job.signal);
  if (failed !== '') ports.event('warning', node.addr, `${node.name}: ${failed}`);
  return failed === '' ? '' : `; what was to run after it failed (${failed})`;
}
