/** A running simulated rack: the simulator, the link that points to its device, its network and its UPS. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSimulator } from './build.ts';
import { Network, type NetworkOptions } from './network.ts';
import type { SimOptions } from './options.ts';
import type { Simulator, Surroundings } from './simulator.ts';
import { Upsd, upsVariables } from './upsd.ts';

const CHARGE_HOURS = 0.5;

export class SimHost {
  readonly simulator: Simulator;
  /** Symbolic link to the device, or null. It is removed with the device. */
  readonly link: string | null;
  readonly control: string;
  private readonly temporary: string | null;
  private readonly endings: (() => void)[] = [];
  private network: Network | null = null;
  private upsd: Upsd | null = null;
  private ups: { port: number; login: { user: string; password: string } } | null = null;

  private constructor(options: SimOptions, surroundings?: Surroundings) {
    this.simulator = buildSimulator(options, surroundings).simulator;
    this.link = options.link;
    this.temporary = options.control === null ? mkdtempSync(join(tmpdir(), 'rackui-sim-')) : null;
    this.control = options.control ?? join(this.temporary ?? '', 'control');
  }

  /** @throws {Error} for operators where the rack file or the link cannot be used */
  static async start(options: SimOptions, surroundings?: Surroundings): Promise<SimHost> {
    const host = new SimHost(options, surroundings);
    try {
      host.plug();
      if (options.upsd !== null) await host.bringUps(options);
    } catch (error) {
      host.close();
      throw error;
    }
    return host;
  }

  /** Path of the device, or null while it is unplugged. */
  get port(): string | null {
    return this.simulator.port;
  }

  /** Plugs the adapter in; its device may have another path each time. Returns the path. */
  plug(): string {
    const port = this.simulator.plug();
    if (this.link !== null) {
      rmSync(this.link, { force: true });
      symlinkSync(port, this.link);
    }
    return port;
  }

  unplug(): void {
    if (this.link !== null) rmSync(this.link, { force: true });
    this.simulator.unplug();
  }

  /** Flags of the UPS's status beside `OL` or `OB`. */
  upsFlags: readonly string[] = [];

  /** Ends upsd, or starts it again at the same port. */
  async runUpsd(on: boolean): Promise<void> {
    const ups = this.ups;
    if (ups === null) throw new Error('this rack has no UPS: --upsd gives it one');
    this.upsd?.close();
    const { supply } = this.simulator.rack;
    const variables = (): Map<string, string> => upsVariables(supply, this.simulator.now(), this.upsFlags);
    this.upsd = on ? await Upsd.listen(ups.port, ups.login, variables) : null;
    if (this.upsd !== null) ups.port = this.upsd.port;
  }

  private async bringUps({ upsd, battery, user, password }: SimOptions): Promise<void> {
    const { supply } = this.simulator.rack;
    // An empty battery is full again after half an hour of guest time.
    supply.setBattery(battery, battery / CHARGE_HOURS, this.simulator.now());
    this.ups = { port: upsd ?? 0, login: { user, password } };
    await this.runUpsd(true);
  }

  /** Opens the nodes' ports on loopback; earlier ones are closed. The master drives the bus, and has none here. */
  async listen(options: NetworkOptions): Promise<void> {
    this.network?.close();
    const { rack } = this.simulator;
    const nodes = [...rack.nodes.values()].filter((node) => node !== rack.master);
    this.network = await Network.open(nodes, options, () => this.simulator.now());
  }

  /** Port of upsd, or null: there is no UPS. */
  get upsPort(): number | null {
    return this.ups?.port ?? null;
  }

  /** Adds a function to call when this host is closed. */
  onClose(end: () => void): void {
    this.endings.push(end);
  }

  close(): void {
    this.network?.close();
    this.upsd?.close();
    for (const end of this.endings) end();
    if (this.link !== null) rmSync(this.link, { force: true });
    this.simulator.close();
    rmSync(this.control, { force: true });
    if (this.temporary !== null) rmSync(dirname(this.control), { recursive: true, force: true });
  }
}
