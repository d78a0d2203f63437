/**
 * The bus on the simulator's rack in virtual time, without a pseudo-terminal: every reply that a BMC gave is on record, and
 * what the line does to it can be scripted byte by byte.
 */
import { createBus } from '../../src/bmc/index.ts';
import { LineError, type LineHandlers } from '../../src/bmc/serial-port.ts';
import type { Bus, Line } from '../../src/bmc/types.ts';
import type { Sample } from '../../src/rack/reading.ts';
import { hostGuest } from '../../src/sim/guest/guest.ts';
import { Rack } from '../../src/sim/rack/bus.ts';
import { POWER_STATES, SimNode } from '../../src/sim/rack/node.ts';
import { CAPTURED_DIALECT, parseDialect } from '../../src/sim/rack/responses.ts';
import { seededRandom } from '../../src/sim/random.ts';
import type { VirtualTime } from '../support/virtual-time.ts';

/** Bytes on their way to the host, as the line delivers them. */
export type Spoil = (bytes: Uint8Array) => Uint8Array;

/** Of sums of floating-point milliseconds. */
const ROUNDING_MS = 0.001;

export class WiredBus {
  readonly rack: Rack;
  readonly bus: Bus;
  spoil: Spoil = (bytes) => bytes;
  readonly #time: VirtualTime;
  readonly #said = new Map<number, (Pick<Sample, 'current' | 'fan'> & { at: number; power: string })[]>();
  #handlers: LineHandlers | null = null;
  #away = false;

  constructor(time: VirtualTime, { nodes = 6, seed = 1, dialect = '' } = {}) {
    this.#time = time;
    const all = Array.from({ length: nodes }, (_, addr) => this.#node(addr, seed));
    this.rack = new Rack({
      ...{ nodes: all, master: 0, unlock: 'UnLockMe', locked: false, lossy: false, turnaroundMs: 0.1 },
      dialect: parseDialect(dialect, CAPTURED_DIALECT),
      random: seededRandom(seed),
      at: time.now,
      send: (bytes, at) => this.#deliver(bytes, at),
    });
    this.bus = createBus({ port: '/dev/wired', open: (_port, handlers) => this.#open(handlers), now: () => time.now });
  }

  node(addr: number): SimNode {
    const node = this.rack.nodes.get(addr);
    if (!node) throw new Error(`no node ${addr}`);
    return node;
  }

  unplug(): void {
    this.#away = true;
    const handlers = this.#handlers;
    this.#handlers = null;
    handlers?.onLost('the device is gone');
  }

  replug(): void {
    this.#away = false;
  }

  /** True when this node's BMC gave just this reply within the exchange. */
  bearsOut(addr: number, { power, current, fan, at, rttMs }: Sample): boolean {
    return (this.#said.get(addr) ?? []).some(
      (said) =>
        // Given within the exchange, never before it.
        said.at >= at - rttMs - ROUNDING_MS &&
        said.at <= at + ROUNDING_MS &&
        said.power === power &&
        said.current === current &&
        said.fan === fan,
    );
  }

  #node(addr: number, seed: number): SimNode {
    const at = this.#time.now;
    const about = { addr, name: `n${addr}`, seed: seed * 100 + addr, timeScale: 1, guest: hostGuest() };
    const node = new SimNode({ ...about, power: 'on', at });
    const said: { at: number; power: string; current: number; fan: number }[] = [];
    this.#said.set(addr, said);
    const status = node.status.bind(node);
    node.status = (moment) => {
      const { power, current, fan } = status(moment);
      said.push({ at: this.#time.now, power: POWER_STATES[power] ?? '?', current, fan });
      if (said.length > 200) said.splice(0, 100);
      return { power, current, fan };
    };
    return node;
  }

  #open(handlers: LineHandlers): Promise<Line> {
    if (this.#away) return Promise.reject(new LineError('missing', '/dev/wired does not exist'));
    this.#handlers = handlers;
    return Promise.resolve({
      write: (bytes, taken) => {
        for (const byte of bytes) this.rack.receive(byte, this.#time.now);
        this.#late();
        taken?.();
      },
      close: () => {
        if (this.#handlers === handlers) this.#handlers = null;
        return Promise.resolve();
      },
    });
  }

  /** What a slow BMC still owes comes in its own time. */
  #late(): void {
    const due = this.rack.nextDeadline();
    if (due === Infinity) return;
    this.#time.after(due - this.#time.now, () => {
      this.rack.pump(this.#time.now, 4096);
      this.#late();
    });
  }

  #deliver(bytes: Uint8Array, at: number): void {
    this.#time.after(at - this.#time.now, () => {
      const arriving = this.spoil(bytes);
      if (arriving.length > 0) this.#handlers?.onData(arriving);
    });
  }
}
