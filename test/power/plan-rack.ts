/** Plans on a rack in virtual time, with machines that answer on their consoles, shut down and halt. */
import { planExitCode, type PlanNodeRun, type PlanRun } from '../../src/api/plans.ts';
import { Plans } from '../../src/power/plans/plans.ts';
import type { PlanRecord } from '../../src/power/plans/record.ts';
import { unnamedNode } from '../../src/rack/inventory.ts';
import type { PlanDefinition, StepDefinition } from '../../src/rack/plan.ts';
import { FakeConsole, FakeRack, OPERATOR } from './fake-rack.ts';

export interface Machine {
  /** Seconds from the request to the kernel's last line; null: never. */
  haltS: number | null;
  /** Says nothing, whatever is typed. */
  hung: boolean;
  state: 'up' | 'halted';
  /** How often it was asked to shut down. */
  asked: number;
  askedAt: number | null;
}

/** Nodes `m1` to `m6`, and the master `m0`. */
export class PlanRack extends FakeRack {
  readonly plans: Record<string, PlanDefinition> = {};
  readonly machines = new Map<number, Machine>();
  readonly written: PlanRecord[] = [];
  unfinishedRuns: PlanRecord[] = [];
  endedRuns: PlanRecord[] = [];
  planJournalFails: Error | null = null;
  readonly runs: Plans;

  constructor() {
    super();
    this.swept = true;
    this.inventory = {
      ...this.inventory,
      nodes: [0, 1, 2, 3, 4, 5, 6].map((addr) => ({
        ...unnamedNode(addr),
        name: `m${addr}`,
        ...(addr === 0 ? { role: 'master' } : {}),
      })),
    };
    for (const { addr } of this.inventory.nodes) {
      this.power.set(addr, 'on');
      this.machines.set(addr, { haltS: 6, hung: false, state: 'up', asked: 0, askedAt: null });
      this.consoles.set(addr, this.#console(addr));
    }
    this.runs = new Plans(
      {
        ...this.ports(),
        plans: this.plans,
        means: () => ({ login: true, ssh: 'none', poweroff: true, settle: 5, usualMs: () => null, missing: [] }),
        poweroff: null,
        seenMaster: () => 0,
        planJournal: {
          write: (record) => {
            if (this.planJournalFails) return Promise.reject(this.planJournalFails);
            this.written.push(structuredClone(record));
            return Promise.resolve();
          },
          unfinished: () => this.unfinishedRuns,
          ended: () => this.endedRuns,
        },
        publishPlan: () => undefined,
      },
      this.operations,
    );
    this.onPublished = (operation) => this.runs.onOperation(operation);
  }

  machine(addr: number): Machine {
    const machine = this.machines.get(addr);
    if (!machine) throw new Error(`there is no machine ${addr}`);
    return machine;
  }

  plan(name: string, ...steps: Partial<StepDefinition>[]): void {
    this.plans[name] = {
      steps: steps.map((step, index) => ({
        ...{ name: `s${index}`, selector: 'm1', action: 'off', verify: 'status' },
        ...{ onDeadline: 'leave', onFail: 'pause' },
        ...step,
      })),
    };
  }

  async armed(name: string, deadlineS: number | null): Promise<string> {
    return (await this.runs.start({ name, confirm: null, armed: true, deadlineS }, OPERATOR)).id;
  }

  async attended(name: string, nodes: number): Promise<string> {
    return (await this.runs.start({ name, confirm: `${name} ${nodes}`, armed: false, deadlineS: null }, OPERATOR)).id;
  }

  async passes(seconds: number): Promise<void> {
    await this.clock.advance(seconds * 1000);
  }

  run(id: string): PlanRun {
    const run = this.runs.run(id);
    if (!run) throw new Error(`there is no run ${id}`);
    return run;
  }

  nodes(id: string): PlanNodeRun[] {
    return this.run(id).steps.flatMap(({ nodes }) => nodes);
  }

  /** `m1 done`, or the state of a node that has not ended. */
  ended(id: string): string[] {
    return this.nodes(id).map(({ name, outcome, state }) => `${name} ${outcome ?? state}`);
  }

  exitCode(id: string): number {
    return planExitCode(this.run(id));
  }

  later(ms: number, fn: () => void): void {
    const stop = this.clock.every(ms, () => {
      stop();
      fn();
    });
  }

  #console(addr: number): FakeConsole {
    const console = new FakeConsole();
    const prompt = `root@m${addr}:~# `;
    const say = (text: string): void => this.later(5, () => console.say(text, this.clock.time));
    console.onTyped = (typed) => {
      const machine = this.machine(addr);
      if (machine.hung || machine.state === 'halted') return;
      if (typed.includes('systemctl poweroff')) {
        machine.asked++;
        machine.askedAt ??= this.clock.time;
        say(`${typed}\n12.00 40.00\r\nThe system will power off now!\r\n`);
        if (machine.haltS !== null) this.later(machine.haltS * 1000, () => this.#halt(addr, console));
      } else if (machine.asked > 0) say(typed);
      else say(`\r\n${prompt}`);
    };
    return console;
  }

  #halt(addr: number, console: FakeConsole): void {
    const machine = this.machine(addr);
    if (machine.state === 'halted') return;
    machine.state = 'halted';
    // While the bus is away nobody reads it.
    if (this.health.phase !== 'ready' || !console.condition.open) return;
    this.sign(addr, 'halt', 'reboot: Power down');
    console.say('[   21.500000] reboot: Power down\r\n', this.clock.time);
  }

  /** The bus is away, or back: consoles with it. */
  setBus(phase: 'ready' | 'down'): void {
    this.health = { phase, detail: phase === 'ready' ? '' : 'the bus does not answer', master: 0 };
    for (const console of this.consoles.values())
      console.become({ open: phase === 'ready', proven: phase === 'ready', why: this.health.detail });
  }
}
