/** Decides the look of a node's state: one place decides what is green, so that nothing old or unknown ever is. */
import type { NodeState } from '../../api/methods.ts';
import type { Address } from '../../rack/address.ts';
import { addDraw, ampsOf, type Draw } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { ageMs, freshness, type Freshness, shownPower } from '../../rack/reading.ts';
import { nodeCondition, type NodeCondition } from '../../rack/system-state.ts';
import type { InkRole } from '../canvas/frame.ts';
import { formatAge } from '../canvas/glyphs.ts';
import type { State } from '../model/state.ts';

const UNASKED: NodeState['reading'] = { state: 'unasked' };

export class NodeLook {
  /** Shown condition: never `on` where the system is known not to be up. */
  readonly power: NodeCondition;
  readonly freshness: Freshness;
  readonly ink: InkRole;
  /** Current in counts; null where no value may be shown. */
  readonly current: number | null;
  readonly fan: number | null;
  /** Age of the reading; null: there never was a value. */
  readonly ageMs: number | null;
  /** Place of the node's beat, 0 to {@link BEATS} - 1; null: it has none now. */
  readonly beat: number | null;
  readonly #reading: NodeState['reading'];
  readonly #now: number;

  constructor(state: State, node: NodeState | undefined) {
    const reading = node?.reading ?? UNASKED;
    const seen = freshness(reading, state.now, state.intervalMs);
    const sample = reading.state === 'ok' ? reading.sample : null;
    this.#reading = reading;
    this.#now = state.now;
    this.power = nodeCondition(shownPower(reading), node?.system ?? null);
    // Without a server nothing is fresh, however young it was when the connection broke.
    this.freshness = state.link.kind === 'lost' && seen === 'fresh' ? 'stale' : seen;
    this.ageMs = ageMs(reading, state.now);
    const beats = this.power === 'on' && this.freshness === 'fresh';
    this.beat = beats ? placeAt(this.ageMs, state.strips.lagMs) : null;
    this.ink = inkOf(this.power, this.freshness, this.beat);
    this.current = sample?.current ?? null;
    this.fan = sample?.fan ?? null;
  }

  /** `12s`; null while fresh, and where there never was a value. */
  get age(): string | null {
    const reading = this.#reading;
    if (reading.state === 'failed' && reading.last !== null) return formatAge(Math.max(0, this.#now - reading.last.at));
    return this.freshness === 'fresh' || this.ageMs === null ? null : formatAge(this.ageMs);
  }
}

/** Looks by state: a frame needs each node's some ten times. */
const LOOKS = new WeakMap<State, Map<NodeState | undefined, NodeLook>>();

export function lookOf(state: State, node: NodeState | undefined): NodeLook {
  let looks = LOOKS.get(state);
  if (looks === undefined) LOOKS.set(state, (looks = new Map<NodeState | undefined, NodeLook>()));
  let look = looks.get(node);
  if (look === undefined) looks.set(node, (look = new NodeLook(state, node)));
  return look;
}

/**
 * A new sample shows as a beat that travels from the new end of the strip to its middle, then to the node's sign: so many
 * places, so long in each, ms. It follows real samples, not a clock. A fourth place would cost a kilobyte a second.
 */
export const BEATS = 3;
export const BEAT_MS = 120;

/** The samples of a sweep come together: `lagMs` later the beats follow each other as the samples did. */
function placeAt(age: number | null, lagMs: number): number | null {
  const place = age === null ? BEATS : Math.floor((age - lagMs) / BEAT_MS);
  return place >= 0 && place < BEATS ? place : null;
}

/** Colours of the conditions while their readings are fresh. */
const CONDITION_INK: Record<NodeCondition, InkRole> = {
  on: 'ok',
  booting: 'aging',
  'going-down': 'warn',
  halted: 'warn',
  failed: 'fault',
  off: 'off',
  disabled: 'warn',
  unknown: 'unknown',
  absent: 'dim',
};

export const inkOfCondition = (power: NodeCondition): InkRole => CONDITION_INK[power];

function inkOf(power: NodeCondition, fresh: Freshness, beat: number | null): InkRole {
  const usual = inkOfCondition(power);
  if (power === 'unknown' || power === 'absent') return usual;
  if (fresh === 'stale') return 'stale';
  if (power !== 'on') return usual;
  if (fresh !== 'fresh') return 'aging';
  return beat === BEATS - 1 ? 'pulse' : usual;
}

/** Returns whether a node's current is part of a sum: an old value is none of the present ones. */
export function isSummed(look: NodeLook): look is NodeLook & { current: number; ageMs: number } {
  return look.current !== null && (look.freshness === 'fresh' || look.freshness === 'aging');
}

export interface Counts {
  on: number;
  booting: number;
  /** Nodes with power whose systems have halted, are going down, or did not come up. */
  halted: number;
  'going-down': number;
  failed: number;
  off: number;
  disabled: number;
  /** Nodes not polled yet. */
  unknown: number;
  /** Nodes that stopped answering. */
  lost: number;
  /** Of all these, the number of stale readings. */
  old: number;
  /** Sum over the nodes whose reading is not stale; null: there is none. */
  draw: Draw | null;
}

/** Counts by state, of the whole rack. */
const COUNTS = new WeakMap<State, Counts>();

/** Counts the nodes by condition: of the rack, or of some of its nodes. */
export function countsOf(state: State, nodes?: readonly InventoryNode[]): Counts {
  if (nodes !== undefined) return count(state, nodes);
  let counts = COUNTS.get(state);
  if (counts === undefined) COUNTS.set(state, (counts = count(state, state.rack.nodes)));
  return counts;
}

function count(state: State, nodes: readonly InventoryNode[]): Counts {
  const counts = {
    on: 0,
    booting: 0,
    'going-down': 0,
    halted: 0,
    failed: 0,
    off: 0,
    disabled: 0,
    unknown: 0,
    lost: 0,
    old: 0,
  };
  const draw: Draw = { counts: 0, amps: 0 };
  let summed = 0;
  for (const { addr, calibration } of nodes) {
    const view = viewOf(state, addr);
    const look = lookOf(state, view);
    if (look.power === 'absent' || view?.reading.state === 'failed') counts.lost++;
    else if (look.power === 'unknown') counts.unknown++;
    else counts[look.power]++;
    if (look.freshness === 'stale') counts.old++;
    if (!isSummed(look)) continue;
    summed++;
    addDraw(draw, look.current, ampsOf(look.current, calibration));
  }
  return { ...counts, draw: summed === 0 ? null : draw };
}

export function viewOf(state: State, addr: Address): NodeState | undefined {
  return state.nodes.get(addr);
}
