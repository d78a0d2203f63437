/** The bus as clients see it: its health in words, the pause during a console, and the duration of sweeps. */
import type { BusRecovery, BusState, BusStatus } from '../../api/bus.ts';
import type { EventRecord } from '../../api/methods.ts';
import { describeHolder, holdersOf } from '../../bmc/port-discovery.ts';
import type { Bus, BusHealth, BusPhase, RecoveryStep } from '../../bmc/types.ts';
import { type Address, formatAddress } from '../../rack/address.ts';
import type { EventLog } from '../events.ts';

/** Text for each recovery stage, for the operator. */
const STEP_TEXT: Record<RecoveryStep, string> = {
  resync: 'replies are damaged: pausing between exchanges until the line is silent',
  probe: 'sent ^G to close the pipe, querying the master',
  unlock: 'the master does not answer: sending the unlock string',
  reopen: 'reopening the port',
  rest: 'retrying automatically',
  device: 'waiting for the device to come back',
};
const PAUSED_TEXT = {
  pauses: 'Polling is paused while a console is open',
  reads: 'Other nodes are polled while the open console is silent',
} as const;
/** Unrequested bytes between two sweeps that raise a warning; fewer may be the tail of a damaged reply. */
const STRAY_BYTES = 20;

export interface BusStatusMonitorPorts {
  now(): number;
  events: EventLog;
  changed(): void;
  /** Called when the bus answers again after `awayMs` and needed the unlock string: its BMCs restarted. */
  unlocked(awayMs: number): void;
  /** Called before the unlock string is sent. */
  unlocking(): void;
  swept(): void;
}

export class BusStatusMonitor {
  readonly #bus: Bus;
  readonly #port: string;
  readonly #ports: BusStatusMonitorPorts;
  readonly #waiting = new Set<() => void>();
  #state: BusState = 'starting';
  #since: number;
  #phase: BusPhase = 'starting';
  #paused = false;
  #quietReads = false;
  #step: RecoveryStep | null = null;
  #wasReady = false;
  /** Start of the present recovery; null: none. */
  #awaySince: number | null = null;
  #seenMaster: Address | null = null;
  #stray = 0;
  #sweepMs: number | null = null;
  #sweepEnds: number[] = [];
  #unsubscribe: () => void = () => undefined;

  constructor(bus: Bus, port: string, ports: BusStatusMonitorPorts) {
    this.#bus = bus;
    this.#port = port;
    this.#ports = ports;
    this.#since = ports.now();
  }

  /** Starts to report the bus; first its present state. */
  start(): void {
    this.#unsubscribe = this.#bus.onHealth((health) => this.#healthChanged(health));
    if (this.#bus.health.phase !== 'starting') this.#healthChanged(this.#bus.health);
  }

  stop(): void {
    this.#unsubscribe();
  }

  get ready(): boolean {
    return this.#bus.health.phase === 'ready';
  }

  get master(): Address | null {
    return this.#bus.health.master;
  }

  /** Returns the address that last answered as the master, also while the bus is away; null: none has. */
  get seenMaster(): Address | null {
    return this.#seenMaster;
  }

  /** Returns whether a console holds the pipe: then the poller pauses, and the header shows it. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.#refresh();
  }

  /** Returns whether other nodes are read while an open console is silent; clients show it. */
  get quietReads(): boolean {
    return this.#quietReads;
  }

  set quietReads(on: boolean) {
    this.#quietReads = on;
    this.#refresh();
  }

  /** Records that a full sweep ended now, after `ms`. */
  swept(ms: number): void {
    this.#sweepMs = ms;
    this.#sweepEnds = [...this.#sweepEnds.slice(-9), this.#ports.now()];
    this.#ports.swept();
    this.#lookAtStrayBytes();
    this.#ports.changed();
  }

  status(): BusStatus {
    const { counters, health } = this.#bus;
    return {
      state: this.#state,
      port: this.#port,
      detail: this.#state === 'paused' ? PAUSED_TEXT[this.#quietReads ? 'reads' : 'pauses'] : health.detail,
      since: this.#since,
      recovery: this.#recovery(),
      master: health.master,
      sweepMs: this.#sweepMs === null ? null : Math.round(this.#sweepMs * 10) / 10,
      sweepsPerS: this.#rate(),
      exchanges: counters.exchanges,
      quietReads: this.#quietReads,
      // Silence is reported at its node; an empty address of a scan is not an error.
      errors: counters.garbled + counters.foreign,
    };
  }

  /** Resolves when the bus is no longer starting, or after `limitMs`; never rejects. */
  settled(limitMs: number): Promise<void> {
    if (this.#phase !== 'starting') return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      this.#waiting.add(done);
    });
  }

  #rate(): number | null {
    const ends = this.#sweepEnds;
    const [first] = ends;
    const last = ends.at(-1);
    if (first === undefined || last === undefined || last <= first) return null;
    return Math.round(((ends.length - 1) * 10_000) / (last - first)) / 10;
  }

  #recovery(): BusRecovery | null {
    const { recovery } = this.#bus;
    return recovery === null ? null : { ...recovery, text: STEP_TEXT[recovery.step] };
  }

  /** Logs each recovery stage, the same one once a minute; a start that succeeds has nothing to recover. */
  #stepChanged(health: BusHealth): void {
    const step = this.#bus.recovery?.step ?? null;
    const before = this.#step;
    this.#step = step;
    if (step === 'unlock' && step !== before) this.#ports.unlocking();
    const first = !this.#wasReady && health.phase === 'ready';
    this.#wasReady ||= first;
    if (step === before || !this.#wasReady) return;
    const { events } = this.#ports;
    if (first) {
      // Locked BMCs are no evidence about the time before this server.
      if (before === 'unlock') events.add('info', 'bus', null, 'Bus: the BMCs were locked, and are unlocked now');
      return;
    }
    if (step !== null) this.#awaySince ??= this.#ports.now();
    else if (health.phase === 'ready') {
      if (before === 'unlock') this.#ports.unlocked(this.#ports.now() - (this.#awaySince ?? this.#ports.now()));
      this.#awaySince = null;
    }
    if (step !== null) events.add('warning', 'bus', null, `Bus: ${STEP_TEXT[step]}`);
    else if (health.phase === 'ready' && this.#phase === 'ready')
      events.add(
        'warning',
        'bus',
        null,
        before === 'resync' ? 'Bus: replies are clean again' : 'Bus: the master answers',
      );
  }

  /** Detects bytes that this server did not request: noise, or another master. */
  #lookAtStrayBytes(): void {
    const { stray } = this.#bus.counters;
    const more = stray - this.#stray;
    this.#stray = stray;
    if (more < STRAY_BYTES) return;
    const [holder] = holdersOf(this.#port);
    const who = holder
      ? `${describeHolder(holder)} also has the port open: end it`
      : 'noise, or another master on this bus';
    this.#ports.events.add('warning', 'bus', null, `Bus: unsolicited bytes (${more}): ${who}`, 'stray');
  }

  #healthChanged(health: BusHealth): void {
    this.#stepChanged(health);
    const before = this.#phase;
    this.#phase = health.phase;
    this.#seenMaster = health.master ?? this.#seenMaster;
    if (health.phase !== 'starting') for (const done of [...this.#waiting]) done();
    if (health.phase !== before) {
      this.#sweepEnds = [];
      this.#ports.events.add(levelOf(health.phase), 'bus', null, sentence(health, this.#port), health.phase);
    }
    this.#refresh();
  }

  #refresh(): void {
    const state: BusState = this.#paused && this.#phase === 'ready' ? 'paused' : this.#phase;
    if (state !== this.#state) {
      this.#state = state;
      this.#since = this.#ports.now();
      this.#sweepEnds = [];
    }
    this.#ports.changed();
  }
}

function levelOf(phase: BusPhase): EventRecord['level'] {
  return phase === 'ready' ? 'notice' : phase === 'starting' ? 'info' : 'warning';
}

function sentence(health: BusHealth, port: string): string {
  if (health.phase !== 'ready') return `Bus ${health.phase}: ${health.detail === '' ? port : health.detail}`;
  return health.master === null
    ? `Bus ready on ${port}`
    : `Bus ready on ${port}; the master is ${formatAddress(health.master)}`;
}
