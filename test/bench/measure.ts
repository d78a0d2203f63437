/** What every measurement needs: percentiles, the floor of an empty program, a process's memory and processor time. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { held } from './slow.ts';

/** One figure beside its budget, judged as it is printed. */
export interface Figure {
  what: string;
  /** The median where it was measured in rounds. */
  value: number;
  unit: string;
  budget: number;
  /** `not judged`: the budget lies between the quartiles of the rounds. */
  verdict: 'held' | 'missed' | 'not judged';
  /** Lower and upper quartile of the rounds. */
  spread?: [low: number, high: number];
  /** What the figure was made of. */
  detail: Record<string, number>;
}

/** Makes a figure of one value, or of one value a round. */
export function figure(
  what: string,
  measured: number | readonly number[],
  unit: string,
  budget: number,
  detail: Record<string, number>,
): Figure {
  const rounds = typeof measured === 'number' ? [measured] : measured;
  const value = round(median(rounds));
  const low = round(percentile(rounds, 0.25));
  const high = round(percentile(rounds, 0.75));
  return {
    what,
    value,
    unit,
    budget,
    verdict: high <= budget ? 'held' : low > budget ? 'missed' : 'not judged',
    ...(typeof measured === 'number' ? {} : { spread: [low, high] as [number, number] }),
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

/** Milliseconds from start to exit of `node …args`. */
export async function timeNode(args: readonly string[]): Promise<number> {
  const [program, words] = held(process.execPath, args);
  const began = performance.now();
  const child = spawn(program, words, { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return performance.now() - began;
}

/** The floor of starts: an empty Node program, start to exit, ms. */
export function emptyNode(): Promise<number> {
  return timeNode(['-e', '']);
}

/** Resident memory, MB. */
export function residentMB(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** Processor time of all threads so far, ms, as the scheduler counts it (nanoseconds). */
function processorMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((tid) => Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]));
  return ns.reduce((sum, one) => sum + one, 0) / 1e6;
}

/** Share of one core that a process uses over `ms`, per cent. */
export async function processorShare(pids: readonly number[], ms: number): Promise<number[]> {
  const before = pids.map(processorMs);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const passed = performance.now() - began;
  return pids.map((pid, i) => ((processorMs(pid) - (before[i] ?? 0)) / passed) * 100);
}

/** {@link processorShare} of several rounds: a list for each process. */
export async function processorRounds(pids: readonly number[], ms: number, rounds: number): Promise<number[][]> {
  const shares: number[][] = pids.map(() => []);
  for (let round = 0; round < rounds; round++)
    (await processorShare(pids, ms)).forEach((share, i) => shares[i]?.push(share));
  return shares;
}

/** Divides the values of one list by those of another, round by round. */
export function ratios(ours: readonly number[] = [], theirs: readonly number[] = []): number[] {
  return ours.map((one, i) => one / (theirs[i] ?? Number.NaN));
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
