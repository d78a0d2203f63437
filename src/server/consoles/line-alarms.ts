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
/** Time from a boot's first match after which it is reported, although the boot has not ended, ms. */
const BOOT_MS = 60_000;
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

/** What a trigger has matched in the boot of a node. */
interface BootMatch {
  trigger: Trigger;
  first: string;
  count: number;
  /** Makes the report; null: it was made. */
  timer: NodeJS.Timeout | null;
}

export class LineAlarms {
  readonly #triggers: () => readonly TriggerConfig[];
  readonly #ports: LineAlarmPorts;
  readonly #ofNode = new Map<Address, Trigger[]>();
  readonly #standing = new Map<Address, Set<string>>();
  readonly #reportedAt = new Map<string, number>();
  /** Nodes that boot, with what the triggers for boots have matched so far, by their names. */
  readonly #booting = new Map<Address, Map<string, BootMatch>>();

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
      this.#booting.set(addr, new Map());
    }
    for (const trigger of raised)
      if (trigger.boot === true) this.#matchedInBoot(addr, trigger, text);
      else this.#raise(addr, trigger, text);
    if (isLogin(text)) this.#endBoot(addr);
  }

  /** Clears the node's alarm and ends its boot: its power changed, or it restarted. */
  over(addr: Address): void {
    this.#endBoot(addr);
    if (this.#standing.delete(addr)) this.#ports.set(addr, null);
  }

  /** Counts a match; the first one of a boot sets the alarm, and the time of the report. */
  #matchedInBoot(addr: Address, trigger: Trigger, text: string): void {
    const matches = this.#booting.get(addr);
    if (matches === undefined) return;
    const known = matches.get(trigger.name);
    if (known !== undefined) {
      known.count++;
      return;
    }
    this.#stand(addr, trigger);
    const match: BootMatch = { trigger, first: text, count: 1, timer: null };
    match.timer = setTimeout(() => this.#reportBoot(addr, match), BOOT_MS).unref();
    matches.set(trigger.name, match);
  }

  #endBoot(addr: Address): void {
    for (const match of this.#booting.get(addr)?.values() ?? []) this.#reportBoot(addr, match);
    this.#booting.delete(addr);
  }

  /** Adds the one event of a trigger and a boot. */
  #reportBoot(addr: Address, match: BootMatch): void {
    if (match.timer === null) return;
    clearTimeout(match.timer);
    match.timer = null;
    const { count, first, trigger } = match;
    this.#event(addr, trigger, count === 1 ? first : `${count} lines in this boot, the first: ${first.trim()}`);
  }

  #raise(addr: Address, trigger: Trigger, text: string): void {
    const { now } = this.#ports;
    this.#stand(addr, trigger);
    const key = `${addr} ${trigger.name}`;
    if (now() - (this.#reportedAt.get(key) ?? -Infinity) < QUIET_MS) return;
    this.#reportedAt.set(key, now());
    this.#event(addr, trigger, text);
  }

  /** Raises the node's alarm for a trigger of that level. */
  #stand(addr: Address, { name, level }: Trigger): void {
    if (level !== 'alarm') return;
    const standing = this.#standing.get(addr) ?? new Set();
    const fresh = !standing.has(name);
    this.#standing.set(addr, standing.add(name));
    if (fresh) this.#ports.set(addr, `${[...standing].join(', ')} on its console`);
  }

  #event(addr: Address, { name, level }: Trigger, text: string): void {
    const { event, label } = this.#ports;
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
