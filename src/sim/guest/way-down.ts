/** A Linux on its way down: plays the script, step by step, to the kernel's last line. */
import type { GuestFaults } from './faults.ts';
import { stamp } from './machine.ts';
import { coloured, torn, type ShutdownStep } from './shutdown-log.ts';
import { stopJobLine, STOP_JOB_STEP_MS } from './stop-job.ts';

/** From the last service's end to the kernel's last line. */
const LAST_STEP_MS = 120;

export interface Descending {
  readonly faults: GuestFaults;
  print(text: string): void;
  /** A kernel message: to the log and onto the console. */
  kernel(text: string): void;
  /** Only to the log; the line as it is to be printed. */
  keep(text: string): string;
  after(ms: number, run: () => void): () => void;
  uptimeMs(): number;
  stopping(): void;
  sessionEnds(): void;
}

/** `done` is called at the end of the script, unless the machine is one whose shutdown hangs. */
export function goDown(machine: Descending, steps: readonly ShutdownStep[], done: () => void): void {
  const [step, ...rest] = steps;
  if (!step) {
    if (machine.faults.shutdownHangs) hang(machine);
    else machine.after(LAST_STEP_MS, done);
    return;
  }
  machine.after(step.after, () => {
    machine.stopping();
    if (step.kernel) machine.kernel(step.text);
    else machine.print(step.text);
    if (step.then === 'session-ends') machine.sessionEnds();
    if (step.then === 'stop-job') stopJob(machine, 0, () => goDown(machine, rest, done));
    else goDown(machine, rest, done);
  });
}

/** Waits for a process without end; a user who is still there may say of it what he likes. */
function hang(machine: Descending): void {
  machine.kernel('systemd-shutdown[1]: Waiting for process: 1893 (containerd-shim)');
  const { claims } = machine.faults;
  if (claims !== null) machine.after(LAST_STEP_MS, () => machine.print(`${stamp(machine.uptimeMs())}${claims}\n`));
}

/** The kernel's last line, in one or as the faults have it. */
export function sayLast(machine: Descending, words: string, done: () => void): void {
  const { splitMs, coloured: inColour } = machine.faults;
  const line = machine.keep(words);
  const shown = inColour ? coloured(line) : line;
  const pieces = splitMs > 0 ? torn(shown) : [shown];
  pieces.forEach((piece, index) => {
    const last = index === pieces.length - 1;
    const say = (): void => {
      machine.print(last ? `${piece}\n` : piece);
      if (last) done();
    };
    if (index === 0) say();
    else machine.after(index * splitMs, say);
  });
}

/** A service that takes its time, told as systemd tells it; `elapsed` in ms. */
function stopJob(machine: Descending, elapsed: number, done: () => void): void {
  const total = machine.faults.stopJobS * 1000;
  if (elapsed >= total) {
    if (total > 0) machine.print('\r\x1b[K');
    done();
    return;
  }
  if (machine.faults.style === 'systemd') machine.print(stopJobLine(elapsed));
  machine.after(STOP_JOB_STEP_MS, () => stopJob(machine, elapsed + STOP_JOB_STEP_MS, done));
}
