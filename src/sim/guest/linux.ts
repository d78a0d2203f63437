/** A Raspberry Pi with a scripted Linux: from the bootloader to the kernel's last line, with a login in between. */
import { createHash } from 'node:crypto';
import type { Activity } from '../rack/physics.ts';
import { type Ascending, bootLog, comeUp, KERNEL_AT_MS } from './boot.ts';
import { noGuestFaults, type NetworkState } from './faults.ts';
import { Getty } from './getty.ts';
import { type Guest, type GuestPhase, isAlive, type SshResult, type KernelError } from './guest.ts';
import { KernelLog, OOPS, PANIC, READ_ONLY } from './kernel-log.ts';
import { LineInput } from './line-editor.ts';
import { dateText, type Ending, type Machine, type Reader, stamp } from './machine.ts';
import { Shell } from './shell.ts';
import { type Descending, goDown, LAST_WORDS, printLastLine, shutdownScript } from './shutdown.ts';
import { networkOf, type OnNetwork, runCommands } from './ssh.ts';
import { Timeline, Uart } from './uart.ts';

/** Date and time of the machines' clocks at guest time 0: an ordinary Tuesday morning. */
const EPOCH = Date.UTC(2026, 6, 14, 8, 0, 0);
/** Load of starting services, and its duration after the login prompt, ms. */
const SETTLING_LOAD = 0.5;
const SETTLING_MS = 9_000;
/** Time from the kernel's last line of a reboot to the bootloader's first, ms. */
const RESET_MS = 700;

export interface LinuxOptions {
  hostname: string;
  user: string;
  password: string;
  /** Usual load, 0..1. */
  load: number;
  /** Guest time at which the rack begins, and start of this machine's present uptime; null: it is off. */
  at: number;
  upSince: number | null;
  sudoPassword: boolean;
}

export class LinuxGuest implements Guest, Machine, Ascending, Descending, OnNetwork {
  phase: GuestPhase = 'dead';
  activity: Activity = { kind: 'off' };
  activitySince: number;
  user: string | null = null;
  shutdownTook: number | null = null;
  faults = noGuestFaults();
  size = { rows: 24, cols: 80 };
  private readonly options: LinuxOptions;
  private readonly timeline: Timeline;
  private readonly uart = new Uart();
  private reader: Reader | null = null;
  private readonly log = new KernelLog();
  /** Start of the kernel, guest time. */
  private kernelAt = 0;
  /** A shutdown was requested. */
  ending = false;
  private endingSince = 0;
  private stress = 0;

  constructor(options: LinuxOptions) {
    this.options = options;
    this.timeline = new Timeline(options.at);
    this.activitySince = options.at;
    if (options.upSince === null) return;
    this.kernelAt = options.upSince + KERNEL_AT_MS;
    this.log.add(...bootLog(this.hostname, null).flatMap(({ text, kernel }) => (kernel ? [text] : [])));
    this.openConsole();
    this.become('login', { kind: 'running', load: options.load });
  }

  // The interface for the BMC.

  powerOn(at: number): void {
    this.timeline.advance(at);
    this.boot();
  }

  powerOff(at: number): void {
    this.timeline.advance(at);
    this.quiet();
    this.uart.discard();
    this.become('dead', { kind: 'off' });
  }

  panic(at: number): void {
    this.timeline.advance(at);
    if (this.phase === 'dead' || this.phase === 'halted') return;
    this.quiet();
    for (const line of PANIC) this.kernel(line);
    this.become('panicked', { kind: 'running', load: 0.25 });
  }

  logKernelError(how: KernelError, at: number): void {
    this.advance(at);
    if (isAlive(this.phase)) for (const line of { oops: OOPS, 'read-only': READ_ONLY }[how]) this.kernel(line);
  }

  printText(text: string, at: number): void {
    this.advance(at);
    if (this.phase !== 'dead') this.print(text);
  }

  get network(): NetworkState {
    return networkOf(this);
  }

  runBySsh(command: string, at: number): SshResult {
    this.advance(at);
    return runCommands(this, command);
  }

  receive(byte: number, at: number): void {
    this.advance(at);
    const { hung, noGetty, consoleDead } = this.faults;
    if (!hung && !consoleDead && !(noGetty && this.phase === 'login')) this.reader?.receive(byte);
  }

  advance(at: number): void {
    if (this.faults.hung) return;
    const floods = this.faults.flood && this.reader !== null;
    if (floods) this.uart.source ??= this.floodLine;
    else if (this.uart.source === this.floodLine) this.uart.source = null;
    this.timeline.advance(at);
  }

  nextDeadline(): number {
    if (this.faults.hung) return Infinity;
    return this.uart.source ? this.timeline.now : this.timeline.next;
  }

  take(max: number): Uint8Array {
    if (this.faults.consoleDead) this.uart.discard();
    return this.faults.hung ? new Uint8Array(0) : this.uart.take(max);
  }

  discard(): void {
    this.uart.discard();
  }

  get recent(): string {
    return this.uart.recent;
  }

  dispose(): void {
    this.quiet();
  }

  // The interface for its programs.

  get account(): Machine['account'] {
    const { user, password, sudoPassword } = this.options;
    return { user, password: this.faults.password ?? password, sudoAsks: sudoPassword };
  }

  get hostname(): string {
    return this.faults.hostname ?? this.options.hostname;
  }

  wallClock(): Date {
    return new Date(EPOCH + this.timeline.now);
  }

  /** Returns a name for this start of its kernel: each start has another one. */
  bootId(): string {
    const start = this.faults.sameBootId ? '' : String(this.kernelAt);
    const hash = createHash('sha1').update(`${this.options.hostname} ${start}`).digest('hex');
    return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-');
  }

  uptimeMs(): number {
    return Math.max(0, this.timeline.now - this.kernelAt);
  }

  print(text: string): void {
    this.uart.print(text);
  }

  stream(source: (() => string) | null): void {
    this.uart.source = source;
  }

  after(ms: number, run: () => void): () => void {
    return this.timeline.after(ms, run);
  }

  attend(reader: Reader): void {
    // Programs of an ended session may still call this: they get no input any more.
    if (this.reader !== null) this.reader = reader;
  }

  setStress(load: number): void {
    this.stress = load;
    if (this.phase === 'shell' || this.phase === 'login') this.become(this.phase, this.working());
  }

  kernelLog(): readonly string[] {
    return this.log.lines;
  }

  kernel(text: string): void {
    this.uart.print(`${this.keep(text)}\n`);
  }

  keep(text: string): string {
    return this.log.addNow(text, this.uptimeMs());
  }

  end(how: Ending, by: string): void {
    if (this.ending) return;
    this.ending = true;
    this.endingSince = this.timeline.now;
    const { hostname, faults } = this;
    const { style, dirty, readOnly, quotesLog, rebootsInstead } = faults;
    const ending = rebootsInstead ? 'reboot' : how;
    const date = dateText(this.wallClock());
    const script = shutdownScript({ how: ending, style, hostname, from: by, date, dirty, readOnly, quotesLog });
    goDown(this, script, () => this.endAtOnce(ending));
  }

  stopping(): void {
    this.become('stopping', { kind: 'running', load: 0.12 });
  }

  sessionEnds(): void {
    this.user = null;
    const ignored = (): void => undefined;
    // A tty that a program holds open echoes by itself, whether its input is read or not.
    this.reader =
      this.faults.claims === null
        ? null
        : new LineInput({ print: (text) => this.print(text), echo: true, line: ignored });
    this.stream(null);
  }

  endAtOnce(how: Ending): void {
    this.quiet();
    this.become('stopping', this.working());
    printLastLine(this, LAST_WORDS[how], () => {
      if (how === 'reboot') this.after(RESET_MS, () => this.boot());
      else this.halted();
    });
  }

  private halted(): void {
    this.shutdownTook = this.ending ? this.timeline.now - this.endingSince : null;
    if (this.faults.firmwareAfterHalt)
      this.after(400, () => this.print('RPi: BOOTLOADER release VERSION:4c845bd3 DATE: 2025/05/08 part: 63\n'));
    this.become('halted', this.faults.haltDrawsIdle ? { kind: 'running', load: 0 } : { kind: 'halted' });
  }

  // The boot.

  private boot(): void {
    this.quiet();
    this.ending = false;
    this.shutdownTook = null;
    const poweredAt = this.timeline.now;
    this.kernelAt = poweredAt + KERNEL_AT_MS;
    this.log.clear();
    this.become('firmware', { kind: 'booting', since: poweredAt });
    comeUp(this, () => this.arrive());
  }

  booting(line: string): void {
    this.phase = 'booting';
    this.log.add(line);
  }

  stuck(reader: Reader | null): void {
    this.become('stuck', { kind: 'running', load: 0.02 });
    this.reader = reader;
  }

  private arrive(): void {
    this.openConsole();
    this.become('login', { kind: 'running', load: SETTLING_LOAD });
    this.after(SETTLING_MS, () => {
      if (this.phase === 'login' || this.phase === 'shell') this.become(this.phase, this.working());
    });
  }

  private openConsole(): void {
    this.user = null;
    this.reader = { receive: () => undefined };
    const login = (user: string): void => {
      this.user = user;
      this.phase = 'shell';
      this.print(this.motd());
      new Shell(this, user, () => {
        // The session ended with the system: no new login is offered.
        if (this.reader === null) return;
        this.phase = 'login';
        this.openConsole();
      }).start();
    };
    if (!this.faults.noGetty) new Getty(this, login).start();
  }

  private motd(): string {
    return `Linux ${this.hostname} 6.12.47+rpt-rpi-v8 #1 SMP PREEMPT Debian aarch64\n\nThis is a simulated machine; 'help' lists what it knows.\n`;
  }

  /** Drops planned actions, reader and session. */
  private quiet(): void {
    this.timeline.clear();
    this.reader = null;
    this.user = null;
    this.stress = 0;
    this.stream(null);
  }

  private working(): Activity {
    return { kind: 'running', load: Math.min(1, this.options.load + this.stress) };
  }

  private readonly floodLine = (): string =>
    `${stamp(this.uptimeMs())}usb 1-1.3: device descriptor read/64, error -71\n`;

  private become(phase: GuestPhase, activity: Activity): void {
    this.phase = phase;
    this.activity = activity;
    this.activitySince = this.timeline.now;
  }
}
