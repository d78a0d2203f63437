/**
 * Keeps the state of every node's operating system, from the signs of consoles, operations and BMCs; sets the map's
 * condition, alarms and events. States other than up are stored in `systems.json` for the next server.
 */
import * as z from 'zod';
import type { Config } from '../../config/schema.ts';
import { Recognizer, type Recognition } from '../../console/recognizer.ts';
import { keepTime, type KeptTime, recallTime } from '../../lib/clock.ts';
import type { SystemPort } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import type { Reading } from '../../rack/reading.ts';
import {
  isDown,
  nextSystem,
  systemAt,
  type SystemLimits,
  type SystemSign,
  type SystemState,
  UNKNOWN_SYSTEM,
} from '../../rack/system-state.ts';
import type { EventLog } from '../events.ts';
import { type MemoryOptions, NodeMemory } from '../learned-store.ts';
import type { AlarmService } from './alarms.ts';

/** Shorter runs of printable characters are noise of a UART that loses its clock, not output of a system. */
const SPEECH = /[\x20-\x7e]{3}/;
/**
 * Time without a reading of its power after which a node may have lost it and restarted, ms: pulling a blade and
 * pushing it in again takes less.
 */
const UNWATCHED_MS = 30_000;
/** While a node is down and has power, the interval of storing that it was seen so, ms. */
const KEEP_MS = 10_000;
/** Partition number that makes the Pi's boot loader halt. */
const HALT_PARTITION = '63';

export interface SystemStatesPorts extends MemoryOptions {
  now(): number;
  limits(): Pick<Config, 'shutdown' | 'boot'>;
  /** Returns name, position and address, for display. */
  label(addr: Address): string;
  /** Returns the id of the operation that runs on a node, or null. */
  operationOn(addr: Address): string | null;
  events: Pick<EventLog, 'add'>;
  alarms: Pick<AlarmService, 'set'>;
  nodeChanged(addr: Address): void;
}

export class SystemStates implements SystemPort {
  readonly #ports: SystemStatesPorts;
  readonly #memory: NodeMemory<KeptState>;
  readonly #states = new Map<Address, SystemState>();
  readonly #readers = new Map<Address, Recognizer>();
  /** Time of each BMC's last `on`. */
  readonly #onAt = new Map<Address, number>();
  /** Time of the last write for nodes that are down, and known to be in this power-on. */
  readonly #keptAt = new Map<Address, number>();

  constructor(ports: SystemStatesPorts) {
    this.#ports = ports;
    this.#memory = new NodeMemory('systems.json', shape, ports);
  }

  get #limits(): SystemLimits {
    const { shutdown, boot } = this.#ports.limits();
    return {
      unheard: (shutdown.request + shutdown.acknowledged) * 1000,
      stopping: shutdown.hard * 1000,
      boot: boot.limit * 1000,
    };
  }

  get(addr: Address): SystemState {
    return systemAt(this.#state(addr), this.#ports.now(), this.#limits);
  }

  sign(addr: Address, kind: SystemSign['kind'], text: string): void {
    const before = this.#state(addr);
    const after = nextSystem(before, { kind, at: this.#ports.now(), text }, this.#limits);
    if (after === before) return;
    this.#states.set(addr, after);
    if (after.system === before.system && after.confirmed === before.confirmed && after.asked === before.asked) return;
    this.#keep(addr);
    this.#ports.nodeChanged(addr);
    if (after.system !== before.system) this.#announce(addr, after);
    this.updateAlarms(addr);
  }

  /** Applies a reading of the BMC. Without power there is no system, whatever was known of it. */
  read(addr: Address, reading: Reading): void {
    if (reading.state !== 'ok') return;
    const now = this.#ports.now();
    const seenAt = Math.max(this.#onAt.get(addr) ?? now, this.#state(addr).heardAt);
    if (now - seenAt > UNWATCHED_MS) this.unwatched(addr);
    if (reading.sample.power === 'on') this.#onAt.set(addr, now);
    if (now - (this.#keptAt.get(addr) ?? now) >= KEEP_MS) this.#keep(addr);
    if (reading.sample.power !== 'on') this.sign(addr, 'power-off', `its BMC reports ${reading.sample.power}`);
    // The state from an earlier server is reported once the node is known to have power.
    else if (!this.#states.has(addr) || this.#state(addr).system === 'going-down') this.updateAlarms(addr);
  }

  unwatched(addr: Address): void {
    const state = this.#state(addr);
    if (state.recalled || !isDown(state)) return;
    this.#states.set(addr, { ...state, recalled: true });
    this.#keep(addr);
  }

  /** Reads console output, in pieces as they arrive. */
  onOutput(addr: Address, text: string): void {
    for (const recognition of this.#reader(addr).feed(text, this.#ports.now())) this.#recognised(addr, recognition);
  }

  /** Checks an unfinished line as time passes: it may be a prompt, or a last line. */
  tick(addr: Address, at = this.#ports.now()): void {
    for (const recognition of this.#reader(addr).tick(at)) this.#recognised(addr, recognition);
  }

  /** Ends the current line after the console was closed or output was lost: what comes next does not continue it. */
  torn(addr: Address): void {
    if (this.#readers.has(addr)) this.tick(addr, Infinity);
    this.#readers.delete(addr);
  }

  /** Raises or clears the node's alarms. Must be called, too, when an operation on the node begins or ends. */
  updateAlarms(addr: Address): void {
    const { alarms } = this.#ports;
    const state = this.#state(addr);
    const { unheard, stopping } = this.#limits;
    // A node that goes down may be restarting as its user asked: it stays powered when its time is over.
    const overAt = state.system === 'going-down' ? state.heardAt + (state.confirmed ? stopping : unheard) : -Infinity;
    const left = isDown(state) && this.#ports.now() >= overAt && this.#ports.operationOn(addr) === null;
    alarms.set('halted', addr, left ? describe(state) : null, 'quiet');
    alarms.set('system-failed', addr, state.system === 'failed' ? describe(state) : null, 'quiet');
  }

  #state(addr: Address): SystemState {
    let state = this.#states.get(addr);
    if (!state) {
      const kept = this.#memory.get(addr);
      // An earlier `up` may be outdated; an earlier `down` holds until the system shows life.
      state = kept !== null && (isDown(kept) || kept.system === 'failed') ? this.#recall(addr, kept) : UNKNOWN_SYSTEM;
      this.#states.set(addr, state);
    }
    return state;
  }

  /**
   * Restores a stored state. If this machine was booted since, its age is unknown and the limits restart; a node
   * that an earlier server saw a moment ago is still in the same power-on.
   */
  #recall(addr: Address, { since, heardAt, seenAt, ...kept }: KeptState): SystemState {
    const now = this.#ports.now();
    const seen = seenAt === undefined ? null : recallTime(seenAt);
    const recalled = seen === null || now - seen > UNWATCHED_MS;
    if (!recalled) {
      this.#onAt.set(addr, seen);
      this.#keptAt.set(addr, seen);
    }
    return { ...kept, recalled, since: recallTime(since) ?? now, heardAt: recallTime(heardAt) ?? now };
  }

  #keep(addr: Address): void {
    const { recalled, ...state } = this.#state(addr);
    const { since, heardAt } = state;
    const times = { since: keepTime(since), heardAt: keepTime(heardAt) };
    if (recalled || !isDown(state)) {
      this.#keptAt.delete(addr);
      this.#memory.set(addr, { ...state, ...times });
      return;
    }
    this.#keptAt.set(addr, this.#ports.now());
    const seenAt = keepTime(Math.max(this.#onAt.get(addr) ?? heardAt, heardAt));
    this.#memory.set(addr, { ...state, ...times, seenAt });
  }

  #reader(addr: Address): Recognizer {
    let reader = this.#readers.get(addr);
    if (!reader) {
      reader = new Recognizer();
      // A user may shut the node down at any time: its last line counts, whichever client requested it.
      reader.requested();
      this.#readers.set(addr, reader);
    }
    return reader;
  }

  #recognised(addr: Address, recognition: Recognition): void {
    const kind = signOf(recognition);
    // After a prompt the machine may restart: lines read before it do not count against later ones.
    if (kind === 'login' || kind === 'shell' || kind === 'boot') this.#readers.delete(addr);
    if (kind !== null) this.sign(addr, kind, recognition.text);
  }

  #announce(addr: Address, state: SystemState): void {
    const { events } = this.#ports;
    const who = this.#ports.label(addr);
    switch (state.system) {
      case 'halted':
        events.add('warning', 'node', addr, `${who} has halted and still has power: it ${state.why}`);
        return;
      case 'failed':
        events.add('alarm', 'node', addr, `${who} is not up: it ${state.why}; check its console`);
        return;
      case 'going-down':
        events.add('notice', 'node', addr, `${who} is shutting down: it ${state.why}`);
        return;
      case 'up':
        events.add('info', 'node', addr, `${who} is up: it ${state.why}`);
        return;
      case 'booting':
      case 'unknown':
        return;
    }
  }
}

interface KeptState extends Omit<SystemState, 'since' | 'heardAt' | 'recalled'> {
  since: KeptTime;
  heardAt: KeptTime;
  /** Time at which it was last seen with power, in the power-on in which it went down; absent: not known. */
  seenAt?: KeptTime | undefined;
}

const time = z.object({ boot: z.string().nullable(), up: z.number(), wall: z.number() });
const shape: z.ZodType<KeptState & { name: string }> = z.object({
  name: z.string(),
  system: z.enum(['unknown', 'booting', 'up', 'going-down', 'halted', 'failed']),
  since: time,
  heardAt: time,
  seenAt: time.optional(),
  why: z.string(),
  asked: z.boolean(),
  confirmed: z.boolean(),
});

function describe({ system, why }: SystemState): string {
  switch (system) {
    case 'halted':
      return `has halted and still has power: it ${why}; 'on' power-cycles it`;
    case 'going-down':
      return `has halted or is shutting down, and still has power: it ${why}; 'on' checks it and brings it up again`;
    default:
      return `is on, and its system is not up: it ${why}; check its console`;
  }
}

function signOf(recognition: Recognition): SystemSign['kind'] | null {
  const { kind, text } = recognition;
  switch (kind) {
    case 'halt':
      return 'halt';
    case 'reboot':
      return 'restart';
    case 'final':
    case 'wait':
    case 'target':
    case 'acknowledged':
      return 'stopping';
    case 'boot':
    case 'uboot':
      return 'boot';
    case 'firmware':
      return recognition.word === undefined || recognition.word === HALT_PARTITION ? 'firmware' : 'boot';
    case 'panic':
    case 'emergency':
    case 'initramfs':
    case 'initramfs-shell':
    case 'uboot-shell':
      return 'failed';
    case 'inhibited':
      return 'refused';
    case 'denied':
      return /not in the sudoers|a password is required|nteractive authentication/.test(text) ? 'refused' : 'speech';
    case 'login':
    case 'shell':
      return kind;
    default:
      return SPEECH.test(text) ? 'speech' : null;
  }
}
