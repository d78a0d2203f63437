/** Recognizes nodes of which nothing but a sample is new: at rest all of a rack, every second, for each client. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { BriefSample, NodeState } from '../../api/methods.ts';

/** Returns what is new in `state`, sent at `now`, to a client that has `before`; null: more than a sample. */
export function briefSample(before: NodeState | undefined, state: NodeState, now: number): BriefSample | null {
  if (before?.reading.state !== 'ok' || state.reading.state !== 'ok') return null;
  const { power, current, fan, at, rttMs } = state.reading.sample;
  if (before.reading.sample.power !== power || before.reading.source !== state.reading.source) return null;
  if (before.onSince !== state.onSince || before.op !== state.op) return null;
  for (const part of ['system', 'kubernetes', 'alarms'] as const)
    if (!isDeepStrictEqual(before[part], state[part])) return null;
  return [state.addr, current, fan, now - at, Math.round(rttMs * 100) / 100];
}
