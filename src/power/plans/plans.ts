/** The configured plans: what there is, and what one would do now. */
import type { PlanList, PlanPreview } from '../../api/plan.ts';
import type { PowerCheck, Verb } from '../../api/power.ts';
import type { Address } from '../../rack/address.ts';
import { resolvePlan, type PlanDefinition } from '../../rack/plan.ts';
import { shownPower } from '../../rack/reading.ts';
import type { Operations } from '../operations.ts';
import type { OperationPorts } from '../ports.ts';
import { NoSuchOperation } from '../refused.ts';
import { preview, summarise, type Surroundings } from './preview.ts';

export interface PlanPorts extends Pick<OperationPorts, 'now' | 'inventory' | 'reading' | 'network'> {
  plans: Readonly<Record<string, PlanDefinition>>;
  /** The program by which the master shuts itself down, as text; null: none is configured. */
  poweroff: { text: string } | null;
}

export class Plans {
  readonly #ports: PlanPorts;
  readonly #operations: Operations;

  constructor(ports: PlanPorts, operations: Operations) {
    this.#ports = ports;
    this.#operations = operations;
  }

  list(): PlanList {
    const around = this.#around();
    return {
      plans: Object.entries(this.#ports.plans).map(([name, plan]) => summarise(name, plan, around)),
      runs: [],
    };
  }

  /** Every node is asked for its status. @throws {NoSuchOperation} */
  async show(name: string, session: number): Promise<PlanPreview> {
    const plan = this.#plan(name);
    return preview(name, plan, this.#around(await this.#looked(plan, session)));
  }

  /** Fresh answers, and what the guards say to each. */
  async #looked(plan: PlanDefinition, session: number): Promise<Map<Address, PowerCheck['nodes'][number]>> {
    const resolved = resolvePlan(plan, this.#ports.inventory());
    if (!resolved.ok) return new Map();
    const checks = await Promise.all(
      resolved.steps.map(({ action, nodes, name }) =>
        this.#operations.check(
          checkOf(
            action,
            nodes.map(({ addr }) => addr),
            name,
          ),
          session,
        ),
      ),
    );
    return new Map(checks.flatMap(({ nodes }) => nodes.map((node) => [node.addr, node])));
  }

  #around(looked = new Map<Address, PowerCheck['nodes'][number]>()): Surroundings {
    const { inventory, reading, network, poweroff } = this.#ports;
    return {
      rack: inventory(),
      look: (addr) => {
        const fresh = looked.get(addr);
        const known = reading(addr);
        const sample = fresh ? fresh.sample : known.state === 'ok' ? known.sample : null;
        return {
          power: sample?.power ?? (fresh ? 'unknown' : shownPower(known)),
          current: sample?.current ?? null,
          refusals: fresh?.refusals ?? [],
        };
      },
      consoleOnly: (addr) => network === null || network.target(addr) === null,
      usual: {},
      poweroff: poweroff?.text ?? null,
    };
  }

  #plan(name: string): PlanDefinition {
    const plan = Object.hasOwn(this.#ports.plans, name) ? this.#ports.plans[name] : undefined;
    if (plan) return plan;
    const known = Object.keys(this.#ports.plans).join(', ') || 'none';
    throw new NoSuchOperation(`there is no plan '${name}' in the configuration; plans: ${known}`);
  }
}

function checkOf(verb: Verb, nodes: Address[], label: string): Parameters<Operations['check']>[0] {
  return { verb, nodes, label, confirm: null, deadlineS: null, onDeadline: 'leave', takeConsole: false };
}
