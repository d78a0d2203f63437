/** A snapshot of the reference rack with one node of every kind, for what reports a rack to other programs. */
import type { Snapshot } from '../../src/api/methods.ts';
import { MIXED, NOW, RACK } from '../screens/scene.ts';

export const MIXED_SNAPSHOT: Snapshot = {
  now: NOW,
  rack: { ...RACK, name: 'er24a' },
  intervalMs: 1000,
  bus: {
    ...{ state: 'ready', port: '/dev/serial0', detail: '', since: NOW, recovery: null, quietReads: false, master: 0 },
    ...{ sweepMs: 412.5, sweepsPerS: 1, exchanges: 100, errors: 0 },
  },
  nodes: MIXED,
  console: null,
  sessions: [],
  operations: [],
  outage: { policies: [], dateAhead: 0 },
  config: { path: null, readAt: NOW, changed: [], later: [], problem: null },
  alarms: [],
  events: [],
};
