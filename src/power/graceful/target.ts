/** What a shutdown is told of its node and its limits when it begins. */
import { placeText } from '../../rack/inventory.ts';
import type { Job } from '../job.ts';
import type { Target } from './state.ts';

/** Looking for a prompt on a console that opened (shutdown section 1). */
const PREFLIGHT_MS = 10_000;

export function targetOf({ ports, node, operation, request, deadlineAt, plan }: Job): Target {
  const { request: asking, acknowledged, stopping, hard, settle, networkGone, steady, cutOn } = ports.limits;
  const { configured } = ports.inventory();
  const hooks = ports.hooks('before-off', node.addr, { op: operation.id, verb: request.verb });
  return {
    name: node.name,
    place: placeText(node.addr),
    // Where the bus was scanned for nodes, nobody said how they are called.
    host: configured ? node.name : null,
    limits: {
      preflight: PREFLIGHT_MS,
      request: asking * 1000,
      acknowledged: acknowledged * 1000,
      stopping: stopping * 1000,
      hard: hard * 1000,
      settle: settle * 1000,
      networkGone: networkGone * 1000,
      steady: steady * 1000,
    },
    ssh: ports.network?.target(node.addr) ?? null,
    // Where nothing is cut on grade B, its last line is worth waiting for, alone.
    shares: ports.network !== null && cutOn === 'B',
    hooks:
      hooks.length === 0
        ? null
        : { count: hooks.length, limit: hooks.reduce((sum, { limit }) => sum + limit, 0) * 1000 },
    cutOn,
    band: ports.haltBands.get(node.addr),
    deadlineAt,
    onDeadline: request.onDeadline,
    unattended: plan?.armed === true,
    cutUnasked: plan === null || plan.cutUnasked,
  };
}
