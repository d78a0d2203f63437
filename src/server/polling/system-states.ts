/**
 * Keeps what is known of every node's operating system: signs from consoles, operations and BMCs go in; the map's
 * condition, an alarm and an event come out. What is not up is kept in `systems.json`, for the next server.
 */
import { z } from 'zod';
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

/** Shorter runs of printable characters are noise of a UART that loses its clock, not speech. */
const SPEECH = /[\x20-\x7e]{3}/;
/** A node whose power was not seen for longer may have lost it and come back, ms: a blade is pulled and pushed in less. */
const UNWATCHED_MS = 30_000;
/** While a node is down and has power, when it was last seen so is kept for the next server so often, ms. */
const KEEP_MS = 10_000;
/** The partition number by which the Pi's boot loader is told to halt. */
const HALT_PARTITION = '63';

export interface SystemStatesPorts extends MemoryOptions {
  now(): number;
  limits(): Pick<Config, 'shutdown' | 'boot'>;
  /** For people: name, position, address. */
  label(addr: Address): string;
  /** The operation that runs on a node, or null. */
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
  /** When each node's BMC last said `on`. */
  readonly #onAt = new Map<Address, number>();
  /** When nodes that are down, and known to be of this power-on, were kept last. */
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
    if (after.system !== before.system) this.#tell(addr, after);
    this.judge(addr);
  }

  /** What a node's BMC said. Without power there is no system, whatever was known of it. */
  read(addr: Address, reading: Reading): void {
    if (reading.state !== 'ok') return;
    const now = this.#ports.now();
    const seenAt = Math.max(this.#onAt.get(addr) ?? now, this.#state(addr).heardAt);
    if (now - seenAt > UNWATCHED_MS) this.unwatched(addr);
    if (reading.sample.power === 'on') this.#onAt.set(addr, now);
    if (now - (this.#keptAt.get(addr) ?? now) >= KEEP_MS) this.#keep(addr);
    if (reading.sample.power !== 'on') this.sign(addr, 'power-off', `its BMC says ${reading.sample.power}`);
    // An earlier server's word, told once it is known to be about a node with power.
    else if (!this.#states.has(addr) || this.#state(addr).system === 'going-down') this.judge(addr);
  }

  unwatched(addr: Address): void {
    const state = this.#state(addr);
    if (state.recalled || !isDown(state)) return;
    this.#states.set(addr, { ...state, recalled: true });
    this.#keep(addr);
  }

  /** What the node's console says; pieces as they come. */
  heard(addr: Address, text: string): void {
    for (const recognition of this.#reader(addr).feed(text, this.#ports.now())) this.#recognised(addr, recognition);
  }

  /** Time passes: an unfinished line may be a prompt, or a last line. */
  tick(addr: Address, at = this.#ports.now()): void {
    for (const recognition of this.#reader(addr).tick(at)) this.#recognised(addr, recognition);
  }

  /** The console was closed, or something of it was lost: what comes next is not the end of a line from before. */
  torn(addr: Address): void {
    if (this.#readers.has(addr)) this.tick(addr, Infinity);
    this.#readers.delete(addr);
  }

  /** Raises or clears the node's alarms. To be called, too, when an operation on it begins or ends. */
  judge(addr: Address): void {
    const { alarms } = this.#ports;
    const state = this.#state(addr);
    const { unheard, stopping } = this.#limits;
    // Who goes down may be starting again, at somebody's own wish: it is left powered when its time is over.
    const overAt = state.system === 'going-down' ? state.heardAt + (state.confirmed ? stopping : unheard) : -Infinity;
    const left = isDown(state) && this.#ports.now() >= overAt && this.#ports.operationOn(addr) === null;
    alarms.set('halted', addr, left ? describe(state) : null, 'quiet');
    alarms.set('system-failed', addr, state.system === 'failed' ? describe(state) : null, 'quiet');
  }

  #state(addr: Address): SystemState {
    let state = this.#states.get(addr);
    if (!state) {
      const kept = this.#memory.get(addr);
      // That it was up says nothing of now; that it was down holds until something lives.
      state = kept !== null && (isDown(kept) || kept.system === 'failed') ? this.#recall(addr, kept) : UNKNOWN_SYSTEM;
      this.#states.set(addr, state);
    }
    return state;
  }

  /**
   * Where this machine was booted meanwhile, nobody can tell how long ago it was: limits begin anew. One that an earlier
   * server saw a moment ago is in the same power-on still, as if that server had gone on.
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
      // Anybody may shut it down at any time: its last line counts, whoever asked for it.
      reader.requested();
      this.#readers.set(addr, reader);
    }
    return reader;
  }

  #recognised(addr: Address, recognition: Recognition): void {
    const kind = signOf(recognition);
    // After a prompt another life of the machine may begin: nothing read before it counts against what comes.
    if (kind === 'login' || kind === 'shell' || kind === 'boot') this.#readers.delete(addr);
    if (kind !== null) this.sign(addr, kind, recognition.text);
  }

  #tell(addr: Address, state: SystemState): void {
    const { events } = this.#ports;
    const who = this.#ports.label(addr);
    switch (state.system) {
      case 'halted':
        events.add('warning', 'node', addr, `${who} has halted and is still powered: it ${state.why}`);
        return;
      case 'failed':
        events.add('alarm', 'node', addr, `${who} is not up: it ${state.why}; look at its console`);
        return;
      case 'going-down':
        events.add('notice', 'node', addr, `${who} goes down: it ${state.why}`);
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
  /** When it was last seen with power, in the power-on in which it went down; absent: that is not known. */
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
      return `has halted and is still powered: it ${why}; 'on' cuts its power for a moment and switches it on again`;
    case 'going-down':
      return `has halted or goes down, and is still powered: it ${why}; 'on' looks at it and brings it up again`;
    default:
      return `is on, and its system is not up: it ${why}; look at its console`;
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
