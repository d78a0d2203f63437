/**
 * What a server that died left of its plans. Nothing goes on by itself: a run waits, interrupted, until somebody resumes
 * it; then every node that was under way is looked at afresh.
 */
import type { Address } from '../../rack/address.ts';
import { isManager } from '../../rack/plan.ts';
import type { PlanPorts } from './ports.ts';
import { endNode, nodesOf, refreshSteps, type PlanRecord } from './record.ts';
import { count } from '../../lib/words.ts';

export function recoverRuns(ports: Pick<PlanPorts, 'now' | 'inventory' | 'planJournal' | 'event'>): PlanRecord[] {
  return ports.planJournal.unfinished().map((record) => {
    const { run } = record;
    const now = ports.now();
    const aborting = run.state === 'aborting';
    const under = nodesOf(run).filter(({ state }) => state === 'started');
    for (const node of under) {
      if (isMaster(node.addr, ports)) {
        // Whether the program ran is not known; that it is up is. It is not sent down by a resume that means the others.
        endNode(
          node,
          'left-on',
          'the server ended while this machine was being told to shut down, and it is up: it is not told again by itself',
          now,
        );
        continue;
      }
      endNode(node, 'interrupted', 'the server ended while it was under way', now);
    }
    if (aborting) {
      for (const node of nodesOf(run))
        if (node.state === 'waiting') endNode(node, 'aborted', 'aborted before its turn', now);
      Object.assign(run, { state: 'ended', endedAt: now, detail: `${run.detail}; the server ended meanwhile` });
      record.endedAt = now;
    } else if (run.state !== 'paused' || under.length > 0) {
      run.state = 'interrupted';
      run.detail = `the server ended meanwhile, with ${count(under.length, 'node')} under way: resume looks at each afresh`;
    }
    if (record.deadlineLost === true && run.endedAt === null)
      run.detail += '; the machine was booted anew, so its deadline is not known any more: it has none now';
    refreshSteps(run);
    ports.event('warning', null, `Plan ${run.plan} (run ${run.id}) is ${run.state}: ${run.detail}`);
    return record;
  });
}

function isMaster(addr: Address, { inventory }: Pick<PlanPorts, 'inventory'>): boolean {
  const node = inventory().nodes.find((one) => one.addr === addr);
  return node !== undefined && isManager(node);
}
