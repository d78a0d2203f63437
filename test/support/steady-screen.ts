/** The interface's screen while nothing happens but a sweep a second: its bytes to the terminal, and processor time. */
import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeState } from '../../src/api/methods.ts';
import { unnamedNode, type Inventory } from '../../src/rack/inventory.ts';
import { Panes } from '../../src/tui/canvas/panes.ts';
import { BEAT_MS, BEATS } from '../../src/tui/map/node-look.ts';
import type { View } from '../../src/tui/model/state.ts';
import { Terminal } from '../../src/tui/terminal/terminal.ts';
import { createPalette, type Palette, THEMES } from '../../src/tui/terminal/theme.ts';
import { NOW, RACK, Scene } from '../screens/scene.ts';

interface SteadyOptions {
  theme: string;
  cols: number;
  rows: number;
  nodes: number;
  view?: Partial<View>;
}

/** The reference rack, or one of so many nodes. */
function rackOf(count: number): Inventory {
  if (count === RACK.nodes.length) return RACK;
  const nodes = Array.from({ length: count }, (_, addr) => ({ ...unnamedNode(addr), name: `worker-${addr}` }));
  return { name: `er${count}`, nodes, configured: true, calibration: null };
}

/** Jitter of a count or two, and a few nodes that work and rest: without chance, so that a figure stays. */
function sampled(addr: number, second: number, at: number): NodeState {
  const busy = addr % 6 === 1 ? 8 * Math.sin(second / 7 + addr) : 0;
  const current = Math.round(30 + (addr % 5) * 2 + busy + ((second * 7 + addr * 3) % 4) - 2);
  const fan = 108 + (addr % 7) + ((second * 3 + addr) % 3);
  const sample = { power: 'on', current, fan, at, rttMs: 3 } as const;
  const reading = { state: 'ok', sample, source: 'sweep' } as const;
  return { addr, reading, system: null, onSince: null, kubernetes: null, alarms: [], op: null };
}

/** Time from one node's sample to the next in a sweep, ms. */
const APART_MS = 3.5;

export class SteadyScreen implements Disposable {
  readonly scene: Scene;
  readonly #palette: Palette;
  readonly #terminal: Terminal;
  readonly #panes = new Panes();
  readonly #file = join(tmpdir(), `rackui-screen-${process.pid}-${Math.random().toString(36).slice(2)}`);
  readonly #fd = openSync(this.#file, 'w');
  #now = NOW;
  #second = 0;

  constructor({ theme, cols, rows, nodes, view = {} }: SteadyOptions) {
    const rack = rackOf(nodes);
    this.scene = new Scene({ cols, rows, rack });
    this.scene.state = { ...this.scene.state, view: { ...this.scene.state.view, ...view } };
    this.#palette = createPalette(THEMES[theme] ?? { name: theme, inks: {}, grounds: {} }, 256);
    this.#terminal = new Terminal({ fd: this.#fd }, { cols, rows }, this.#palette, (error) => {
      throw error;
    });
  }

  /** Bytes written up to now. */
  async bytes(): Promise<number> {
    while (!this.#terminal.settled) await new Promise((resolve) => setImmediate(resolve));
    return fstatSync(this.#fd).size;
  }

  /** Draws a frame as the renderer does; returns the processor time that it took, ms. */
  frame(): number {
    const before = process.cpuUsage();
    this.#terminal.show(this.scene.seen(false, this.#panes));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  /** Lets so many seconds pass, each with one sweep and the frames that the interface draws; returns each frame's time. */
  run(seconds: number): number[] {
    const times: number[] = [];
    for (let i = 0; i < seconds; i++) times.push(...this.#runSecond());
    return times;
  }

  /** Lets time pass without a sample. */
  wait(ms: number): void {
    this.#now += ms;
    this.scene.later(ms);
    this.frame();
  }

  #runSecond(): number[] {
    this.#second++;
    const { nodes } = this.scene.state.rack;
    const begin = this.#now;
    const times: number[] = [];
    const at = (now: number): void => {
      this.scene.later(now - this.#now);
      this.#now = now;
    };
    // The server sends at most ten updates a second.
    const took = nodes.length * APART_MS;
    at(begin + Math.min(900, took));
    const states = nodes.map(({ addr }) => sampled(addr, this.#second, begin + Math.min(900, addr * APART_MS)));
    this.scene.dispatch({ type: 'update', note: { now: this.#now, nodes: states }, local: this.#now });
    times.push(this.frame());
    if (this.#palette.pulses)
      for (let beat = 0; beat <= BEATS; beat++) {
        at(this.#now + BEAT_MS);
        times.push(this.frame());
      }
    at(Math.max(this.#now, begin + 1000));
    times.push(this.frame());
    return times;
  }

  [Symbol.dispose](): void {
    this.#terminal.leave();
    closeSync(this.#fd);
    unlinkSync(this.#file);
  }
}
