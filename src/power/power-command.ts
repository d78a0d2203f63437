/**
 * Sends power verbs to the bus; there is no other place that does, except for the raw commands that an operator
 * confirms. Guards on a fresh status, then the intent on the disk, then the verb, then its outcome. A cut whose intent
 * cannot be written is refused.
 */
import type { Evidence, Outcome } from '../api/power.ts';
import { type BmcVerb, PRIORITY, type VerbOutcome } from '../bmc/types.ts';
import { messageOf } from '../lib/errors.ts';
import { formatAddress, formatPosition } from '../rack/address.ts';
import type { Sample } from '../rack/reading.ts';
import { gatherFacts, refusalsFor } from './guards.ts';
import type { Job } from './operation.ts';
import type { AuditEntry } from './ports.ts';

export type Switched =
  /** `current`: counts in the pipe of the verb, just before it; null: no verb was needed. */
  | { ok: true; outcome: 'done' | 'cut-unproven'; already: boolean; current: number | null }
  /**
   * `sent`: the verb was sent, or may have been; its effect was not seen. `rule`: the guard that refused it, or null.
   */
  | { ok: false; sent: boolean; outcome: Outcome; detail: string; rule: string | null };

export interface CutOptions {
  /** Age of the status for the guards. */
  sample: 'new' | 'young';
  /** Stops it until the verb is sent. */
  signal: AbortSignal;
  /** The node's console is being read, until the pipe is needed: its output may withdraw the cut by `signal`. */
  listened: boolean;
  /** Nothing proves that the node has halted, and no operator chose this cut: it is reported as such. */
  unproven?: boolean;
}

/**
 * Cuts the node's power. Resolves when two status replies are off, or with the reason why not. `ground` goes to the
 * audit log.
 */
export async function cutPower(
  job: Job,
  ground: string,
  { sample, signal, listened, unproven = false }: CutOptions,
): Promise<Switched> {
  const { ports, node } = job;
  const facts = await gatherFacts(ports, {
    verb: 'force-off',
    addr: node.addr,
    session: job.session,
    takeConsole: true,
    busyWith: null,
    status: sample,
    // Console output after the confirmation does not delay a cut.
    hostSettled: true,
    dependence: null,
  });
  const refusals = refusalsFor(facts);
  if (refusals.length > 0) {
    const outcome = refusals.some(({ rule }) => rule === 'bus') ? 'bus' : 'refused';
    const detail = `nothing was cut: ${refusals.map(({ message }) => message).join('; ')}`;
    return { ok: false, sent: false, outcome, detail, rule: refusals[0]?.rule ?? null };
  }
  if (facts.status.ok && facts.status.sample.power === 'off') {
    node.prove('status', `its BMC already reports off (${describe(facts.status.sample)})`);
    return { ok: true, outcome: 'done', already: true, current: null };
  }
  // A console leaves the wire while the disk writes, unless its output may withdraw the cut.
  const release = listened ? () => undefined : ports.bus.hold();
  try {
    const unwritten = await intent(job, ground);
    if (unwritten !== null) return unwritten;
    if (signal.aborted) return await aborted(job);
    const outcome = await ports.bus.verb(node.addr, 'off', { priority: PRIORITY.forceOff, signal, listened });
    return await conclude(job, 'off', outcome, unproven ? 'cut-unproven' : 'done');
  } finally {
    release();
  }
}

/** Writes the intent to the disk; resolves with null when it is there, else with the refusal. */
async function intent(job: Job, ground: string): Promise<Switched | null> {
  try {
    await Promise.all([job.operation.journalled(), job.ports.audit(entry(job, 'intent', null, ground, 0))]);
    return null;
  } catch (error) {
    const detail = `nothing was cut: the intent could not be written down (${messageOf(error)}); free the disk and try again`;
    return { ok: false, sent: false, outcome: 'refused', detail, rule: null };
  }
}

/** Switches the node on. A disk error does not prevent it: a node that stays off is of no use. */
export async function switchOn(job: Job, signal: AbortSignal | null): Promise<Switched> {
  const { ports, node } = job;
  await ports
    .audit(entry(job, 'intent', null, 'switch on', 0))
    .catch((error: unknown) =>
      ports.event(
        'alarm',
        node.addr,
        `The audit log cannot be written: ${messageOf(error)}; ${node.name} is switched on`,
      ),
    );
  const options = { priority: PRIORITY.operator, ...(signal && { signal }) };
  return conclude(job, 'on', await ports.bus.verb(node.addr, 'on', options), 'done');
}

async function conclude(
  job: Job,
  verb: BmcVerb,
  outcome: VerbOutcome,
  success: 'done' | 'cut-unproven',
): Promise<Switched> {
  const { node, ports } = job;
  if (outcome.ok) {
    node.prove('identity', `its BMC answered in the same pipe just before (${describe(outcome.proof)})`);
    node.prove('verified', `two status replies report ${verb} (${outcome.verified.map(describe).join('; ')})`);
  } else if (outcome.sent) node.prove('unverified', outcome.detail);
  const tries = outcome.ok || outcome.sent ? outcome.tries : 0;
  const detail = outcome.ok ? `power ${verb}, verified` : outcome.detail;
  const switched = resultOf(outcome, success);
  // A verb that was sent cannot be refused any more: an outcome that cannot be written is reported as an alarm.
  await ports
    .audit(entry(job, 'outcome', switched.outcome, detail, tries))
    .catch((error: unknown) =>
      ports.event(
        'alarm',
        node.addr,
        `The audit log cannot be written: ${messageOf(error)}. Not in it: ${node.name}, ${detail}`,
      ),
    );
  return switched;
}

function resultOf(outcome: VerbOutcome, success: 'done' | 'cut-unproven'): Switched {
  if (outcome.ok) return { ok: true, outcome: success, already: false, current: outcome.proof.current };
  const { sent, detail } = outcome;
  switch (outcome.reason) {
    case 'bus':
      return { ok: false, sent, outcome: 'bus', detail, rule: null };
    case 'aborted':
      return { ok: false, sent, outcome: 'aborted', detail, rule: null };
    case 'identity':
    case 'master':
    case 'silent':
      return { ok: false, sent, outcome: 'refused', detail, rule: outcome.reason === 'silent' ? 'unknown' : null };
    case 'held-up':
      return { ok: false, sent, outcome: 'refused', detail, rule: 'held-up' };
    case 'unverified':
      return { ok: false, sent, outcome: 'failed', detail, rule: null };
  }
}

async function aborted(job: Job): Promise<Switched> {
  const detail = 'aborted before the verb was sent';
  await job.ports.audit(entry(job, 'outcome', 'aborted', detail, 0)).catch(() => undefined);
  return { ok: false, sent: false, outcome: 'aborted', detail, rule: null };
}

function entry(
  job: Job,
  stage: AuditEntry['stage'],
  outcome: Outcome | null,
  detail: string,
  tries: number,
): AuditEntry {
  const { ports, operation, node, request, by, session } = job;
  const evidence: Evidence[] = node.evidence;
  return {
    at: ports.now(),
    stage,
    op: operation.id,
    verb: request.verb,
    reportedBy: by,
    session,
    node: { name: node.name, pos: formatPosition(node.addr), addr: formatAddress(node.addr) },
    evidence,
    outcome,
    detail,
    tries,
  };
}

/** Formats counts, never amperes, because nothing is calibrated here. */
function describe(sample: Sample): string {
  return `${sample.power}, current ${sample.current}, fan ${sample.fan} counts`;
}
