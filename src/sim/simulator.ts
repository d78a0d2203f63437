/**
 * The rack on a clock: brings bytes from the device to the bus when the line has carried them, and back. The only place
 * of the simulator where time passes.
 */
import { Device, type DeviceHandlers } from './pty-device.ts';
import type { Rack } from './rack/bus.ts';
import { byteTime, LineQueue } from './rack/serial-timing.ts';

/**
 * Interval of the heartbeat that measures stalls of this process, ms. It runs only while console bytes arrive; the
 * lateness of a beat is time in which the operating system did not run this process. Bridge needs it.
 */
const BEAT_MS = 1;
/** Usual duration of a 1 ms timer, ms: 1.1 on a machine that is not stalled, with some room. */
const USUAL_MS = 1.3;
/** Time for which a stall counts, ms: input that piled up may be read in several pieces, soon after it. */
const REMEMBERED_MS = 10;
/** Time without console bytes after which the heartbeat stops, ms. */
const REST_AFTER_MS = 1_000;

export class StallMeter {
  private readonly clock: () => number;
  private timer: NodeJS.Timeout | null = null;
  private lastBeat = 0;
  private lastAsked = 0;
  private worst = 0;
  private worstAt = -Infinity;

  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** Returns the longest recent stall, ms; keeps the heartbeat running for a while. */
  recent(): number {
    const now = this.clock();
    this.lastAsked = now;
    if (!this.timer) {
      this.lastBeat = now;
      this.beat();
    }
    this.note(now - this.lastBeat - USUAL_MS, now);
    return this.worst;
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private note(stall: number, now: number): void {
    if (now - this.worstAt > REMEMBERED_MS) this.worst = 0;
    if (stall < this.worst) return;
    this.worst = Math.max(0, stall);
    this.worstAt = now;
  }

  private beat(): void {
    this.timer = setTimeout(() => {
      const now = this.clock();
      this.note(now - this.lastBeat - USUAL_MS, now);
      this.lastBeat = now;
      if (now - this.lastAsked > REST_AFTER_MS) this.stop();
      else this.beat();
    }, BEAT_MS);
  }
}

/**
 * Longest time ahead of the clock at which bytes are handled, ms: a command's bytes are handled together, each with its
 * own time.
 */
const AHEAD_MS = 2;
/** Unhandled bytes above which the host has to wait, as with a full UART, and below which it continues. */
const INPUT_FULL = 256;
const INPUT_LOW = 64;
/** Console output given to the line ahead of time, and the rest at which more is fetched, ms. */
const OUTPUT_AHEAD_MS = 5;
const OUTPUT_LOW_MS = 2.5;
/**
 * Longest wait that is awaited exactly, at the end of a reply, ms; longer waits use timers, which are up to about 1.2
 * ms late.
 */
const EXACT_MS = 2.5;
/** Shortest wait on exact timers, ms, so that the rounding of a sum never stops the clock. */
const LEAST_MS = 0.01;
/** Bytes that a Pi's UART (PL011) collects before it interrupts: half of its queue of 16. */
const UART_PIECE = 8;
/** One nap during an exact wait, ms: short enough to keep reading, and almost free of work for the processor. */
const NAP_MS = 0.2;

/** The host's end of the line: a pseudo-terminal ({@link Device}), or an object of the process that drives the bus. */
export type HostDevice = Pick<Device, 'path' | 'backlog' | 'write' | 'pause' | 'resume' | 'close'>;

/** Where a simulator runs: its clock and its line to the host. */
export interface Surroundings {
  /** Monotonic milliseconds. */
  clock: () => number;
  openDevice: (handlers: DeviceHandlers) => HostDevice;
  /** Whether timers fire when they are due, as in virtual time; the system's are up to 1.2 ms late. */
  exactTimers: boolean;
}

/** Pseudo-terminals in real time. */
export const SYSTEM: Surroundings = {
  clock: () => performance.now(),
  openDevice: (handlers) => new Device(handlers),
  exactTimers: false,
};

export interface SimulatorOptions extends Surroundings {
  /** Bits per second; infinite for a line without a rate. */
  lineRate: number;
  /** Whether consoles wait for a host that does not read; hardware has no flow control, and loses bytes. */
  flowControl: boolean;
  /** Builds the rack; `send` is the line towards the host. */
  rack: (send: (bytes: Uint8Array, at: number) => void) => Rack;
}

export class Simulator {
  readonly rack: Rack;
  private readonly clock: () => number;
  private readonly openDevice: Surroundings['openDevice'];
  private readonly exactTimers: boolean;
  private readonly perByte: number;
  private readonly flowControl: boolean;
  private readonly inbound: LineQueue;
  private readonly outbound: LineQueue;
  private readonly stalls: StallMeter;
  private readonly napping = new Int32Array(new SharedArrayBuffer(4));
  private device: HostDevice | null = null;
  private stallMs = 0;
  private paused = false;
  private cancel: () => void = () => undefined;

  constructor(options: SimulatorOptions) {
    this.clock = options.clock;
    this.openDevice = options.openDevice;
    this.exactTimers = options.exactTimers;
    this.perByte = byteTime(options.lineRate);
    this.flowControl = options.flowControl;
    this.inbound = new LineQueue(this.perByte);
    this.outbound = new LineQueue(this.perByte);
    this.stalls = new StallMeter(this.clock);
    this.rack = options.rack((bytes, at) => this.outbound.push(bytes, at));
  }

  /** Path of the device, null while it is unplugged. */
  get port(): string | null {
    return this.device?.path ?? null;
  }

  plug(): string {
    this.device ??= this.openDevice({
      data: (chunk) => this.receive(chunk),
      overrun: (bytes) => this.rack.noteOverrun(bytes),
      drained: () => this.flowControl && this.step(),
    });
    return this.device.path;
  }

  /** Pulls the adapter: the device is removed, with the bytes on the line. The rack does not notice. */
  unplug(): void {
    this.device?.close();
    this.device = null;
    this.inbound.clear();
    this.outbound.clear();
    this.paused = false;
  }

  now(): number {
    return this.clock();
  }

  /** Evaluates the rack again after a change from outside (a fault, a power switch). */
  wake(): void {
    this.step();
  }

  close(): void {
    this.cancel();
    this.stalls.stop();
    this.unplug();
    for (const node of this.rack.nodes.values()) node.guest.dispose();
  }

  private receive(chunk: Uint8Array): void {
    const now = this.clock();
    if (this.rack.consoleNode && !this.exactTimers) this.stallMs = this.stalls.recent();
    this.inbound.push(chunk, now);
    if (this.inbound.length > INPUT_FULL && !this.paused) {
      this.paused = true;
      this.device?.pause();
    }
    this.step();
  }

  private step(): void {
    this.cancel();
    const now = this.clock();
    for (let next = this.inbound.shift(now + AHEAD_MS); next; next = this.inbound.shift(now + AHEAD_MS))
      this.rack.receive(next.byte, next.at, this.stallMs);
    if (this.paused && this.inbound.length < INPUT_LOW) {
      this.paused = false;
      this.device?.resume();
    }
    this.fetchOutput(now);
    this.deliver(now);
    this.sleep(now);
  }

  private fetchOutput(now: number): void {
    if (this.flowControl && (this.device?.backlog ?? 0) > 0) return;
    const free = OUTPUT_AHEAD_MS - this.outbound.backlog(now);
    if (free < OUTPUT_AHEAD_MS - OUTPUT_LOW_MS) return;
    this.rack.pump(now, this.perByte === 0 ? 4096 : Math.floor(free / this.perByte));
  }

  /** Delivers bytes in the pieces of a UART: half a queue, or the last ones after a moment's silence. */
  private deliver(now: number): void {
    if (this.outbound.dueOf(UART_PIECE) > now) return;
    const bytes: number[] = [];
    for (let next = this.outbound.shift(now); next; next = this.outbound.shift(now)) bytes.push(next.byte);
    if (bytes.length > 0) this.device?.write(Uint8Array.from(bytes));
  }

  /** Waits until the next action: exactly at the end of a reply, by a timer for anything longer. */
  private sleep(now: number): void {
    const replyEnd = this.outbound.lastDue;
    if (!this.exactTimers && replyEnd - now <= EXACT_MS) {
      this.nap(Math.min(NAP_MS, Math.max(0, replyEnd - now)));
      return;
    }
    // Rounded up: a timer that fires before its time would spin.
    const own = Math.max(1, Math.ceil(Math.min(this.inbound.firstDue - AHEAD_MS, this.rack.nextDeadline()) - now));
    const piece = this.exactTimers ? Math.max(LEAST_MS, this.outbound.dueOf(UART_PIECE) - now) : 1;
    const ms = Math.min(own, this.outbound.length > 0 ? piece : Infinity);
    if (ms === Infinity) return;
    const timer = setTimeout(() => this.step(), Math.min(2 ** 31 - 1, ms));
    this.cancel = () => clearTimeout(timer);
  }

  private nap(ms: number): void {
    const immediate = setImmediate(() => {
      if (ms > 0) Atomics.wait(this.napping, 0, 0, ms);
      this.step();
    });
    this.cancel = () => clearImmediate(immediate);
  }
}
