/** The event log: events of the rack, the bus and the server, for operators. A ring in memory, lines on disk. */
import type { EventRecord } from '../api/methods.ts';
import { wallTime } from '../lib/clock.ts';
import { replaceHidden } from '../lib/control-chars.ts';
import type { Address } from '../rack/address.ts';

/** Events kept in memory for clients. */
const KEPT = 1000;
/** Time in which the same event is counted instead of logged again, ms: an error that repeats must not fill a disk. */
const REPEAT_MS = 60_000;
/** Distinct events remembered for that; the oldest is dropped. */
const REMEMBERED = 256;

export interface EventPorts {
  now(): number;
  /** Writes one JSON line, with its newline. */
  write(line: string): void;
  publish(event: EventRecord): void;
}

export type EventTopic = 'bus' | 'power' | 'console' | 'node' | 'server' | 'session' | 'supply';

export class EventLog {
  readonly #ports: EventPorts;
  readonly #ring: EventRecord[] = [];
  readonly #recent = new Map<string, { at: number; unsaid: number }>();
  #seq = 0;

  constructor(ports: EventPorts) {
    this.#ports = ports;
  }

  /**
   * Logs an event, or counts it when the same text was logged in the last minute; the next event with this text
   * shows the count. `key` identifies the event where the text holds changing numbers.
   */
  add(level: EventRecord['level'], topic: EventTopic, addr: Address | null, text: string, key = text): void {
    const at = this.#ports.now();
    const id = `${topic} ${String(addr)} ${key}`;
    const before = this.#recent.get(id);
    if (before && at - before.at < REPEAT_MS && isRepeating(level)) {
      before.unsaid++;
      return;
    }
    this.#recent.delete(id);
    this.#recent.set(id, { at, unsaid: 0 });
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= REMEMBERED) break;
      this.#recent.delete(oldest);
    }
    const unsaid = before?.unsaid ?? 0;
    // The text may quote a node.
    const shown = replaceHidden(text);
    const event: EventRecord = {
      seq: ++this.#seq,
      at,
      level,
      topic,
      addr,
      text: unsaid > 0 ? `${shown} (and ${unsaid === 1 ? 'once' : `${unsaid} times`} before)` : shown,
    };
    this.#ring.push(event);
    if (this.#ring.length > KEPT) this.#ring.shift();
    this.#ports.write(`${JSON.stringify({ ...event, at: wallTime(at) })}\n`);
    this.#ports.publish(event);
  }

  /** Returns the latest `limit` events, oldest first. */
  latest(limit: number): EventRecord[] {
    return limit > 0 ? this.#ring.slice(-limit) : [];
  }
}

/**
 * Returns whether repeats are counted: alarms and operators' actions are logged every time; errors repeat
 * themselves.
 */
function isRepeating(level: EventRecord['level']): boolean {
  return level === 'warning';
}
