/** The moment as an event: the steady clock for what lasts, the wall clock for what is shown as a date. */
import { steadyNow } from '../lib/clock.ts';
import type { UiEvent } from './events.ts';

export function tick(): UiEvent {
  return { type: 'tick', local: steadyNow(), dateAhead: dateAhead() };
}

/** Milliseconds by which the operator's time of day, as a date of UTC, is ahead of the steady clock. */
export function dateAhead(): number {
  const wall = Date.now();
  return wall - steadyNow() + utcOffsetMin(wall) * 60_000;
}

/** Minutes that this machine's zone is ahead of UTC: not the same all year. */
export function utcOffsetMin(at: number): number {
  return -new Date(at).getTimezoneOffset();
}
