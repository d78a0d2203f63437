/**
 * Sends a power verb and verifies it: identity proof in the same pipe, then two status replies that agree (shutdown
 * section 1).
 */
import { steadyNow } from '../lib/clock.ts';
import { type Address, formatAddress } from '../rack/address.ts';
import type { Power, Sample } from '../rack/reading.ts';
import type { VerbExchange } from './exchange.ts';
import type { BmcVerb, StatusOutcome, VerbOutcome } from './types.ts';

/** Maximum of tries (shutdown section 1). */
const TRIES = 3;
/** Time for a BMC that reports late before the verb is sent again, ms. */
const LATE_MS = 1_500;
const POLL_MS = 50;
/**
 * Maximum from the last output of node or BMC to the verb, ms: meanwhile the pipe changes hands and the node is not
 * received. One repeated proof fits in; longer means that this program or its machine was stopped, and the node's state
 * is old.
 */
const UNHEARD_MS = 2_000;

/** The operations of the bus that a verb needs; each is one exchange. */
export interface PowerCommand {
  isMaster(): boolean;
  status(): Promise<StatusOutcome>;
  /** `mayStill` is asked between the proof and the verb, in one turn of the event loop. */
  exchange(mayStill: () => boolean): Promise<VerbExchange | { sent: boolean; bus: string }>;
  /**
   * Reads all input that has arrived: a node may have printed that it is up, and the caller then withdraws the verb.
   */
  catchUp(): void;
}

export async function verifiedVerb(
  addr: Address,
  verb: BmcVerb,
  steps: PowerCommand,
  { signal, listened = false }: { signal?: AbortSignal; listened?: boolean } = {},
): Promise<VerbOutcome> {
  const wanted: Power = verb === 'on' ? 'on' : 'off';
  const name = formatAddress(addr);
  if (steps.isMaster())
    return refused('master', `${name} is the master's own slot: a verb there would stop this bus; nothing was sent`);
  let last: Sample | null = null;
  let sent = 0;
  let heldUpMs = 0;
  steps.catchUp();
  let lastOutputAt = steadyNow();
  const mayStill = (): boolean => {
    const unheard = steadyNow() - lastOutputAt;
    if (unheard > UNHEARD_MS) heldUpMs = unheard;
    return heldUpMs === 0 && signal?.aborted !== true;
  };
  for (let tries = 1; tries <= TRIES; tries++) {
    // An abort between two tries cannot undo the first one: the outcome reports that it was sent.
    if (signal?.aborted) break;
    const step = await steps.exchange(mayStill);
    if ('bus' in step) {
      if (step.sent) sent++;
      if (sent === 0) return refused('bus', `${step.bus}; nothing was sent`);
      return {
        ok: false,
        sent: true,
        tries: sent,
        reason: 'bus',
        detail: `the verb was sent, then: ${step.bus}`,
        last,
      };
    }
    if (!step.sent) {
      if (sent > 0) break;
      if (heldUpMs > 0) {
        const detail = `${(heldUpMs / 1000).toFixed(1)} s passed between the last output of ${name} and the verb: nothing was sent`;
        if (listened || tries === TRIES) return refused('held-up', detail);
        // The verb does not depend on the node's output, only on its identity: the proof is requested again.
        heldUpMs = 0;
        lastOutputAt = steadyNow();
        continue;
      }
      if (step.reply.ok) return refused('aborted', 'aborted before the verb was sent');
      // One unreadable proof may be noise: it is asked for again, because the verb has not gone out.
      if (tries < TRIES) continue;
      return step.reply.failure === 'silent'
        ? refused('silent', `the BMC at ${name} does not answer: nothing was sent`)
        : refused(
            'identity',
            `the identity of ${name} could not be proven (${step.reply.failure} reply): nothing was sent`,
          );
    }
    sent++;
    const { proof } = step;
    if (step.after.ok) last = step.after.sample;
    let seen: Sample | null = step.after.ok && step.after.sample.power === wanted ? step.after.sample : null;
    const until = performance.now() + LATE_MS;
    for (;;) {
      const status = await steps.status();
      if (status.ok) {
        last = status.sample;
        lastOutputAt = steadyNow();
        if (status.sample.power !== wanted) seen = null;
        else if (seen) return { ok: true, tries: sent, proof, verified: [seen, status.sample] };
        else seen = status.sample;
      }
      if (performance.now() >= until) break;
      if (!status.ok || !seen) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  if (sent === 0) return refused('aborted', 'aborted before the verb was sent');
  const state = last ? `its BMC reports ${last.power}` : 'its BMC does not answer';
  const detail = `power ${verb} was sent to ${name} ${sent === 1 ? 'once' : `${sent} times`}, but ${state}`;
  return { ok: false, sent: true, tries: sent, reason: 'unverified', detail, last };
}

function refused(
  reason: 'identity' | 'master' | 'silent' | 'bus' | 'aborted' | 'held-up',
  detail: string,
): VerbOutcome {
  return { ok: false, sent: false, reason, detail };
}
