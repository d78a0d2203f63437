/**
 * Gives alarms and events to the configured hooks. Messages that come together go out as one; what fails is an alarm
 * and is tried again, with what came meanwhile.
 */
import type { MessageHook } from '../../config/schema.ts';
import { wallTime } from '../../lib/clock.ts';
import { describeFailure, runProgram } from '../../lib/subprocess.ts';
import type { Inventory } from '../../rack/inventory.ts';
import type { ChangeEvents, Changes } from '../changes.ts';
import { alarmMessage, argumentsFor, environmentFor, eventMessage, fieldsOf, isFor, type Message } from './message.ts';

/** Time for which messages are gathered before they go out together, ms: a bus that fails takes all nodes with it. */
const GATHER_MS = 2_000;
/** Time to the next try after a failure, ms. */
const RETRY_MS = 30_000;
/** Most messages that wait for one hook; the oldest are given up, and counted. */
const MOST_WAITING = 200;
/** Time for which the end of the server waits for the last messages, ms. */
const LAST_MS = 5_000;

export interface MessagesPorts {
  inventory(): Inventory;
  changes: Changes;
  /** Raises the alarm with this predicate of a sentence about the server; null clears it. */
  alarm(text: string | null): void;
}

export class Messages {
  readonly #ports: MessagesPorts;
  readonly #queues: readonly HookQueue[];
  /** True while the alarm about failed messages changes: no message is made of it, for it would fail too. */
  #reporting = false;
  readonly #onAlarm: (...values: ChangeEvents['alarm']) => void;
  readonly #onEvent: (...values: ChangeEvents['event']) => void;

  constructor(hooks: readonly MessageHook[], ports: MessagesPorts) {
    this.#ports = ports;
    this.#queues = hooks.map(
      (hook) =>
        new HookQueue(
          hook,
          () => ports.inventory(),
          () => this.#report(),
        ),
    );
    this.#onAlarm = (alarm) => this.#send(alarmMessage(alarm, ports.inventory()));
    this.#onEvent = (event) => this.#send(eventMessage(event));
    ports.changes.on('alarm', this.#onAlarm);
    ports.changes.on('event', this.#onEvent);
  }

  /** Sends what waits, within a few seconds. */
  async close(): Promise<void> {
    this.#ports.changes.off('alarm', this.#onAlarm);
    this.#ports.changes.off('event', this.#onEvent);
    await Promise.all(this.#queues.map((queue) => queue.close()));
  }

  #send(message: Message): void {
    if (this.#reporting) return;
    for (const queue of this.#queues) if (isFor(queue.hook, message, this.#ports.inventory())) queue.add(message);
  }

  #report(): void {
    const failures = this.#queues.map(({ failure }) => failure).filter((failure) => failure !== null);
    this.#reporting = true;
    this.#ports.alarm(failures.length === 0 ? null : `cannot send its messages: ${failures.join('; ')}`);
    this.#reporting = false;
  }
}

/** The messages that wait for one hook. Its program runs once at a time. */
class HookQueue {
  readonly hook: MessageHook;
  /** Why the last try failed; null: it did not. */
  failure: string | null = null;
  readonly #inventory: () => Inventory;
  readonly #ended: () => void;
  readonly #abort = new AbortController();
  #waiting: Message[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #running: Promise<void> | null = null;

  constructor(hook: MessageHook, inventory: () => Inventory, ended: () => void) {
    this.hook = hook;
    this.#inventory = inventory;
    this.#ended = ended;
  }

  add(message: Message): void {
    this.#waiting.push(message);
    this.#limit();
    this.#schedule(GATHER_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const limit = setTimeout(() => this.#abort.abort(), LAST_MS);
    await this.#running;
    if (this.#waiting.length > 0 && this.failure === null) await this.#run();
    clearTimeout(limit);
  }

  #schedule(ms: number): void {
    if (this.#closed || this.#running !== null) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = null;
        if (this.#waiting.length > 0) this.#schedule(this.failure === null ? GATHER_MS : RETRY_MS);
      });
    }, ms);
  }

  async #run(): Promise<void> {
    const messages = this.#waiting;
    const dropped = this.#dropped;
    this.#waiting = [];
    this.#dropped = 0;
    const fields = fieldsOf(messages, dropped, { inventory: this.#inventory(), wallTime });
    const argv = argumentsFor(this.hook.run, fields);
    const environment = environmentFor(fields, process.env);
    const { why, output } = await runProgram(argv, this.hook.limit, this.#abort.signal, { environment });
    if (why !== '') {
      this.#waiting = [...messages, ...this.#waiting];
      this.#dropped += dropped;
      this.#limit();
    }
    this.failure = why === '' ? null : describeFailure(argv, { why, output });
    this.#ended();
  }

  #limit(): void {
    const over = this.#waiting.length - MOST_WAITING;
    if (over <= 0) return;
    this.#waiting.splice(0, over);
    this.#dropped += over;
  }
}
