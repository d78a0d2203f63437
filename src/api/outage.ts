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
  /** The plan that comes last and its predicted length, ms; null: none is configured. */
  last: { plan: string; lengthMs: number | null } | null;
  /** Sentences about what does not fit now: the plan is longer than the battery lasts. */
  problems: string[];
  forecast: OutageForecast[];
  /** The one that is not over, else the last one that ended, or null. */
  outage: OutageReport | null;
}

export interface OutageStatus {
  /** Empty: neither `ups` nor `outage` is configured and nothing was ever told. */
  policies: OutageView[];
}
