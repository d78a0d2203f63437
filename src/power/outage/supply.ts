/** Reads the state of one UPS, and combines several into one supply. Pure. */
import type { Supply, UpsReading } from '../../api/outage.ts';

/** Reads NUT's variables of one UPS. A status with both mains and battery, or neither, is unknown. */
export function readingFrom(
  name: string,
  variables: ReadonlyMap<string, string>,
  { unregistered = null, answeredAt = null }: Partial<Pick<UpsReading, 'unregistered' | 'answeredAt'>> = {},
): UpsReading {
  const status = variables.get('ups.status') ?? '';
  const flags = new Set(status.toUpperCase().split(/\s+/));
  const online = flags.has('OL');
  const battery = flags.has('OB');
  const calibrating = flags.has('CAL');
  const known = online !== battery;
  return {
    name,
    state: !known ? 'unknown' : battery && !calibrating ? 'battery' : 'mains',
    why: known
      ? null
      : `its status is '${status.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')}': neither mains nor battery`,
    charge: within(variables.get('battery.charge'), 100),
    runtimeS: within(variables.get('battery.runtime'), 7 * 86_400),
    load: within(variables.get('ups.load'), 1000),
    low: flags.has('LB') && !calibrating,
    shutdown: flags.has('FSD'),
    replaceBattery: flags.has('RB'),
    calibrating,
    unregistered,
    answeredAt,
  };
}

/** Returns the reading of a UPS that does not answer; earlier battery values are not repeated as if they were fresh. */
export function unknownReading(name: string, why: string, answeredAt: number | null = null): UpsReading {
  return {
    name,
    state: 'unknown',
    why,
    charge: null,
    runtimeS: null,
    load: null,
    low: false,
    shutdown: false,
    replaceBattery: false,
    calibrating: false,
    unregistered: null,
    answeredAt,
  };
}

/**
 * Combines `readings` where `needs` of them must deliver. `assumedS`: shortest runtime of a full battery, s, for those
 * that report none; null: not configured. `onBatteryS`: seconds since the mains failed.
 */
export function combineSupplies(
  readings: readonly UpsReading[],
  needs: number,
  assumedS: number | null,
  onBatteryS = 0,
): Supply {
  const count = (holds: (reading: UpsReading) => boolean): number => readings.filter(holds).length;
  const mains = count(({ state, shutdown }) => state === 'mains' && !shutdown);
  const unknown = readings.filter(({ state }) => state === 'unknown');
  const drained = readings.filter(({ state, shutdown }) => state === 'battery' || shutdown);
  // A silent UPS is not known to deliver: beside one on battery it does not count as mains.
  const state = mains >= needs ? 'mains' : drained.length > 0 ? 'battery' : 'unknown';
  // The supply ends with the battery whose end leaves too few.
  const missing = needs - mains;
  const onBattery = readings.filter((one) => one.state === 'battery');
  const runtimes = onBattery.map((one) => runtimeOf(one, assumedS, onBatteryS)).sort((a, b) => (b ?? -1) - (a ?? -1));
  const holding = count((one) => one.state !== 'unknown' && !one.low && !one.shutdown);
  const charges = readings.map(({ charge }) => charge).filter((charge) => charge !== null);
  return {
    state,
    low: state !== 'mains' && holding < needs && readings.some(({ low }) => low),
    shutdown:
      readings.some(({ shutdown }) => shutdown) && count((one) => !one.shutdown && one.state !== 'unknown') < needs,
    runtimeS: state === 'mains' || missing <= 0 ? null : (runtimes[missing - 1] ?? null),
    charge: charges.length === 0 ? null : Math.min(...charges),
    why: state === 'unknown' ? unknown.map(({ name, why }) => `${name}: ${why ?? ''}`).join('; ') || null : null,
  };
}

/** The supply as other UPS software reported it. */
export interface ReportedSupply {
  state: 'mains' | 'battery';
  at: number;
  /** Seconds that the battery lasted then; null: not reported. */
  runtimeS: number | null;
}

/** Returns the reported supply, updated to `now`; without a report the mains are present. */
export function supplyFromReport(reported: ReportedSupply | null, now: number, assumedS: number | null): Supply {
  const blank = { low: false, shutdown: false, charge: null, why: null };
  if (reported === null) return { ...blank, state: 'mains', runtimeS: null };
  const runtimeS = reported.runtimeS ?? assumedS;
  const left = runtimeS === null ? null : Math.max(0, runtimeS - (now - reported.at) / 1000);
  return { ...blank, state: reported.state, runtimeS: left };
}

/** Returns `readings` as they would be if the mains failed now. */
export function withoutMains(readings: readonly UpsReading[]): UpsReading[] {
  return readings.map((reading) => (reading.state === 'mains' ? { ...reading, state: 'battery' } : reading));
}

/**
 * Returns the seconds that a battery lasts: by the UPS's report, else by its charge, else the rest of the configured
 * minimum.
 */
function runtimeOf({ runtimeS, charge }: UpsReading, assumedS: number | null, onBatteryS: number): number | null {
  if (runtimeS !== null) return runtimeS;
  if (assumedS === null) return null;
  return charge === null ? Math.max(0, assumedS - onBatteryS) : (charge / 100) * assumedS;
}

function within(text: string | undefined, limit: number): number | null {
  if (text === undefined || text.trim() === '') return null;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? Math.min(value, limit) : null;
}
