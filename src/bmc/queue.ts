/** Who goes next on the bus: higher priority first, first come first within one. Pure. */
import type { Priority } from './types.ts';

export class PriorityQueue<T> {
  readonly #lanes = new Map<Priority, T[]>();

  push(priority: Priority, item: T): void {
    const lane = this.#lanes.get(priority);
    if (lane) lane.push(item);
    else this.#lanes.set(priority, [item]);
  }

  /** The next item, or null. */
  shift(): { priority: Priority; item: T } | null {
    const priority = this.top;
    if (priority === null) return null;
    const item = this.#lanes.get(priority)?.shift();
    return item === undefined ? null : { priority, item };
  }

  /** Priority of the next item, or null when nothing waits. */
  get top(): Priority | null {
    let top: Priority | null = null;
    for (const [priority, lane] of this.#lanes) if (lane.length > 0 && (top === null || priority > top)) top = priority;
    return top;
  }

  /** Removes and returns everything of one lane, oldest first. */
  drain(priority: Priority): T[] {
    return this.#lanes.get(priority)?.splice(0) ?? [];
  }
}
