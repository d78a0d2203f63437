/**
 * Identifies the board in each slot: the UID in the reply to `#` is a second identity beside the address. It is
 * read when a BMC answers for the first time or again, because the board may have been changed; another UID raises
 * an alarm. `boards.json` in the state directory keeps the UIDs.
 */
import * as z from 'zod';
import { type Bus, PRIORITY } from '../../bmc/types.ts';
import { StateFile } from '../../lib/json-file.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { byAddress } from '../learned-store.ts';

const fileShape = byAddress(z.object({ uid: z.string().min(1).max(80) }));
/** The line has no checksum: a UID counts when it was read this many times the same, out of this many. */
const AGREE = 2;
const READS = 4;

export interface BoardPorts {
  stateDir: string;
  /** Returns the UID that the configuration names, or null. */
  configured: (addr: Address) => string | null;
  /** Called with a UID that was read consistently. */
  read: (addr: Address, uid: string) => void;
  /** Returns whether the last status reply was valid. */
  answers(addr: Address): boolean;
  /** Raises an alarm if the board differs from the configured or the earlier one; null clears it. */
  alarm: (kind: 'board' | 'board-changed', addr: Address, text: string | null) => void;
  warn(text: string): void;
}

export class Boards {
  readonly #bus: Pick<Bus, 'uid'>;
  readonly #ports: BoardPorts;
  readonly #file: StateFile<z.infer<typeof fileShape>>;
  readonly #known: z.infer<typeof fileShape>;
  readonly #due = new Set<Address>();

  constructor(bus: Pick<Bus, 'uid'>, ports: BoardPorts) {
    this.#bus = bus;
    this.#ports = ports;
    this.#file = new StateFile(ports.stateDir, 'boards.json', fileShape, (text) => ports.warn(text));
    this.#known = this.#file.read() ?? {};
  }

  /** Returns the last UID read in this slot, also by an earlier server; null: none. */
  get(addr: Address): string | null {
    return this.#known[formatAddress(addr)]?.uid ?? null;
  }

  /** Marks a slot whose BMC answers (again) for identification: it may be another's. */
  suspect(addr: Address): void {
    this.#due.add(addr);
  }

  /** Identifies the boards that are due, while `free()`. */
  async identify(free: () => boolean): Promise<void> {
    for (const addr of this.#due) {
      if (!free()) return;
      const read = await this.#read(addr);
      // A node that fell silent is asked when it answers again; where the bus or a console was in the way, at the
      // next turn.
      if (read !== 'unread' || !this.#ports.answers(addr)) this.#due.delete(addr);
      if (read !== 'unread' && read.uid !== null) this.#take(addr, read.uid);
    }
  }

  /** Reads the UID; null: the BMC reports none, or never the same twice. */
  async #read(addr: Address): Promise<{ uid: string | null } | 'unread'> {
    const seen = new Map<string, number>();
    for (let reads = 0; reads < READS; reads++) {
      const outcome = await this.#bus.uid(addr, PRIORITY.sweep);
      if (!outcome.ok) return 'unread';
      if (outcome.uid === null) return { uid: null };
      const times = (seen.get(outcome.uid) ?? 0) + 1;
      if (times >= AGREE || (reads === 0 && outcome.uid === this.get(addr))) return { uid: outcome.uid };
      seen.set(outcome.uid, times);
    }
    return { uid: null };
  }

  #take(addr: Address, uid: string): void {
    const { configured, read, alarm } = this.#ports;
    const before = this.get(addr);
    const wanted = configured(addr);
    const from = Object.entries(this.#known).find(
      ([at, known]) => at !== formatAddress(addr) && known.uid === uid,
    )?.[0];
    const moved = from === undefined ? '' : `; that board was in ${formatPosition(Number.parseInt(from, 16))} before`;
    if (before !== uid) {
      this.#known[formatAddress(addr)] = { uid };
      this.#file.write(this.#known);
    }
    read(addr, uid);
    if (wanted !== null && wanted !== uid.toLowerCase())
      alarm('board', addr, `has another board than configured: its BMC's UID is ${uid}, not ${wanted}${moved}`);
    else if (wanted !== null) alarm('board', addr, null);
    else if (before !== null && before !== uid)
      alarm('board-changed', addr, `has another board in its slot: its BMC's UID was ${before} and is ${uid}${moved}`);
  }
}
