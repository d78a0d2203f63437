/**
 * Dates for the times that a server tells: those are steady, and only its client knows which date they were. A command
 * talks to one server; what it prints of times goes through here.
 */
import type { RackClient } from '../client/client.ts';

let dateOf = (at: number): number => at;

/** From now on times are those of this client's server. */
export function useDatesOf(client: Pick<RackClient, 'wallTime'>): void {
  dateOf = (at) => client.wallTime(at);
}

/** Epoch milliseconds. */
export function wallOf(at: number): number {
  return dateOf(at);
}

/** Time of day, of this machine. */
export function clock(at: number): string {
  const date = new Date(dateOf(at));
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** ISO 8601. */
export function iso(at: number): string {
  return new Date(dateOf(at)).toISOString();
}
