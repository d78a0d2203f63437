/**
 * Alarms from what passes on consoles: a panic, an oops, whatever the owner named. They stand until the node starts
 * anew. What a node prints is its own claim, and the words say so.
 */
import type { EventRecord } from '../../api/methods.ts';
import type { TriggerConfig } from '../../config/schema.ts';
import { compilePattern } from '../../config/value-types.ts';
import { BUILT_IN, readTriggers, type Trigger } from '../../console/line-patterns.ts';
import type { Address } from '../../rack/address.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { select } from '../../rack/selectors.ts';

/** The same trigger on the same node is told once in this time: a loop of messages must not fill the event log, ms. */
const QUIET_MS = 60_000;
/** What an event quotes of the line. */
const QUOTE = 120;

export interface LineAlarmPorts {
  now: () => number;
  inventory(): Inventory;
  label: (addr: Address) => string;
  event: (level: EventRecord['level'], addr: Address, text: string) => void;
  /** The alarm that stands on a node, in words; null: none. */
  set: (addr: Address, text: string | null) => void;
}

export class LineAlarms {
  readonly #triggers: () => readonly TriggerConfig[];
  readonly #ports: LineAlarmPorts;
  readonly #ofNode = new Map<Address, Trigger[]>();
  readonly #standing = new Map<Address, Set<string>>();
  readonly #toldAt = new Map<string, number>();

  constructor(triggers: () => readonly TriggerConfig[], ports: LineAlarmPorts) {
    this.#triggers = triggers;
    this.#ports = ports;
  }

  /** Triggers or nodes are others now. */
  reread(): void {
    this.#ofNode.clear();
  }

  /** A whole line of the node's console. */
  line(addr: Address, text: string): void {
    const { raised, starts } = readTriggers(text, this.#triggersOf(addr));
    if (starts) this.over(addr);
    for (const trigger of raised) this.#raise(addr, trigger, text);
  }

  /** Its power changed, or it starts anew. */
  over(addr: Address): void {
    if (this.#standing.delete(addr)) this.#ports.set(addr, null);
  }

  #raise(addr: Address, { name, level }: Trigger, text: string): void {
    const { now, event, label, set } = this.#ports;
    if (level === 'alarm') {
      const standing = this.#standing.get(addr) ?? new Set();
      const fresh = !standing.has(name);
      this.#standing.set(addr, standing.add(name));
      if (fresh) set(addr, `${[...standing].join(', ')} on its console`);
    }
    const key = `${addr} ${name}`;
    if (now() - (this.#toldAt.get(key) ?? -Infinity) < QUIET_MS) return;
    this.#toldAt.set(key, now());
    event(level, addr, `${label(addr)}: ${name} on its console: ${text.trim().slice(0, QUOTE)}`);
  }

  /** Remembered: the selectors are read once a node. A rack that is being discovered has all of them at once. */
  #triggersOf(addr: Address): Trigger[] {
    let triggers = this.#ofNode.get(addr);
    if (!triggers) this.#ofNode.set(addr, (triggers = this.#triggers().flatMap((one) => this.#read(one, addr))));
    return triggers;
  }

  #read(trigger: TriggerConfig, addr: Address): Trigger[] {
    if (typeof trigger === 'string') return [BUILT_IN[trigger]];
    const selection = select([trigger.nodes], this.#ports.inventory());
    if (!selection.ok || !selection.nodes.some((node) => node.addr === addr)) return [];
    const pattern = compilePattern(trigger.match);
    return [{ name: trigger.name, level: trigger.level, matches: (line) => pattern.find(line) !== null }];
  }
}
