/** Stands for the server of a rack that could not be reached: an empty rack whose connection has ended, with the reason. */
import { API_VERSION, RPC_ERROR } from '../api/methods.ts';
import { steadyNow, wallTime } from '../lib/clock.ts';
import { type RackClient, RpcFailure } from './client.ts';

/** `name`: the rack's; `why`: the reason as a sentence. */
export function absentClient(name: string, why: string): RackClient {
  const now = steadyNow();
  const refuse = (): never => {
    throw new RpcFailure(RPC_ERROR.unavailable, why);
  };
  return {
    welcome: {
      ...{ api: API_VERSION, version: '', pid: 0, session: 0, access: 'control' },
      snapshot: {
        now,
        rack: { name, configured: true, nodes: [], calibration: null },
        intervalMs: 1_000,
        bus: {
          ...{ state: 'down', port: '', detail: why, since: now, recovery: null, master: null, quietReads: false },
          ...{ sweepMs: null, sweepsPerS: null, exchanges: 0, errors: 0 },
        },
        ...{ nodes: [], console: null, sessions: [], operations: [], alarms: [], events: [] },
        outage: { policies: [], dateAhead: 0 },
        config: { path: null, readAt: now, changed: [], later: [], problem: null },
      },
    },
    path: null,
    now: steadyNow,
    wallTime,
    request: () => Promise.resolve().then(refuse),
    note: () => undefined,
    on: () => () => undefined,
    onClose: (listener) => {
      queueMicrotask(() => listener(why));
      return () => undefined;
    },
    close: () => undefined,
  };
}
