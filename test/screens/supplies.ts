/** Supplies and outages as a server tells of them: mains, a battery that lasts, one that does not, a UPS that is silent. */
import type { OutageReport, OutageStatus, OutageView, UpsReading } from '../../src/api/outage.ts';
import { NOW } from './scene.ts';

export function upsReading(over: Partial<UpsReading> = {}): UpsReading {
  return {
    ...{ name: 'apc', state: 'mains', why: null, charge: 98, runtimeS: 2520, load: 41 },
    ...{
      low: false,
      shutdown: false,
      replaceBattery: false,
      calibrating: false,
      unregistered: null,
      answeredAt: NOW - 1_000,
    },
    ...over,
  };
}

/** One policy of one UPS; what the supply is follows from what the UPS says, but for what `over` says. */
export function outageView(ups: UpsReading, over: Partial<OutageView> = {}): OutageView {
  const { state, low, shutdown, runtimeS, charge, why } = ups;
  return {
    nodes: 'the whole rack',
    supply: { state, low, shutdown, charge, why, runtimeS: state === 'mains' ? null : runtimeS },
    ups: [ups],
    batteryS: runtimeS,
    last: { plan: 'shed-all', lengthMs: 250_000, fits: runtimeS === null ? null : runtimeS >= 250 },
    problems: [],
    forecast: [],
    phase: null,
    outage: null,
    ...over,
  };
}

const status = (...policies: OutageView[]): OutageStatus => ({ policies, dateAhead: 0 });

const REPORT: OutageReport = {
  ...{ id: 'oabc', policy: 0, drill: false, phase: 'battery', committed: false },
  ...{ startedAt: NOW - 151_000, endedAt: null },
  nodes: [
    { addr: 5, name: 'dk8s-worker-02', state: 'taken', detail: 'halted: reboot: Power down' },
    { addr: 9, name: 'dk8s-worker-03', state: 'taken', detail: 'goes down: stopping' },
    { addr: 3, name: 'k8s-worker-04', state: 'on', detail: 'on when the mains failed' },
  ],
  lines: [
    { at: NOW - 151_000, text: 'the mains have failed' },
    { at: NOW - 91_000, text: '60 s on battery: plan shed-dev begins' },
  ],
};

export const SUPPLIES = {
  mains: status(
    outageView(upsReading(), {
      forecast: [
        { atS: 0, text: 'mains fail' },
        { atS: 60, text: 'plan shed-dev begins, takes 90 s' },
        { atS: 2210, text: 'plan shed-all begins, takes 250 s' },
        { atS: 2520, text: 'the battery is empty' },
      ],
    }),
  ),
  battery: status(
    outageView(upsReading({ state: 'battery', charge: 71, runtimeS: 680 }), {
      phase: { is: 'battery', since: NOW - 151_000 },
      forecast: [
        { atS: 370, text: 'plan shed-all begins, takes 250 s' },
        { atS: 680, text: 'the battery is empty' },
      ],
      outage: REPORT,
    }),
  ),
  short: status(
    outageView(upsReading({ state: 'battery', charge: 9, runtimeS: 120, low: true }), {
      phase: { is: 'last', since: NOW - 20_000 },
      problems: [
        'plan shed-all takes 250 s and the battery lasts 120 s: nodes that have not shut down by then lose power',
      ],
      forecast: [{ atS: 120, text: 'the battery is empty' }],
      outage: { ...REPORT, phase: 'last' },
    }),
  ),
  unknown: status(
    outageView(
      upsReading({
        ...{ state: 'unknown', charge: null, runtimeS: null, load: null, answeredAt: NOW - 40_000 },
        why: 'no connection to upsd at 127.0.0.1:3493: connect ECONNREFUSED 127.0.0.1:3493',
      }),
      { batteryS: 640, phase: { is: 'battery', since: NOW - 151_000 }, outage: REPORT },
    ),
  ),
  restoring: status(
    outageView(upsReading({ charge: 55 }), {
      phase: { is: 'restoring', since: NOW - 30_000 },
      outage: { ...REPORT, phase: 'restoring' },
    }),
  ),
} satisfies Record<string, OutageStatus>;

/** Two groups of nodes: one on mains, one on battery. */
export const TWO: OutageStatus = status(
  outageView(upsReading({ name: 'left' }), { nodes: 'row:A' }),
  outageView(upsReading({ name: 'right', state: 'battery', charge: 80, runtimeS: 900 }), { nodes: 'row:B' }),
);
