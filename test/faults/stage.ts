/** One fault in one state of the rack: brought about, noticed, ended, recovered from; and what must not happen meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import { planConfirmation } from '../../src/api/plans.ts';
import { formatAddress } from '../../src/rack/address.ts';
import type { SimHost } from '../../src/sim/host.ts';
import { seededRandom } from '../../src/sim/random.ts';
import type { Fault } from '../soak/faults.ts';
import { eightNodes, stand, type Stand } from '../support/stand.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { virtualStand } from '../support/virtual-stand.ts';
import { Witness } from '../support/witness.ts';
import { Operator } from './operator.ts';

export const STATES = [
  'sweep',
  'console attached and idle',
  'console flowing',
  'graceful off running',
  'plan running',
  'startup',
] as const;
export type StateName = (typeof STATES)[number];

export interface Row {
  state: StateName;
  fault: string;
  /** Until the operator was told something, ms; null: nothing had to be told, the fault does not show in this state. */
  detectedMs: number | null;
  saw: string;
  /** From the end of the fault until everything was well, ms. */
  recoveredMs: number;
  wrongCuts: number;
  /** Console bytes neither shown nor inside a marked gap; null: no console in this state. */
  unaccounted: number | null;
}

const TARGET = 3;
const NODE = formatAddress(TARGET);
const CONFIG = `
name: test rack
port: /dev/null
poll: { interval: 0.2 }
${eightNodes()}
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { request: 4, acknowledged: 2, settle: 1, stopping: 3, hard: 4 }
boot: { limit: 10 }
plans: { shed: { steps: [{ name: down, selector: n${TARGET}, action: off }] } }
`;
/** Interval at which a virtual server reads the line. */
const READ_MS = 4;
/** What comes at all comes within this on a machine with other things to do. */
const PATIENCE_MS = 40_000;
/** So long bytes of a node may be on their way to the operator: a boot at twenty times its speed waits for the line. */
const LATE_MS = 5_000;
/** What a fault of a console that flows on shows, it shows within this. */
const FLOWS_ON_MS = 1_500;
/** A byte under way when a gap begins, and a note that comes a moment later, are within this of the gap. */
const GAP_SLACK_MS = 150;

/** True for a fault that takes the bus away, or a node's answer: the operator has to be told of it. */
export function mustShow(state: StateName, { verb, name }: Fault): boolean {
  if (verb === 'unplug') return true;
  // A brown-out is seen by no BMC: its nodes stay switched on.
  if (verb === 'power') return state === 'sweep' && name === 'power taken by hand';
  return state === 'sweep' && ['silent', 'torn', 'wrong-id', 'wedge', 'lock', 'mute', 'mains'].includes(verb);
}

export class Stage implements AsyncDisposable {
  readonly #rack: Stand;
  readonly #witness: Witness;
  #operator: Operator;
  readonly #clock: VirtualClock | null;

  private constructor(rack: Stand, witness: Witness, operator: Operator, clock: VirtualClock | null) {
    this.#clock = clock;
    this.#rack = rack;
    this.#witness = witness;
    this.#operator = operator;
  }

  /** `virtual`: in this process and in virtual time, one stage at a time; else with a server's process on a pseudo-terminal. */
  static async set({ virtual }: { virtual: boolean }): Promise<Stage> {
    const watching: Witness[] = [];
    const options = {
      // What the bridge loses of keys that a busy machine delivers together is another test's business.
      sim: ['--time-scale', '20', '--no-loss'],
      config: CONFIG,
      watch: (host: SimHost) => void watching.push(new Witness(host)),
    };
    const clock = virtual ? new VirtualClock() : null;
    try {
      const rack = await (clock ? virtualStand({ clock, ...options, readMs: READ_MS }) : stand(options));
      const [witness] = watching;
      if (!witness) throw new Error('nobody watches the rack');
      return new Stage(rack, witness, new Operator(await rack.client('operator')), clock);
    } catch (error) {
      clock?.[Symbol.dispose]();
      throw error;
    }
  }

  async play(state: StateName, fault: Fault): Promise<Row> {
    const random = seededRandom(fault.name.length);
    const cuts = this.#witness.cuts();
    const watched = await this.#begin(state);
    for (const { verb, params } of fault.before ?? []) await this.#rack.rack.ctl(verb, params(NODE));
    const since = Date.now();
    await this.#rack.rack.ctl(fault.verb, fault.params(NODE, random));
    if (state === 'startup') {
      await this.#rack.startServer();
      this.#operator = new Operator(await this.#rack.client('operator'));
    }
    if (state.startsWith('console')) this.#operator.type(TARGET, '\r');
    const noticed = await this.#noticed(state, fault, since);
    await delay(200);
    await this.#rack.rack.ctl('clear', { node: 'all' });
    if (state === 'console flowing') await this.#rack.rack.ctl('flood', { node: NODE });
    for (const { verb, params } of fault.end ?? []) await this.#rack.rack.ctl(verb, params(NODE));
    const recoveredMs = await this.#well(state, fault);
    let unaccounted: number | null = null;
    if (state.startsWith('console')) {
      // The last bytes may be between the rack and here: what comes late is not lost.
      const to = Date.now();
      const late = performance.now() + LATE_MS;
      do {
        await delay(50);
        const { heard, gaps } = this.#operator;
        unaccounted = this.#witness.unaccounted(TARGET, { from: watched, to }, heard, gaps, GAP_SLACK_MS);
      } while (unaccounted > 0 && performance.now() < late);
    }
    await this.#end(state);
    const mayBeCut = state === 'graceful off running' || state === 'plan running';
    const wrongCuts = [...this.#witness.cuts()]
      .filter(([addr]) => addr !== TARGET || !mayBeCut)
      .reduce((sum, [addr, count]) => sum + count - (cuts.get(addr) ?? 0), 0);
    const detectedMs = noticed === null ? null : Math.max(0, noticed.at - since);
    return { state, fault: fault.name, detectedMs, saw: noticed?.text ?? '', recoveredMs, wrongCuts, unaccounted };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rack[Symbol.asyncDispose]();
    this.#clock?.[Symbol.dispose]();
  }

  /** Brings the state about; returns since when the console's bytes count. */
  async #begin(state: StateName): Promise<number> {
    const { rack } = this.#rack;
    if ((await rack.node(NODE)).power !== 'on') await rack.ctl('power', { node: NODE, state: 'on' });
    await rack.until(({ nodes }) => ['login', 'shell'].includes(nodes[TARGET]?.guest ?? ''), PATIENCE_MS);
    const operator = this.#operator;
    const now = Date.now();
    await until('every node to be read', () => this.#read(now));
    switch (state) {
      case 'sweep':
        break;
      case 'startup':
        await this.#rack.killServer('SIGTERM');
        break;
      case 'console attached and idle':
      case 'console flowing': {
        operator.attend();
        this.#witness.spoken.length = 0;
        await operator.client.request('console.attach', { addr: TARGET, take: true, watch: false });
        const attached = Date.now();
        await until(
          'the console to answer',
          () => {
            operator.type(TARGET, '\r');
            return operator.heard.length > 20;
          },
          200,
        );
        if (state === 'console flowing') {
          await rack.ctl('flood', { node: NODE });
          const before = operator.heard.length;
          await until('the console to flow', () => operator.heard.length > before + 300);
        }
        return attached;
      }
      case 'graceful off running':
      case 'plan running':
        // The guest may still be busy with what the last fault left; this is the way there, not what is measured.
        for (let tries = 1; !(await this.#shuttingDown(state)); tries++) {
          if (tries === 4) throw new Error(`no shutdown got under way; ${JSON.stringify(this.#standing())}`);
          await this.#end(state);
          for (const power of ['off', 'on']) await rack.ctl('power', { node: NODE, state: power });
          await rack.until(({ nodes }) => ['login', 'shell'].includes(nodes[TARGET]?.guest ?? ''), PATIENCE_MS);
          await this.#look();
        }
    }
    return now;
  }

  /** An operator looks at its console, which shows whose it is. */
  async #look(): Promise<void> {
    const operator = this.#operator;
    operator.attend();
    await operator.client.request('console.attach', { addr: TARGET, take: true, watch: false });
    await until(
      'the console to show its name',
      () => {
        operator.type(TARGET, '\r');
        return operator.heard.includes('n3 login:') || operator.heard.includes('@n3:');
      },
      400,
    );
    await operator.client.request('console.detach', {});
  }

  /** Begins one; false where it came to a question or an end before it was under way. */
  async #shuttingDown(state: StateName): Promise<boolean> {
    const { client } = this.#operator;
    await this.#rack.rack.ctl('stop-job', { node: NODE, seconds: 30 });
    const former = this.#operator.plan?.id;
    const begun: Promise<unknown> =
      state === 'plan running'
        ? client.request('plan.run', {
            ...{ name: 'shed', confirm: planConfirmation('shed', 1), armed: false, deadlineS: null },
          })
        : client.request('power.start', {
            ...{ verb: 'off', nodes: [TARGET], label: 'n3', confirm: 'n3', deadlineS: null },
            ...{ onDeadline: 'leave', takeConsole: true },
          });
    // A machine that called itself by another name is not asked before its console shows its own again.
    const refused = await begun.then(
      () => false,
      (error: unknown) => /called itself/.test(String(error)),
    );
    if (refused) return false;
    const over = (): boolean => {
      const plan = state === 'plan running' ? this.#operator.plan : null;
      // A plan whose one node is refused pauses.
      return plan !== null && plan.id !== former && (plan.endedAt !== null || plan.state === 'paused');
    };
    await until(
      'the shutdown to begin',
      () => this.#running() !== undefined || over(),
      5,
      () => this.#standing(),
    );
    const phase = (): string => this.#running()?.nodes[0]?.phase ?? 'ended';
    await until('the shutdown to be under way', () =>
      ['acknowledged', 'stopping', 'asking', 'ended'].includes(phase()),
    );
    return ['acknowledged', 'stopping'].includes(phase());
  }

  /** What the operator was told first; nothing where the fault had its time and showed nothing. */
  async #noticed(state: StateName, fault: Fault, since: number): Promise<{ at: number; text: string } | null> {
    const console = state.startsWith('console');
    const acting = state === 'graceful off running' || state === 'plan running';
    // A console's silence is looked into after 3 s; a guest shows nothing where nobody looks at its console.
    const limitMs = mustShow(state, fault)
      ? 10_000
      : acting
        ? 8_000
        : console
          ? fault.of === 'guest'
            ? 1_000
            : 4_500
          : fault.of === 'guest'
            ? 500
            : 1_500;
    const end = Date.now() + limitMs;
    while (Date.now() < end) {
      await delay(5);
      const first = this.#operator.firstAfter(since);
      if (first) return first;
      if (acting && this.#running() === undefined) break;
      if (state === 'console flowing' && this.#flowsOn(since)) break;
    }
    return null;
  }

  /** True where the fault has had its time, and the console never fell silent: no silence will be looked into. */
  #flowsOn(since: number): boolean {
    const now = Date.now();
    return now - since > FLOWS_ON_MS && now - this.#operator.heardAt < GAP_SLACK_MS;
  }

  async #well(state: StateName, fault: Fault): Promise<number> {
    const ended = Date.now();
    const console = state.startsWith('console');
    const heard = this.#operator.heard.length;
    let typed = 0;
    await until(
      `recovery from: ${fault.name} (${state})`,
      () => {
        const { bus, console: open } = this.#operator;
        if (!console) return this.#read(ended);
        // What an operator does at a console that says nothing.
        if (Date.now() - typed > 300) {
          typed = Date.now();
          this.#operator.type(TARGET, '\r');
        }
        return ['ready', 'paused'].includes(bus.state) && open?.state === 'open' && this.#operator.heard.length > heard;
      },
      5,
      () => this.#standing(),
    );
    return Date.now() - ended;
  }

  async #end(state: StateName): Promise<void> {
    const { client } = this.#operator;
    if (state.startsWith('console')) await client.request('console.detach', {});
    await this.#rack.rack.ctl('clear', { node: 'all' });
    const plan = state === 'plan running' ? this.#operator.plan : null;
    let asked = 0;
    await until(
      'the operation to end',
      async () => {
        const running = this.#running();
        if (running === undefined && (plan === null || this.#operator.plan?.endedAt !== null)) return true;
        if (Date.now() - asked > 1_000) {
          asked = Date.now();
          if (plan) await client.request('plan.abort', { id: plan.id }).catch(() => undefined);
          const question = running?.nodes[0]?.question?.id ?? '';
          const leave = running?.nodes[0]?.question?.choices.find(({ key }) => key === 'leave');
          if (running && leave)
            await client
              .request('ops.answer', { id: running.id, addr: TARGET, question, choice: leave.key, confirm: null })
              .catch(() => undefined);
          else if (running) await client.request('ops.abort', { id: running.id }).catch(() => undefined);
        }
        return false;
      },
      5,
      () => this.#standing(),
    );
    // A guest that was told to go down, panicked or was renamed starts anew.
    const { guest, power } = await this.#rack.rack.node(NODE);
    if (!['login', 'shell'].includes(guest)) {
      if (power === 'on') await this.#rack.rack.ctl('power', { node: NODE, state: 'off' });
      await this.#rack.rack.ctl('power', { node: NODE, state: 'on' });
    }
  }

  /** For a failure's message. */
  #standing(): unknown {
    const { bus, console, told } = this.#operator;
    return {
      bus,
      console,
      running: this.#running()?.nodes,
      plan: this.#operator.plan,
      told: told.slice(-6),
      last: [...this.#operator.operations.values()].at(-1)?.nodes,
    };
  }

  #running() {
    return [...this.#operator.operations.values()].find(({ endedAt }) => endedAt === null);
  }

  /** Every node was read after `since`, and nothing is being done about the bus; a console may hold it for the operation. */
  #read(since: number): boolean {
    const { bus, nodes } = this.#operator;
    if (bus.state === 'paused')
      return (bus.recovery === null || bus.recovery.step === 'resync') && this.#running() !== undefined;
    return (
      bus.state === 'ready' &&
      bus.recovery === null &&
      nodes.size > TARGET &&
      [...nodes.values()].every(({ reading }) => reading.state === 'ok' && reading.sample.at > since)
    );
  }
}

async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  everyMs = 5,
  about?: () => unknown,
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}; ${JSON.stringify(about?.() ?? {})}`);
    await delay(everyMs);
  }
}
