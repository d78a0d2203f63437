/** What a shutdown is told of its node and its limits when it begins. */
import { placeText } from '../../rack/inventory.ts';
import type { Job } from '../operation.ts';
import type { HaltBand } from '../ports.ts';

/** What does not change during one shutdown. Times in milliseconds. */
export interface Target {
  name: string;
  /** `A-3, 03`. */
  place: string;
  /** The host name that its console must show, or null where nobody said which it is. */
  host: string | null;
  limits: {
    preflight: number;
    request: number;
    acknowledged: number;
    stopping: number;
    hard: number;
    settle: number;
    /** For grade B: how long its network must have been gone, and its current steady. */
    networkGone: number;
    steady: number;
  };
  /** Where ssh goes, or null: only its console can ask it. */
  ssh: string | null;
  /** Other nodes go down at the same time: the one console is not kept while it is not needed. */
  shares: boolean;
  /** Programs run before it is asked; their limits together. Null: none. */
  hooks: { count: number; limit: number } | null;
  /** The weakest evidence on which it is cut without asking. */
  cutOn: 'A' | 'B';
  band: HaltBand | null;
  /** Epoch milliseconds, or null. */
  deadlineAt: number | null;
  onDeadline: 'leave' | 'cut';
  /** Nobody answers questions: each has an answer of its own, and another try comes later. */
  unattended: boolean;
  /** Cut at the deadline also where it could not be asked. */
  cutUnasked: boolean;
  /** A node that goes down at the deadline is watched to its end, where it is not to be cut. */
  watchedOn: boolean;
}

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
    watchedOn: plan?.watchedOn === true && request.onDeadline === 'leave',
  };
}
