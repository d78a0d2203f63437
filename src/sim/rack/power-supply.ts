/**
 * The rack's power supply: a regulator for each blade, one brick, and perhaps a battery before it (bus-protocol section
 * 1: 50 W a blade, 300 W a rack). Pure and driven by time. Inactive until enabled: without it, every current is served.
 *
 * The watts are ours, scaled so that idle and booting nodes draw what a Pi 4 was seen to draw (shutdown section 1: 0.40
 * to 0.60 A idle, 0.85 to 1.1 A booting, at 5 V); a board's power in its first second was not published.
 */
import { isAlive } from '../guest/guest.ts';
import { noiseAt } from '../random.ts';
import type { SimNode } from './node.ts';
import type { Dialect } from './responses.ts';

/** Power of BMCs, bus, switch and chassis fans, W. */
const STANDING_W = 12;
/** Interval of its evaluation, guest ms: a node's first second is seen several times. */
const STEP_MS = 200;
/**
 * Time after which a reset node starts again, guest ms; nodes differ, because otherwise their peaks would coincide
 * again.
 */
const RESTART_MS = { least: 300, span: 6_000 };
const NODES_A_BLADE = 4;

export interface SupplyState {
  /** Whether too much load makes the voltage fall. */
  limits: boolean;
  mains: boolean;
  /** Total power drawn now, W. */
  watts: number;
  /** By row, `A` first. */
  blades: Record<string, number>;
  /** Null: there is none. */
  battery: { capacityWh: number; leftWh: number } | null;
  /** Nothing has power: the mains are off and the battery is empty, or there is none. */
  dead: boolean;
}

export class Supply {
  limits = false;
  bladeW = 50;
  rackW = 300;
  private mains = true;
  private battery: { capacityWh: number; leftWh: number } | null = null;
  /** Charging power from the mains, W. */
  private chargeW = 0;
  private outOfPower = false;
  /** Nodes that were off when all power was lost. */
  private wereOff: ReadonlySet<SimNode> = new Set();
  /** Wire time up to which it was computed. */
  private at: number;
  private readonly restarts = new Map<SimNode, number>();
  private readonly nodes: readonly SimNode[];
  private readonly master: SimNode;

  constructor(nodes: readonly SimNode[], master: SimNode, at: number) {
    this.nodes = nodes;
    this.master = master;
    this.at = at;
  }

  /** True while nothing has power. */
  get dead(): boolean {
    return this.outOfPower;
  }

  /** Puts a full battery of `wattHours` before the brick; 0: none. Mains charge it with `chargeW`. */
  setBattery(wattHours: number, chargeW: number, at: number): void {
    this.advance(at);
    this.chargeW = chargeW;
    this.battery = wattHours > 0 ? { capacityWh: wattHours, leftWh: wattHours } : null;
  }

  /**
   * Switches the mains off or on. Returns true when they end an outage that no battery bridged: then every node boots
   * by itself, all at once, as was seen; the behaviour of one that had been switched off before is not known. `habits`
   * sets both.
   */
  setMains(on: boolean, at: number, habits: Pick<Dialect, 'mains' | 'mainsAfterOff'>): boolean {
    this.advance(at);
    this.mains = on;
    if (!on && this.battery === null) this.fail(at);
    if (!on || !this.outOfPower) return false;
    this.outOfPower = false;
    this.master.power = 'on';
    for (const node of this.nodes) {
      const habit = this.wereOff.has(node) ? habits.mainsAfterOff : habits.mains;
      if (node !== this.master && habit === 'boots' && node.power === 'off') node.switchPower('on', at);
    }
    return true;
  }

  /** Updates drain, brown-outs and restarts to `at` (wire ms). */
  advance(at: number): void {
    const from = this.at;
    this.at = Math.max(this.at, at);
    this.charge(from);
    if (this.outOfPower || !this.active) return;
    this.drain(from);
    this.restart();
    if (!this.limits) return;
    if (this.total() > this.rackW) this.brownOut(this.nodes);
    else for (const blade of this.blades().values()) if (sum(blade, this.at) > this.bladeW) this.brownOut(blade);
  }

  /** Returns the time of the next evaluation, wire ms; Infinity: never. */
  nextDeadline(): number {
    if (this.outOfPower || !this.active) return Infinity;
    return this.at + STEP_MS / this.master.timeScale;
  }

  describe(at: number): SupplyState {
    this.advance(at);
    const blades = [...this.blades()].map(([row, nodes]) => [
      String.fromCharCode(65 + row),
      round(sum(nodes, this.at)),
    ]);
    return {
      limits: this.limits,
      mains: this.mains,
      watts: this.outOfPower ? 0 : round(this.total()),
      blades: Object.fromEntries(blades) as Record<string, number>,
      battery: this.battery && { ...this.battery },
      dead: this.outOfPower,
    };
  }

  private get active(): boolean {
    return this.limits || !this.mains || this.restarts.size > 0;
  }

  /** Returns the guests' hours since `from`. */
  private hoursSince(from: number): number {
    return ((this.at - from) * this.master.timeScale) / 3_600_000;
  }

  private charge(from: number): void {
    if (!this.mains || this.battery === null) return;
    const { capacityWh, leftWh } = this.battery;
    this.battery.leftWh = Math.min(capacityWh, leftWh + this.chargeW * this.hoursSince(from));
  }

  private drain(from: number): void {
    if (this.mains || this.battery === null) return;
    const hours = this.hoursSince(from);
    this.battery.leftWh = Math.max(0, this.battery.leftWh - this.total() * hours);
    if (this.battery.leftWh === 0) this.fail(this.at);
  }

  private fail(at: number): void {
    this.outOfPower = true;
    this.restarts.clear();
    this.wereOff = new Set(this.nodes.filter(({ power }) => power === 'off'));
    for (const node of this.nodes) {
      if (node === this.master) continue;
      node.advance(at);
      if (node.power === 'on' && isAlive(node.guest.phase)) node.counters.lostPower += 1;
      if (node.power !== 'disabled') node.switchPower('off', at);
    }
    this.master.power = 'off';
  }

  /** Resets every board on a fallen voltage. The master's is left out: a driver under test does not run there. */
  private brownOut(nodes: readonly SimNode[]): void {
    for (const node of nodes) {
      if (node === this.master || node.power !== 'on' || this.restarts.has(node)) continue;
      node.counters.brownOuts += 1;
      node.guest.powerOff(node.guestTime(this.at));
      const wait = RESTART_MS.least + RESTART_MS.span * noiseAt(node.addr, node.counters.brownOuts, 21);
      this.restarts.set(node, this.at + wait / node.timeScale);
    }
  }

  private restart(): void {
    for (const [node, due] of this.restarts) {
      if (node.power === 'on' && due > this.at) continue;
      this.restarts.delete(node);
      if (node.power === 'on') node.startGuest(this.at);
    }
  }

  /** Returns the seconds of wire time that the battery lasts at the present load; null: there is none. */
  secondsLeft(at: number): number | null {
    this.advance(at);
    if (this.battery === null) return null;
    return this.outOfPower ? 0 : ((this.battery.leftWh / this.total()) * 3_600) / this.master.timeScale;
  }

  private total(): number {
    return STANDING_W + sum(this.nodes, this.at);
  }

  private blades(): Map<number, SimNode[]> {
    const blades = new Map<number, SimNode[]>();
    for (const node of this.nodes) {
      const row = Math.floor(node.addr / NODES_A_BLADE);
      blades.set(row, [...(blades.get(row) ?? []), node]);
    }
    return blades;
  }
}

function sum(nodes: readonly SimNode[], at: number): number {
  return nodes.reduce((watts, node) => watts + node.watts(at), 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
