/**
 * How long a machine had been up when it was asked to shut down, held against the kernel's stamps: a halt line from a log
 * of another day carries another time. Pure.
 */
import { stampOf } from './markers.ts';

/** What `/proc/uptime` prints. */
const UPTIME = /^(\d+\.\d\d) \d+\.\d\d\s*$/;
/**
 * How far the kernel's stamps may lie from `/proc/uptime`, which follows the network's time and they do not: more than an
 * oscillator drifts. And how much later than the request a last line can be, s: no shutdown takes an hour.
 */
const DRIFT = { share: 0.001, seconds: 60 };
const SHUTDOWN_WITHIN_S = 3_600;

/** Seconds, or null: the line is no `/proc/uptime`. */
export function readUptime(line: string): number | null {
  const [, seconds] = UPTIME.exec(line) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/** A stamp that this machine's clock cannot have shown since the request, at `uptime` seconds: an old log is quoted. */
export function isFromAnotherTime(line: string, uptime: number | null): boolean {
  const stamp = stampOf(line);
  if (stamp === null || uptime === null) return false;
  const drift = DRIFT.seconds + DRIFT.share * uptime;
  return stamp < uptime - drift || stamp > uptime + drift + SHUTDOWN_WITHIN_S;
}
