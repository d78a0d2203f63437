/** Somebody at the interface, as far as words go: what the server tells, and when it first told something new. */
import type { ConsoleState, NodeState, Snapshot } from '../../src/api/methods.ts';
import type { PlanRun } from '../../src/api/plans.ts';
import type { Operation } from '../../src/api/power.ts';
import type { RackClient } from '../../src/client/client.ts';
import { RESET_MODES } from '../../src/console/emulator.ts';
import { shownPower } from '../../src/rack/reading.ts';

const RESET = Buffer.from(RESET_MODES).toString('latin1');

export interface Gap {
  from: number;
  to: number;
}

export class Operator {
  readonly client: RackClient;
  bus: Snapshot['bus'];
  console: ConsoleState | null;
  readonly nodes = new Map<number, NodeState>();
  readonly operations = new Map<string, Operation>();
  plan: PlanRun | null = null;
  /** What the console showed since {@link attend}, latin1, and the gaps that were marked in it. */
  heard = '';
  /** When the console last showed something, epoch ms. */
  heardAt = 0;
  /** Its last characters, which may be the beginning of a reset: a flood is too long to be searched at each chunk. */
  #seam = '';
  readonly gaps: Gap[] = [];
  /** Everything worth a glance, in order. */
  readonly told: { at: number; text: string }[] = [];

  constructor(client: RackClient) {
    this.client = client;
    const { snapshot } = client.welcome;
    this.bus = snapshot.bus;
    this.console = snapshot.console;
    for (const node of snapshot.nodes) this.nodes.set(node.addr, node);
    if (!['ready', 'paused', 'starting'].includes(this.bus.state))
      this.#tell(`Bus ${this.bus.state}: ${this.bus.detail}`);
    for (const node of snapshot.nodes)
      if (node.reading.state === 'failed') this.#tell(`the node's cell: ${shownPower(node.reading)}`);
    for (const operation of snapshot.operations) this.operations.set(operation.id, operation);
    client.on('update', (update) => {
      if (update.bus) this.#busIs(update.bus);
      for (const node of update.nodes ?? []) this.#nodeIs(node);
      if (update.console !== undefined) this.console = update.console;
    });
    client.on('event', ({ level, text }) => {
      if (level === 'warning' || level === 'alarm') this.#tell(text);
    });
    client.on('operation', (operation) => this.#operationIs(operation));
    client.on('plan', (run) => {
      if (run.state !== this.plan?.state && run.state !== 'running') this.#tell(`plan ${run.state}: ${run.detail}`);
      this.plan = run;
    });
    // Behind a loss of power the server takes back the modes of the program that is gone: no word of the node's.
    client.on('console.data', ({ data }) => this.#hear(Buffer.from(data, 'base64').toString('latin1')));
    client.on('console.note', ({ kind, text }) => {
      const seconds = /^gap of ([\d.]+) s/.exec(text)?.[1];
      const now = Date.now();
      if (seconds !== undefined) this.gaps.push({ from: now - Number(seconds) * 1_000, to: now });
      if (kind !== 'resized') this.#tell(`console: ${text.replace(/^gap of [\d.]+ s/, 'gap')}`);
    });
  }

  /** From now on only what the console shows then counts. */
  attend(): void {
    this.heard = '';
    this.#seam = '';
    this.gaps.length = 0;
  }

  /** The first thing told after `since` (epoch ms), or null. */
  firstAfter(since: number): { at: number; text: string } | null {
    return this.told.find(({ at }) => at >= since) ?? null;
  }

  type(addr: number, text: string): void {
    this.client.note('console.input', {
      addr,
      data: Buffer.from(text, 'latin1').toString('base64'),
      at: this.client.now(),
    });
  }

  #hear(text: string): void {
    this.heardAt = Date.now();
    const joined = this.#seam + text;
    const cleaned = joined.replaceAll(RESET, '');
    if (cleaned === joined) this.heard += text;
    else this.heard = this.heard.slice(0, this.heard.length - this.#seam.length) + cleaned;
    this.#seam = cleaned.slice(1 - RESET.length);
  }

  #tell(text: string): void {
    this.told.push({ at: Date.now(), text });
  }

  #busIs(bus: Snapshot['bus']): void {
    const before = this.bus;
    this.bus = bus;
    if (bus.recovery !== null && bus.recovery.step !== before.recovery?.step) this.#tell(`Bus: ${bus.recovery.text}`);
    else if (bus.state !== before.state && !['ready', 'paused'].includes(bus.state))
      this.#tell(`Bus ${bus.state}: ${bus.detail}`);
  }

  #nodeIs(node: NodeState): void {
    const before = this.nodes.get(node.addr);
    this.nodes.set(node.addr, node);
    const [was, is] = [before, node].map((one) => (one ? shownPower(one.reading) : 'unknown'));
    if (was !== is && is !== 'on') this.#tell(`the node's cell: ${is ?? ''}`);
  }

  #operationIs(operation: Operation): void {
    const before = this.operations.get(operation.id);
    this.operations.set(operation.id, operation);
    for (const node of operation.nodes) {
      const was = before?.nodes.find(({ addr }) => addr === node.addr);
      if (node.question && !was?.question) this.#tell(`question: ${node.question.text}`);
      else if (node.outcome !== null && node.outcome !== was?.outcome) this.#tell(`${node.outcome}: ${node.detail}`);
    }
  }
}
