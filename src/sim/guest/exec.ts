/**
 * A guest that runs a real program of this machine on a node's console, for each node named by `--exec`: an editor, a
 * pager, a shell, for tests of the console beyond the scripted guest. Power off kills the program.
 */
import * as pty from '@lydell/node-pty';
import type { Activity } from '../rack/physics.ts';
import { noGuestFaults, type NetworkState } from './faults.ts';
import { type Guest, type GuestPhase, NOT_SCRIPTED, type SshResult } from './guest.ts';
import { Uart } from './uart.ts';

/** Waiting output, bytes, above which the program is paused, as by a slow line, and below which it continues. */
const FULL = 32 * 1024;
const LOW = 8 * 1024;
/** Time after which an ended program is started again, as init does with a getty, ms. */
const RESPAWN_MS = 500;
/** Time that a program gets to end by itself after power off, ms. */
const MERCY_MS = 200;

type BytePty = Omit<pty.IPty, 'write'> & { write(bytes: Uint8Array): void };

export class ExecGuest implements Guest {
  phase: GuestPhase = 'dead';
  activity: Activity = { kind: 'off' };
  activitySince: number;
  readonly user = null;
  readonly shutdownTook = null;
  faults = noGuestFaults();
  private readonly command: readonly string[];
  private readonly wake: () => void;
  private readonly uart = new Uart(Infinity);
  private program: pty.IPty | null = null;
  private respawn: NodeJS.Timeout | null = null;
  private paused = false;

  /** `wake` is called at each output, which arrives independent of the rack's clock. */
  constructor(command: readonly string[], at: number, wake: () => void) {
    this.command = command;
    this.activitySince = at;
    this.wake = wake;
  }

  get recent(): string {
    return this.uart.recent;
  }

  powerOn(at: number): void {
    this.phase = 'running';
    this.activity = { kind: 'running', load: 0.1 };
    this.activitySince = at;
    this.spawn();
  }

  powerOff(at: number): void {
    this.phase = 'dead';
    this.activity = { kind: 'off' };
    this.activitySince = at;
    this.dispose();
  }

  panic(at: number): void {
    this.dispose();
    this.phase = 'panicked';
    this.activitySince = at;
  }

  logKernelError(): void {
    // The kernel is this machine's own.
  }

  printText(text: string): void {
    this.uart.print(text);
    this.wake();
  }

  get network(): NetworkState {
    return this.faults.network ?? (this.phase === 'running' ? 'refused' : 'gone');
  }

  runBySsh(): SshResult {
    return NOT_SCRIPTED;
  }

  receive(byte: number): void {
    // The types allow text only, which would damage partial characters; the library takes bytes.
    if (!this.faults.hung) (this.program as BytePty | null)?.write(Buffer.of(byte));
  }

  advance(): void {
    // The program runs on its own.
  }

  nextDeadline(): number {
    // Output arrives independent of the rack's clock, but bytes that did not fit onto the line are due at once.
    return this.uart.length > 0 && !this.faults.hung ? 0 : Infinity;
  }

  take(max: number): Uint8Array {
    if (this.faults.hung) return new Uint8Array(0);
    const taken = this.uart.take(max);
    this.drained();
    return taken;
  }

  discard(): void {
    this.uart.discard();
    this.drained();
  }

  dispose(): void {
    if (this.respawn) clearTimeout(this.respawn);
    this.respawn = null;
    const program = this.program;
    this.program = null;
    this.discard();
    if (!program) return;
    end(program, 'SIGHUP');
    setTimeout(() => end(program, 'SIGKILL'), MERCY_MS).unref();
  }

  private spawn(): void {
    const [file = '', ...args] = this.command;
    const program = pty.spawn(file, args, {
      cols: 80,
      rows: 24,
      // The terminal type of a serial getty's session.
      name: 'vt220',
      encoding: null,
    });
    this.program = program;
    this.paused = false;
    program.onData((data: unknown) => {
      if (this.program !== program) return;
      this.uart.write(data as Buffer);
      // Compares waiting bytes, not those of this read: one read may exceed both marks together.
      if (this.uart.length > FULL && !this.paused) {
        this.paused = true;
        program.pause();
      }
      this.wake();
    });
    program.onExit(() => {
      if (this.program !== program) return;
      this.program = null;
      this.respawn = setTimeout(() => this.spawn(), RESPAWN_MS);
    });
  }

  private drained(): void {
    if (!this.paused || this.uart.length > LOW) return;
    this.paused = false;
    this.program?.resume();
  }
}

function end(program: pty.IPty, signal: string): void {
  try {
    program.kill(signal);
  } catch {
    // The program ended by itself.
  }
}
