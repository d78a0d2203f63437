/** An outage as it travels between server and clients: the UPSes, what would happen now, what happened. */
import type { Address } from '../rack/address.ts';

/** `unknown`: it does not answer, or what it says contradicts itself. Never counted as mains. */
export type SupplyState = 'mains' | 'battery' | 'unknown';

/** What one UPS said last. */
export interface UpsReading {
  /** As the configuration calls it; `told` for the one that other UPS software speaks for. */
  name: string;
  state: SupplyState;
  /** The reason for `unknown`, as a sentence; null otherwise. */
  why: string | null;
  /** Battery charge, per cent; null where the UPS does not say. */
  charge: number | null;
  /** Seconds that the battery lasts at the present load; null where the UPS does not say. */
  runtimeS: number | null;
  /** Load, per cent of what the UPS can deliver; null where it does not say. */
  load: number | null;
  low: boolean;
  /** Its primary machine has announced that it will be switched off (NUT's FSD). */
  shutdown: boolean;
  replaceBattery: boolean;
  /** It discharges its battery to measure it: no outage. */
  calibrating: boolean;
  /** Why upsd does not count this machine among those that the UPS feeds, though it was to; null: it does, or was not asked to. */
  unregistered: string | null;
  /** When it gave its last answer that counts, server's clock; null: it gave none yet. */
  answeredAt: number | null;
}

/** What the UPSes of one policy deliver together. */
export interface Supply {
  state: SupplyState;
  low: boolean;
  shutdown: boolean;
  /** Seconds until too few of them deliver; null: not known. */
  runtimeS: number | null;
  /** The lowest charge among those that count, per cent; null: not known. */
  charge: number | null;
  /** Why the state is unknown; null otherwise. */
  why: string | null;
}

/**
 * `battery`: mains are away. `last`: the last plan runs or has run. `mains`: mains are back, and nothing is switched on yet.
 * `restoring`: what it took comes back. `ended`.
 */
export type OutagePhase = 'battery' | 'last' | 'mains' | 'restoring' | 'ended';

export interface OutageNode {
  addr: Address;
  name: string;
  /** `on`: never touched. `taken`: shut down by it. `lost`: was on, and was not shut down in order. */
  state: 'on' | 'taken' | 'lost' | 'restored' | 'came-back' | 'missing';
  /** What proves it, or what happened, as a sentence. */
  detail: string;
}

/** One outage, from mains failure to the last node. */
export interface OutageReport {
  id: string;
  /** Index of its policy in the configuration. */
  policy: number;
  /** A drill plays on the nodes named only. */
  drill: boolean;
  phase: OutagePhase;
  /** Epoch ms, for people. */
  startedAt: number;
  endedAt: number | null;
  /** This machine's own shutdown was announced: nothing is switched on before a server starts again. */
  committed: boolean;
  nodes: OutageNode[];
  /** Oldest first; epoch ms. */
  lines: { at: number; text: string }[];
}

/** What would happen from now on, if the battery drained as the UPS says. */
export interface OutageForecast {
  /** Seconds from now; null: nobody can tell when. */
  atS: number | null;
  text: string;
}

export interface OutageView {
  /** Selector of its nodes in words, or `the whole rack`. */
  nodes: string;
  supply: Supply;
  ups: UpsReading[];
  /**
   * Seconds that the battery lasts: as the UPS says, else reckoned from what it said last; on mains what it would last if
   * they failed now. Null: not known.
   */
  batteryS: number | null;
  /** The plan that comes last, its predicted length, ms, and whether the battery lasts for it; null: none is configured. */
  last: { plan: string; lengthMs: number | null; fits: boolean | null } | null;
  /** Sentences about what does not fit now: the plan is longer than the battery lasts. */
  problems: string[];
  forecast: OutageForecast[];
  /** Where the outage stands and since when, server's clock; null: there is none. */
  phase: { is: Exclude<OutagePhase, 'ended'>; since: number } | null;
  /** The one that is not over, else the last one that ended, or null. */
  outage: OutageReport | null;
}

export interface OutageStatus {
  /** Empty: neither `ups` nor `outage` is configured and nothing was ever told. */
  policies: OutageView[];
  /** How far the server's date is ahead of its clock, ms: a date of a report less this is a time of the clock. */
  dateAhead: number;
}

/** Charge (per cent), runtime (seconds) and load (per cent) of a UPS in a stretch of time; null: it did not say. */
export type UpsPoint = [charge: number | null, runtimeS: number | null, load: number | null];

export interface UpsHistoryRequest {
  name: string;
  /** Length of a point, ms, and how many of them up to now. */
  stepMs: number;
  count: number;
}

export interface UpsHistoryAnswer {
  name: string;
  /** Server's clock. */
  now: number;
  stepMs: number;
  /** Oldest first; null: it gave no answer. */
  points: (UpsPoint | null)[];
}

/** The policy to show where there is room for one: on battery before unknown before mains, then the least time left. */
export function mostPressing({ policies }: OutageStatus): OutageView | null {
  const shown = policies.filter(isWatched);
  const rank = ({ supply, batteryS }: OutageView): number =>
    ['battery', 'unknown', 'mains'].indexOf(supply.state) * 1e9 + (batteryS ?? 0);
  return shown.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** Whether anything is known of the supply: without a UPS nothing is, until other software says that the mains are away. */
export function isWatched({ ups, supply, phase }: OutageView): boolean {
  return ups.length > 0 || supply.state !== 'mains' || phase !== null;
}

/** The header's words, the longest first: `BATTERY 71 %, 11:20 left, shed-all takes 4:10`. */
export function supplyForms(view: OutageView, now: number): string[] {
  const { supply, last, batteryS } = view;
  const charge = supply.charge === null ? '' : ` ${Math.round(supply.charge)} %`;
  if (supply.state === 'mains') {
    const said = `mains${view.phase?.is === 'mains' ? ' back' : ''}${charge}`;
    return view.phase?.is === 'restoring' ? [`${said}, nodes come back`, said] : [said];
  }
  const battery = supply.state === 'battery';
  const state = battery ? `${supply.low ? 'BATTERY LOW' : 'BATTERY'}${charge}` : `UPS UNKNOWN${silence(view, now)}`;
  const left = batteryS === null ? null : `${battery ? '' : 'perhaps '}${clock(batteryS)} left`;
  const takes = last?.lengthMs == null ? null : `${last.plan} takes ${clock(last.lengthMs / 1000)}`;
  // On mains that are only not heard of, how long a battery would last is no news.
  const running = battery || view.phase !== null;
  const forms = [running ? [state, left, takes] : [state], running ? [state, left] : [state], [state]];
  return [...new Set(forms.map((parts) => parts.filter((part) => part !== null).join(', ')))];
}

/** ` 40 s`: for how long the UPS that was heard last has been silent. */
function silence({ ups }: OutageView, now: number): string {
  const heard = ups.filter(({ state }) => state === 'unknown').map(({ answeredAt }) => answeredAt);
  if (heard.length === 0 || heard.includes(null)) return '';
  const ms = now - Math.min(...heard.map((at) => at ?? now));
  return ms < 1000 ? '' : ` ${ageOf(ms)}`;
}

/** `mains, 98 %`; `BATTERY, 71 %, 11:20 left`. */
export function supplyText({ state, charge, runtimeS, why, low }: Supply): string {
  const parts = [state === 'battery' ? (low ? 'BATTERY LOW' : 'BATTERY') : state];
  if (charge !== null) parts.push(`${Math.round(charge)} %`);
  if (runtimeS !== null && state !== 'mains') parts.push(`${clock(runtimeS)} left`);
  if (state === 'unknown' && why !== null) parts.push(why);
  return parts.join(', ');
}

export function upsText(ups: UpsReading, now: number): string {
  const { state, charge, runtimeS, load, why, answeredAt } = ups;
  const heard = answeredAt === null ? 'it never answered' : `heard last ${ageOf(now - answeredAt)} ago`;
  const parts = [state === 'unknown' ? `unknown: ${why ?? ''}; ${heard}` : state];
  if (charge !== null) parts.push(`charge ${Math.round(charge)} %`);
  if (runtimeS !== null) parts.push(`lasts ${clock(runtimeS)}`);
  if (load !== null) parts.push(`load ${Math.round(load)} %`);
  if (ups.low) parts.push('low');
  if (ups.shutdown) parts.push('about to be switched off');
  if (ups.replaceBattery) parts.push('replace its battery');
  if (ups.calibrating) parts.push('calibrates');
  if (ups.unregistered !== null) parts.push(`does not wait for this machine: ${ups.unregistered}`);
  return parts.join(', ');
}

/** Milliseconds as `40 s`, `3 min`, `2 h`. */
function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Seconds as `m:ss`, above an hour `h:mm:ss`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
