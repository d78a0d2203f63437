/** Exchanges in words: bytes that nobody could read are named, never shown as they are. */
import type { BusLogEntry } from '../api/bus.ts';
import { spellBytes } from '../api/spell-bytes.ts';
import { clock, iso, wallOf } from './dates.ts';

/** One exchange on one line. */
export function exchangeLine({ at, out, in: heard, ms, note }: BusLogEntry): string {
  const time = `${clock(at)}.${String(wallOf(at) % 1000).padStart(3, '0')}`;
  if (note !== null) return `${time}  -- ${note}`;
  const took = ms === null ? '      ' : `${ms.toFixed(0).padStart(4)} ms`;
  return `${time} ${took.padStart(7)}  > ${spellBytes(out).padEnd(14)} < ${heard === '' ? '(nothing)' : spellBytes(heard)}`;
}

/** The documented JSON of an exchange. */
export function exchangeJson({ seq, at, out, in: heard, ms, note }: BusLogEntry): Record<string, unknown> {
  return { seq, at: iso(at), out, in: heard, ms, note };
}
