/**
 * Raises alarms from console lines: panics, oopses and the configured triggers. They last until the node restarts.
 * A node's text is not verified, and the messages mention that.
 */
import type { EventRecord } from '../../api/methods.ts';
import type { TriggerConfig } from '../../config/schema.ts';
import { compilePattern } from '../../config/value-types.ts';
import { BUILT_IN, isLogin, readTriggers, type Trigger } from '../../console/line-patterns.ts';
import type { Address } from '../../rack/address.ts';
import type { Inventory } from '../../rack/inventory.ts';
import { select } from '../../rack/selectors.ts';

/**
 * Time in which the same trigger on the same node adds one event, ms: a loop of messages must not fill the event
 * log.
 */
const QUIET_MS = 60_000;
/** Most characters of the line that an event quotes. */
const QUOTE = 120;

export interface LineAlarmPorts {
  now: () => number;
  inventory(): Inventory;
  label: (addr: Address) => string;
  event: (level: EventRecord['level'], addr: Address, text: string) => void;
  /** Raises the alarm of a node with this text; null clears it. */
  set: (addr: Address, text: string | null) => void;
}

export class LineAlarms {
  readonly #triggers: () => readonly TriggerConfig[];
  readonly #ports: LineAlarmPorts;
  readonly #ofNode = new Map<Address, Trigger[]>();
  readonly #standing = new Map<Address, Set<string>>();
  readonly #reportedAt = new Map<string, number>();
  /** Nodes that boot, with the triggers that were raised in this boot. */
  readonly #booting = new Map<Address, Set<string>>();

  constructor(triggers: () => readonly TriggerConfig[], ports: LineAlarmPorts) {
    this.#triggers = triggers;
    this.#ports = ports;
  }

  /** Reads triggers and nodes again after they changed. */
  reread(): void {
    this.#ofNode.clear();
  }

  /** Checks a complete line of the node's console. */
  line(addr: Address, text: string): void {
    const { raised, starts } = readTriggers(text, this.#triggersOf(addr));
    if (starts) {
      this.over(addr);
      this.#booting.set(addr, new Set());
    }
    const seen = this.#booting.get(addr);
    if (isLogin(text)) this.#booting.delete(addr);
    for (const trigger of raised) {
      if (trigger.boot === true && (seen === undefined || seen.has(trigger.name))) continue;
      seen?.add(trigger.name);
      this.#raise(addr, trigger, text);
    }
  }

  /** Clears the node's alarm: its power changed, or it restarted. */
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
    if (now() - (this.#reportedAt.get(key) ?? -Infinity) < QUIET_MS) return;
    this.#reportedAt.set(key, now());
    event(level, addr, `${label(addr)}: ${name} on its console: ${text.trim().slice(0, QUOTE)}`);
  }

  /** Caches the result: selectors are evaluated once for each node. In a discovered rack all nodes appear at once. */
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
    const { name, level, boot } = trigger;
    return [{ name, level, boot, matches: (line) => pattern.find(line) !== null }];
  }
}
