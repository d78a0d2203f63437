/** The moment as an event. */
import type { UiEvent } from './events.ts';

export function tick(): UiEvent {
  const local = Date.now();
  return { type: 'tick', local, utcOffsetMin: utcOffsetMin(local) };
}

/** Minutes that this machine's clock is ahead of UTC: not the same all year. */
export function utcOffsetMin(at: number): number {
  return -new Date(at).getTimezoneOffset();
}
