/**
 * Which board is in which slot: the UID that `#` tells is a second identity beside the address. It is asked for where a
 * board can have been changed, that is when a BMC answers for the first time or again, and another one is news.
 * `boards.json` in the state directory keeps what was read.
 */
import { z } from 'zod';
import { type Bus, PRIORITY } from '../../bmc/types.ts';
import { StateFile } from '../../lib/json-file.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { byAddress } from '../learned-store.ts';

const fileShape = byAddress(z.object({ uid: z.string().min(1).max(80) }));
/** The line has no checksum: a UID counts when it was read so many times the same, out of so many. */
const AGREE = 2;
const READS = 4;

export interface BoardPorts {
  stateDir: string;
  /** The UID that the configuration names, or null. */
  configured: (addr: Address) => string | null;
  /** The UID was read, and agrees with itself. */
  read: (addr: Address, uid: string) => void;
  /** Whether its last status reply was a good one. */
  answers(addr: Address): boolean;
  /** A sentence where there is another board than the configuration names, or than was read before; null: there is not. */
  alarm: (kind: 'board' | 'board-changed', addr: Address, text: string | null) => void;
  trouble(text: string): void;
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
    this.#file = new StateFile(ports.stateDir, 'boards.json', fileShape, (text) => ports.trouble(text));
    this.#known = this.#file.read() ?? {};
  }

  /** The last UID read in this slot, by whichever server; null: none. */
  get(addr: Address): string | null {
    return this.#known[formatAddress(addr)]?.uid ?? null;
  }

  /** The BMC there answers (again): it may be another's. */
  suspect(addr: Address): void {
    this.#due.add(addr);
  }

  /** Asks those that are due, while `free()`. */
  async identify(free: () => boolean): Promise<void> {
    for (const addr of this.#due) {
      if (!free()) return;
      const read = await this.#read(addr);
      // A node that fell silent is asked when it answers again; where bus or console were in the way, at the next turn.
      if (read !== 'unread' || !this.#ports.answers(addr)) this.#due.delete(addr);
      if (read !== 'unread' && read.uid !== null) this.#take(addr, read.uid);
    }
  }

  /** Null: its BMC tells none, or never the same twice. */
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
      alarm(
        'board',
        addr,
        `has another board than the configuration says: its BMC's UID is ${uid}, not ${wanted}${moved}`,
      );
    else if (wanted !== null) alarm('board', addr, null);
    else if (before !== null && before !== uid)
      alarm('board-changed', addr, `has another board in its slot: its BMC's UID was ${before} and is ${uid}${moved}`);
  }
}
