/** Operations that this session itself began: their command tells of them, so that their events are no news. Pure. */
import type { Operation } from '../../api/power.ts';
import type { EventRecord } from '../../api/protocol.ts';

export class OwnOperations {
  /** As operations say who asked: the user, and perhaps from where. */
  readonly #user: string;
  /** The command that runs, if it is one of power. */
  #word: string | null = null;
  readonly #own = new Map<string, Operation>();

  constructor(user: string) {
    this.#user = user;
  }

  /** From now on what begins is the command's; null: it has ended. */
  running(word: string | null): void {
    this.#word = word;
  }

  hear(operation: Operation): void {
    const { id, verb, by } = operation;
    const begun = this.#word !== null && (verb === this.#word || verb === `force-${this.#word}`);
    if (this.#own.has(id) || (begun && operation.endedAt === null && by.split(' ')[0] === this.#user))
      this.#own.set(id, operation);
  }

  /** What the command has told: that it began, and what became of its nodes. */
  tells({ topic, addr, at, level, text }: EventRecord): boolean {
    if (topic !== 'power' || level === 'alarm') return false;
    return [...this.#own.values()].some(({ id, startedAt, endedAt, nodes }) =>
      addr === null
        ? text.endsWith(`(operation ${id})`)
        : nodes.some((node) => node.addr === addr) && at >= startedAt && at <= (endedAt ?? Infinity),
    );
  }
}
