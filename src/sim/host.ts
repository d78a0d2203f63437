/** A running simulated rack: the simulator, the link that points to its device, the control socket beside it. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSimulator } from './build.ts';
import { listen, type ControlServer } from './control.ts';
import { Network, type NetworkOptions } from './network.ts';
import type { SimOptions } from './options.ts';
import type { Simulator } from './simulator.ts';

export class SimHost {
  readonly simulator: Simulator;
  /** Symbolic link to the device, or null. It vanishes with the device. */
  readonly link: string | null;
  readonly control: string;
  private readonly temporary: string | null;
  private server: ControlServer | null = null;
  private network: Network | null = null;

  private constructor(options: SimOptions) {
    this.simulator = buildSimulator(options, () => performance.now()).simulator;
    this.link = options.link;
    this.temporary = options.control === null ? mkdtempSync(join(tmpdir(), 'rackui-sim-')) : null;
    this.control = options.control ?? join(this.temporary ?? '', 'control');
  }

  /** Throws an Error in words when the rack file, the link or the control socket cannot be. */
  static async start(options: SimOptions): Promise<SimHost> {
    const host = new SimHost(options);
    try {
      host.plug();
      host.server = await listen(host.control, host);
    } catch (error) {
      host.close();
      throw error;
    }
    return host;
  }

  /** The device's path, or null while it is unplugged. */
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

  /** The nodes' ports on loopback; earlier ones are closed. The master is whoever drives the bus, and has none here. */
  async listen(options: NetworkOptions): Promise<void> {
    this.network?.close();
    const { rack } = this.simulator;
    const nodes = [...rack.nodes.values()].filter((node) => node !== rack.master);
    this.network = await Network.open(nodes, options, () => this.simulator.now());
  }

  close(): void {
    this.network?.close();
    this.server?.close();
    if (this.link !== null) rmSync(this.link, { force: true });
    this.simulator.close();
    rmSync(this.control, { force: true });
    if (this.temporary !== null) rmSync(dirname(this.control), { recursive: true, force: true });
  }
}
