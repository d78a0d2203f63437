/**
 * Ends each operation that a dead server left unfinished as interrupted, with a sentence about what was and was not
 * sent. Nothing is resumed or repeated; a hard cut is never replayed.
 */
import type { NodeProgress, Operation } from '../api/power.ts';
import { messageOf } from '../lib/errors.ts';
import type { OperationPorts } from './ports.ts';

export function recoverUnfinished(
  ports: Pick<OperationPorts, 'now' | 'journal' | 'event' | 'publish' | 'systems'>,
): Operation[] {
  return ports.journal.unfinished().map((unfinished) => {
    const now = ports.now();
    const operation = structuredClone(unfinished);
    operation.endedAt = now;
    for (const node of operation.nodes) {
      if (node.outcome !== null) continue;
      const { level, text } = whatWasSent(node, operation);
      const sign = lastSign(node);
      // A last line that that server itself recorded is more exact than one concluded here.
      if (sign !== null && !(sign.kind === 'halt' && ports.systems.get(node.addr).system === 'halted')) {
        ports.systems.sign(node.addr, sign.kind, sign.text);
        ports.systems.unwatched(node.addr);
      }
      Object.assign(node, { phase: 'ended', since: now, until: null, question: null, outcome: 'interrupted' });
      node.detail = `the server ended meanwhile: ${text}`;
      ports.event(level, node.addr, `${node.name}: ${node.detail}`);
    }
    ports.publish(structuredClone(operation));
    ports.journal.write(operation).catch((error: unknown) => {
      const why = messageOf(error);
      ports.event('alarm', null, `The journal of operation ${operation.id} cannot be written: ${why}`);
    });
    return operation;
  });
}

/**
 * Kinds of evidence about a node's shutdown; `intent`: it may have been requested, `ssh` and `unsent`: it was not,
 * after all.
 */
const SIGNS: readonly string[] = ['intent', 'request', 'ssh', 'unsent', 'restart', 'marker'];

/** Returns the last sign of its system, which continues with it, watched or not; null: none that counts. */
function lastSign({ phase, evidence }: NodeProgress): { kind: 'asked' | 'halt'; text: string } | null {
  const seen = evidence.findLast(({ kind }) => SIGNS.includes(kind));
  if (seen === undefined || seen.kind === 'restart' || phase === 'pause' || phase === 'switch-on' || phase === 'verify')
    return null;
  if (seen.kind === 'marker' && (phase === 'settle' || phase === 'cut')) return { kind: 'halt', text: seen.text };
  if (seen.kind === 'ssh' || seen.kind === 'unsent') return null;
  const asked = seen.kind === 'intent' ? 'may have been asked' : 'was asked';
  return { kind: 'asked', text: `${asked} to shut down before the server ended` };
}

/**
 * Concludes what was sent from the last state on the disk: every state is written before the action that it announces.
 */
function whatWasSent(
  node: Pick<NodeProgress, 'phase' | 'evidence' | 'name'>,
  { verb }: Pick<Operation, 'verb'>,
): { level: 'notice' | 'warning' | 'alarm'; text: string } {
  const asked = node.evidence.findLast(({ kind }) => ['intent', 'request', 'ssh', 'unsent'].includes(kind))?.kind;
  switch (node.phase) {
    case 'waiting':
      return { level: 'notice', text: 'its turn had not come; nothing was sent' };
    case 'preflight':
      return {
        level: 'notice',
        text: 'its console was being read; no shutdown was requested, no power verb sent',
      };
    case 'before':
      return {
        level: 'warning',
        text: 'programs ran before its shutdown; it was not asked to shut down, and the effects of the programs remain',
      };
    case 'after':
      return { level: 'notice', text: 'its power had been switched and verified; programs ran after that' };
    case 'request':
    case 'acknowledged':
    case 'stopping':
    case 'settle':
    case 'asking':
      if (asked === 'request')
        return {
          level: 'warning',
          text: 'it was asked to shut down and continues; its power was not cut',
        };
      return asked === 'intent'
        ? { level: 'warning', text: 'it may have been asked to shut down, and halts then; its power was not cut' }
        : { level: 'warning', text: 'a login was under way on its console; its power was not cut' };
    case 'cut':
      return {
        level: 'alarm',
        text: `its power was about to be cut, or was cut already; ${verb.endsWith('cycle') ? `it was not switched on again: use 'rackui on ${node.name}'` : 'see the map for its present state'}`,
      };
    case 'pause':
    case 'switch-on':
    case 'verify':
      return verb === 'on'
        ? { level: 'warning', text: 'it was being switched on; see the map for its present state' }
        : {
            level: 'alarm',
            text: `its power was cut, and it may not have been switched on again: use 'rackui on ${node.name}'`,
          };
    case 'ended':
      return { level: 'notice', text: 'its operation had ended' };
  }
}
