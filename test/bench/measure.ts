/** What every measurement needs: percentiles, the floor of an empty program, a process's memory and processor time. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** One figure beside its budget: `ok` is judged on the figure as it is printed. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  budget: number;
  ok: boolean;
  /** What the figure was made of. */
  detail: Record<string, number>;
}

export function figure(
  what: string,
  value: number,
  unit: string,
  budget: number,
  detail: Record<string, number>,
): Figure {
  const shown = round(value);
  return {
    what,
    value: shown,
    unit,
    budget,
    ok: shown <= budget,
    detail: Object.fromEntries(Object.entries(detail).map(([name, number]) => [name, round(number)])),
  };
}

/** What could not be measured here, and why. */
export const missing: string[] = [];

export function leftOut(why: string): void {
  missing.push(why);
}

/** Why a program cannot be compared with on this machine, in words; null: it can. */
export function notHere(program: string, path = process.env.PATH ?? ''): string | null {
  const found = path.split(delimiter).some((folder) => {
    const file = join(folder, program);
    // A folder of that name can be entered, and is no program.
    return folder !== '' && existsSync(file) && statSync(file).isFile() && (statSync(file).mode & 0o111) !== 0;
  });
  return found ? null : 'it is not installed';
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** `p` from 0 to 1; the value that so large a share of the samples does not exceed. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/** Milliseconds from start to exit of `node …args`, each of `times` runs. */
export async function timeNode(args: readonly string[], times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let run = 0; run < times; run++) {
    const began = performance.now();
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
    taken.push(performance.now() - began);
  }
  return taken;
}

/** The floor: an empty Node program, start to exit, ms. */
export async function emptyNode(times = 15): Promise<number> {
  return median(await timeNode(['-e', ''], times));
}

/** Resident memory, MB. */
export function residentMB(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** Processor time so far, ms (the kernel counts in hundredths of a second). */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Share of one core that a process uses over `ms`, per cent. */
export async function processorShare(pids: readonly number[], ms: number): Promise<number[]> {
  const before = pids.map(processorMs);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const passed = performance.now() - began;
  return pids.map((pid, i) => ((processorMs(pid) - (before[i] ?? 0)) / passed) * 100);
}

/** Waits for a condition, looking every `everyMs`; throws after `limitMs`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 20_000,
  everyMs = 1,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
