/** The node, limits and settings of one shutdown, fixed when it begins. */
import { placeText } from '../../rack/inventory.ts';
import type { Job } from '../operation.ts';
import type { HaltBand } from '../ports.ts';

/** The part that does not change during one shutdown. Times in milliseconds. */
export interface Target {
  name: string;
  /** `A-3, 03`. */
  place: string;
  /** Host name that its console must show, or null where none is configured. */
  host: string | null;
  limits: {
    preflight: number;
    request: number;
    acknowledged: number;
    stopping: number;
    hard: number;
    settle: number;
    /** For grade B: time for which its network must have been gone, and its current steady. */
    networkGone: number;
    steady: number;
  };
  /** Destination of ssh, or null: the request can go by its console only. */
  ssh: string | null;
  /** Other nodes go down at the same time: the console is released while it is not needed. */
  shares: boolean;
  /** Programs before the request, and their limits together, ms. Null: none. */
  hooks: { count: number; limit: number } | null;
  /** Weakest evidence on which it is cut without a question. */
  cutOn: 'A' | 'B';
  band: HaltBand | null;
  /** Epoch milliseconds, or null. */
  deadlineAt: number | null;
  onDeadline: 'leave' | 'cut';
  /** No operator answers questions: each ends the try in its own way, and another try comes later. */
  unattended: boolean;
  /** The cut at the deadline is also made where no request could be sent. */
  cutUnasked: boolean;
  /** A node that goes down at the deadline is watched to its end, where it is not to be cut. */
  watchedOn: boolean;
}

/** Limit for a prompt on a console that opened, ms (shutdown section 1). */
const PREFLIGHT_MS = 10_000;

export function targetOf({ ports, node, operation, request, deadlineAt, plan }: Job): Target {
  const { request: asking, acknowledged, stopping, hard, settle, networkGone, steady, cutOn } = ports.limits;
  const { configured } = ports.inventory();
  const hooks = ports.hooks('before-off', node.addr, { op: operation.id, verb: request.verb });
  return {
    name: node.name,
    place: placeText(node.addr),
    // Where the nodes come from a scan of the bus, no names are configured.
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
    // Where grade B does not cut, the console stays with one node for its last line.
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
