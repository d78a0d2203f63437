/** One node looked at closely: its history, the end of its console's log, what hangs on it. */
import { steadyNow } from '../../lib/clock.ts';
import { dependentsOf } from '../../power/guards.ts';
import type { Services } from '../services.ts';
import { expectNode } from './look.ts';
import type { Methods } from './methods.ts';

export function detailHandlers(services: Services): Pick<Methods, 'node.detail'> {
  const { bus, consoles, plans, telemetry } = services;
  return {
    async 'node.detail'({ addr, stepMs, count, lines }) {
      expectNode(services, addr);
      const node = telemetry.node(addr);
      const { inventory } = telemetry;
      const manages =
        addr === bus.health.master ? ['it manages this bus: without it no node is reached, and rackui runs on it'] : [];
      const now = steadyNow();
      return {
        ...{ addr, now, stepMs, points: telemetry.series(addr, now, stepMs, count) },
        lines: lines === 0 ? [] : await consoles.logTail(addr, lines),
        dependents: node === null ? [] : [...manages, ...dependentsOf(node, inventory)],
        plans: plans.touching(addr),
      };
    },
  };
}
