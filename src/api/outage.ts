/** Outages as sent between server and clients: the UPSes, the forecast, the reports. */
import type { Address } from '../rack/address.ts';

/** `unknown`: no answer, or a contradictory one. Never counted as mains. */
export type SupplyState = 'mains' | 'battery' | 'unknown';

/** The latest reading of one UPS. */
export interface UpsReading {
  /** Name in the configuration; `told` for the one that other UPS software reports. */
  name: string;
  state: SupplyState;
  /** Reason for `unknown`, as a sentence; null otherwise. */
  why: string | null;
  /** Battery charge, per cent; null: not reported. */
  charge: number | null;
  /** Seconds that the battery lasts at the present load; null: not reported. */
  runtimeS: number | null;
  /** Load, per cent of the UPS's capacity; null: not reported. */
  load: number | null;
  low: boolean;
  /** The UPS's primary machine has announced that the UPS will be switched off (NUT's FSD). */
  shutdown: boolean;
  replaceBattery: boolean;
  /** The UPS discharges its battery to measure it: no outage. */
  calibrating: boolean;
  /**
   * Reason why upsd does not list this machine among those that the UPS feeds, though it should; null: it does, or
   * was not asked to.
   */
  unregistered: string | null;
  /** Time of its last valid answer, server's clock; null: none yet. */
  answeredAt: number | null;
}

/** The common supply of one policy's UPSes. */
export interface Supply {
  state: SupplyState;
  low: boolean;
  shutdown: boolean;
  /** Seconds until too few UPSes deliver; null: not known. */
  runtimeS: number | null;
  /** The lowest charge among those that count, per cent; null: not known. */
  charge: number | null;
  /** Reason for the state `unknown`; null otherwise. */
  why: string | null;
}

/**
 * `battery`: mains are off. `last`: the last plan runs or has run. `mains`: the mains have returned, and nothing is switched
 * on yet. `restoring`: the nodes that it took down are switched on again. `ended`.
 */
export type OutagePhase = 'battery' | 'last' | 'mains' | 'restoring' | 'ended';

export interface OutageNode {
  addr: Address;
  name: string;
  /** `on`: not affected. `taken`: shut down in order. `lost`: was on, and was not shut down in order. */
  state: 'on' | 'taken' | 'lost' | 'restored' | 'came-back' | 'missing';
  /** The evidence or the event, as a sentence. */
  detail: string;
}

/** One outage, from mains failure to the last node. */
export interface OutageReport {
  id: string;
  /** Index of its policy in the configuration. */
  policy: number;
  /** A drill concerns the named nodes only. */
  drill: boolean;
  phase: OutagePhase;
  /** Epoch ms, for display. */
  startedAt: number;
  endedAt: number | null;
  /** This machine's own shutdown was announced: nothing is switched on before a server starts again. */
  committed: boolean;
  nodes: OutageNode[];
  /** Oldest first; epoch ms. */
  lines: { at: number; text: string }[];
}

/** One predicted event, if the battery drains as the UPS reports. */
export interface OutageForecast {
  /** Seconds from now; null: not known. */
  atS: number | null;
  text: string;
}

export interface OutageView {
  /** Selector of its nodes, or `the whole rack`. */
  nodes: string;
  supply: Supply;
  ups: UpsReading[];
  /**
   * Seconds that the battery lasts, as the UPS reports, else calculated from its last report; on mains, for a failure
   * now. Null: not known.
   */
  batteryS: number | null;
  /** The last plan, its predicted length, ms, and whether the battery lasts for it; null: none is configured. */
  last: { plan: string; lengthMs: number | null; fits: boolean | null } | null;
  /** Sentences about problems now, as a plan longer than the battery lasts. */
  problems: string[];
  forecast: OutageForecast[];
  /** Phase of the outage and its start, server's clock; null: there is none. */
  phase: { is: Exclude<OutagePhase, 'ended'>; since: number } | null;
  /** The running outage, else the last one that ended; null: none. */
  outage: OutageReport | null;
}

export interface OutageStatus {
  /** Empty: neither `ups` nor `outage` is configured, and no supply was ever reported. */
  policies: OutageView[];
  /** Lead of the server's date over its clock, ms: subtracted from a date of a report, it gives a time of the clock. */
  dateAhead: number;
}

/** Charge (per cent), runtime (seconds) and load (per cent) of a UPS in a period; null: not reported. */
export type UpsPoint = [charge: number | null, runtimeS: number | null, load: number | null];

export interface UpsHistoryRequest {
  name: string;
  /** Length of a point, ms, and number of points up to now. */
  stepMs: number;
  count: number;
}

export interface UpsHistoryAnswer {
  name: string;
  /** Server's clock. */
  now: number;
  stepMs: number;
  /** Oldest first; null: no answer in it. */
  points: (UpsPoint | null)[];
}

/**
 * Returns the policy to show where there is room for one: on battery before unknown before mains, then the least time
 * left; null: none.
 */
export function mostPressing({ policies }: OutageStatus): OutageView | null {
  const shown = policies.filter(isWatched);
  const rank = ({ supply, batteryS }: OutageView): number =>
    ['battery', 'unknown', 'mains'].indexOf(supply.state) * 1e9 + (batteryS ?? 0);
  return shown.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** True when the supply is watched: without a UPS it is not, until other software reports a mains failure. */
export function isWatched({ ups, supply, phase }: OutageView): boolean {
  return ups.length > 0 || supply.state !== 'mains' || phase !== null;
}

/** Returns the texts for the header, the longest first: `BATTERY 71 %, 11:20 left, shed-all takes 4:10`. */
export function supplyForms(view: OutageView, now: number): string[] {
  const { supply, last, batteryS } = view;
  const charge = supply.charge === null ? '' : ` ${Math.round(supply.charge)} %`;
  if (supply.state === 'mains') {
    const mains = `mains${view.phase?.is === 'mains' ? ' back' : ''}`;
    const forms = charge === '' ? [mains] : [`${mains}, battery${charge}`, `${mains}${charge}`];
    return view.phase?.is === 'restoring'
      ? [...forms.map((form) => `${form}, nodes are switched on again`), forms.at(-1) ?? mains]
      : forms;
  }
  const battery = supply.state === 'battery';
  const state = battery ? `${supply.low ? 'BATTERY LOW' : 'BATTERY'}${charge}` : `UPS UNKNOWN${silence(view, now)}`;
  const left = batteryS === null ? null : `${battery ? '' : 'perhaps '}${clock(batteryS)} left`;
  const takes = last?.lengthMs == null ? null : `${last.plan} takes ${clock(last.lengthMs / 1000)}`;
  // Where the UPS is only silent, and no outage runs, the battery's time is left out.
  const running = battery || view.phase !== null;
  const forms = [running ? [state, left, takes] : [state], running ? [state, left] : [state], [state]];
  return [...new Set(forms.map((parts) => parts.filter((part) => part !== null).join(', ')))];
}

/** Formats the longest silence of a UPS: ` 40 s`; '' below a second, or where one never answered. */
function silence({ ups }: OutageView, now: number): string {
  const answers = ups.filter(({ state }) => state === 'unknown').map(({ answeredAt }) => answeredAt);
  if (answers.length === 0 || answers.includes(null)) return '';
  const ms = now - Math.min(...answers.map((at) => at ?? now));
  return ms < 1000 ? '' : ` ${ageOf(ms)}`;
}

/** Formats a supply: `mains, 98 %`; `BATTERY, 71 %, 11:20 left`. */
export function supplyText({ state, charge, runtimeS, why, low }: Supply): string {
  const parts = [state === 'battery' ? (low ? 'BATTERY LOW' : 'BATTERY') : state];
  if (charge !== null) parts.push(`${Math.round(charge)} %`);
  if (runtimeS !== null && state !== 'mains') parts.push(`${clock(runtimeS)} left`);
  if (state === 'unknown' && why !== null) parts.push(why);
  return parts.join(', ');
}

export function upsText(ups: UpsReading, now: number): string {
  const { state, charge, runtimeS, load, why, answeredAt } = ups;
  const lastAnswer = answeredAt === null ? 'it never answered' : `last answered ${ageOf(now - answeredAt)} ago`;
  const parts = [state === 'unknown' ? `unknown: ${why ?? ''}; ${lastAnswer}` : state];
  if (charge !== null) parts.push(`charge ${Math.round(charge)} %`);
  if (runtimeS !== null) parts.push(`lasts ${clock(runtimeS)}`);
  if (load !== null) parts.push(`load ${Math.round(load)} %`);
  if (ups.low) parts.push('low');
  if (ups.shutdown) parts.push('about to be switched off');
  if (ups.replaceBattery) parts.push('replace its battery');
  if (ups.calibrating) parts.push('calibrates');
  if (ups.unregistered !== null) parts.push(`does not count this machine as connected: ${ups.unregistered}`);
  return parts.join(', ');
}

/** Formats milliseconds as `40 s`, `3 min`, `2 h`. */
function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Formats seconds as `m:ss`, from an hour on `h:mm:ss`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
