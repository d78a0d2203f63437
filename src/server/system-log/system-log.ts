/**
 * Writes events and audit entries to the journal or to syslog, one after another, by util-linux's `logger`: both want
 * datagrams to a socket in the file system, which Node cannot send.
 */
import { access } from 'node:fs/promises';
import type { EventRecord } from '../../api/methods.ts';
import type { SystemLogConfig } from '../../config/reporting-schema.ts';
import { wallTime } from '../../lib/clock.ts';
import { count } from '../../lib/words.ts';
import { runProgram } from '../../lib/subprocess.ts';
import type { Inventory } from '../../rack/inventory.ts';
import type { ChangeEvents, Changes } from '../changes.ts';
import { auditEntry, commandFor, eventEntry, isWritten, type SystemLogEntry } from './entry.ts';

/** Time limit for one entry, s. */
const LIMIT_S = 10;
/** Time to the next try after a failure, ms. */
const RETRY_MS = 5_000;
/** Most entries that wait; the oldest are given up, and counted. */
const MOST_WAITING = 1000;
/** Time for which the end of the server waits for the last entries, ms. */
const LAST_MS = 3_000;
/** Without it `logger --journald` loses the entry and reports success. */
const JOURNAL_SOCKET = '/run/systemd/journal/socket';

export interface SystemLogPorts {
  inventory(): Inventory;
  changes: Changes;
  /** Events from before this log began. */
  earlier: readonly EventRecord[];
  /** Raises the alarm with this predicate of a sentence about the server; null clears it. */
  alarm(text: string | null): void;
}

export class SystemLog {
  readonly #config: SystemLogConfig;
  readonly #ports: SystemLogPorts;
  readonly #abort = new AbortController();
  readonly #onEvent: (...values: ChangeEvents['event']) => void;
  readonly #onAudit: (...values: ChangeEvents['audit']) => void;
  #waiting: SystemLogEntry[] = [];
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | null = null;
  #closed = false;

  constructor(config: SystemLogConfig, ports: SystemLogPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#onEvent = (event) => {
      if (isWritten(event, config)) this.#add(eventEntry(event, this.#place()));
    };
    this.#onAudit = (entry) => {
      if (config.audit) this.#add(auditEntry(entry, this.#place()));
    };
    ports.earlier.forEach(this.#onEvent);
    ports.changes.on('event', this.#onEvent);
    ports.changes.on('audit', this.#onAudit);
  }

  /** Writes what waits, within a few seconds. */
  async close(): Promise<void> {
    this.#ports.changes.off('event', this.#onEvent);
    this.#ports.changes.off('audit', this.#onAudit);
    this.#closed = true;
    clearTimeout(this.#timer);
    const limit = setTimeout(() => this.#abort.abort(), LAST_MS);
    await this.#writing;
    clearTimeout(limit);
    this.#ports.alarm(null);
  }

  #place(): { inventory: Inventory; wallTime: (at: number) => number } {
    return { inventory: this.#ports.inventory(), wallTime };
  }

  #add(entry: SystemLogEntry): void {
    this.#waiting.push(entry);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift();
      this.#lost++;
    }
    this.#begin();
  }

  #begin(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
      if (this.#waiting.length > 0) this.#begin();
    });
  }

  /** Writes all that waits; after a failure the rest waits for the next try. */
  async #writeAll(): Promise<void> {
    for (;;) {
      const entry = this.#waiting[0];
      if (entry === undefined) return;
      const why = await this.#write(entry);
      if (why !== '') {
        this.#ports.alarm(`cannot write to the system's log: ${why}`);
        if (this.#closed) return;
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.#begin();
        }, RETRY_MS);
        return;
      }
      // The oldest may have been given up meanwhile.
      if (this.#waiting[0] === entry) this.#waiting.shift();
      this.#ports.alarm(null);
      if (this.#lost > 0) {
        const text = `${count(this.#lost, 'entry', 'entries')} could not be written; rackui events and audit.jsonl have them`;
        this.#lost = 0;
        this.#waiting.unshift({ text, level: 'warning', fields: { entry: 'event' } });
      }
    }
  }

  /** Resolves with '' when it is written, else with the reason. */
  async #write(entry: SystemLogEntry): Promise<string> {
    if (this.#config.to === 'journal') {
      const there = await access(JOURNAL_SOCKET).then(
        () => true,
        () => false,
      );
      if (!there) return `${JOURNAL_SOCKET} is missing: systemd-journald does not run`;
    }
    const { argv, input } = commandFor(entry, this.#config);
    const { why, output } = await runProgram(argv, LIMIT_S, this.#abort.signal, { input });
    return why === '' ? '' : `logger: ${why}${output.length === 0 ? '' : ` (${output.at(-1) ?? ''})`}`;
  }
}
