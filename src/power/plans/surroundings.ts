/** What is around a plan when it is looked at: fresh answers of its nodes, what the guards say, what is known of each. */
import type { PowerCheck, Verb } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';
import { drawOf } from '../../rack/calibration.ts';
import { calibrationOf } from '../../rack/inventory.ts';
import { resolvePlan, type PlanDefinition, type PlanStep } from '../../rack/plan.ts';
import { shownPower } from '../../rack/reading.ts';
import { isDown } from '../../rack/system.ts';
import type { PlanShare } from '../job.ts';
import type { Operations } from '../operations.ts';
import { nodesAtOnce } from '../sequence.ts';
import type { PlanPorts } from './ports.ts';
import { nodesTaken, type Surroundings } from './preview.ts';

type CheckedNodes = ReadonlyMap<Address, PowerCheck['nodes'][number]>;

/** Fresh answers, and what the guards say to each. */
export async function lookAt(
  operations: Pick<Operations, 'check'>,
  ports: Pick<PlanPorts, 'inventory'>,
  name: string,
  plan: PlanDefinition,
  session: number,
): Promise<CheckedNodes> {
  const resolved = resolvePlan(plan, ports.inventory());
  if (!resolved.ok) return new Map();
  const share = shareOf(name, plan, resolved.steps);
  const checks = await Promise.all(
    resolved.steps.map(({ action, nodes, name: step }) =>
      operations.check(
        checkOf(
          action,
          nodes.map(({ addr }) => addr),
          step,
        ),
        session,
        share,
      ),
    ),
  );
  return new Map(checks.flatMap(({ nodes }) => nodes.map((node) => [node.addr, node])));
}

/** What a plan's preview looks at: `looked` where the nodes were just asked, else what the sweep knows. */
export function surroundingsOf(ports: PlanPorts, looked: CheckedNodes = new Map()): Surroundings {
  const { inventory, reading, network, poweroff, seenMaster, durations, limits, systems } = ports;
  const rack = inventory();
  return {
    rack,
    look: (addr) => {
      const fresh = looked.get(addr);
      const known = reading(addr);
      const sample = fresh ? fresh.sample : known.state === 'ok' ? known.sample : null;
      return {
        power: sample?.power ?? (fresh ? 'unknown' : shownPower(known)),
        down: isDown(systems.get(addr)),
        current: sample?.current ?? null,
        // A run waits for operations that are under way.
        refusals: fresh?.refusals.filter(({ rule }) => rule !== 'operation') ?? [],
      };
    },
    means: ports.means(),
    play: (step) => asPlayed(step, ports),
    draw: (addr, counts) => drawOf(counts, calibrationOf(rack, addr)),
    prospect: (addr) => ({
      console: network === null || network.target(addr) === null,
      settleMs: limits.settle * 1000,
      usual: (way) => durations.usual(addr, way),
    }),
    poweroff: poweroff?.text ?? null,
    master: seenMaster(),
  };
}

/** A step with as many nodes at once as the way of asking allows. */
export function asPlayed(step: PlanStep, ports: Pick<PlanPorts, 'network' | 'limits'>): PlanStep {
  return { ...step, parallel: Math.min(step.parallel, nodesAtOnce({ verb: step.action }, ports)) };
}

function shareOf(name: string, plan: PlanDefinition, steps: readonly PlanStep[]): PlanShare {
  return {
    plan: name,
    takes: new Set(nodesTaken(steps)),
    verify: 'boot',
    armed: false,
    patienceMs: Infinity,
    cutUnasked: false,
    overrides: plan.overrides ?? [],
  };
}

function checkOf(verb: Verb, nodes: Address[], label: string): Parameters<Operations['check']>[0] {
  return { verb, nodes, label, confirm: null, deadlineS: null, onDeadline: 'leave', takeConsole: false };
}
