/** Reloads of the configuration: what prevents one, what it changes in the rack, and the events that tell of it. */
import { configSentences, type ConfigStatus } from '../api/configuration.ts';
import { ConfigError } from '../config/load.ts';
import { masterMismatch, type Inventory } from '../rack/inventory.ts';
import { rpcError } from './handlers/methods.ts';
import type { Parts } from './parts/parts.ts';

export class Reloading {
  readonly #parts: Parts;
  #told = '';

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.options.configuration.onReload((_next, rack) => this.#prepare(rack));
  }

  /** Watches the file; an event says that it differs. */
  start(): void {
    const { options, roster, events } = this.#parts;
    options.configuration.watch(() => {
      roster.changed('config');
      const said = configSentences(options.configuration.status()).join('; ');
      if (said !== this.#told && said !== '') events.add('notice', 'server', null, `Configuration: ${said}`);
      this.#told = said;
    });
  }

  close(): void {
    this.#parts.options.configuration.close();
  }

  look(): Promise<ConfigStatus> {
    return this.#parts.options.configuration.look();
  }

  /** @throws {ResponseError} the file cannot be used, or not at present: the former configuration stays in force */
  async reload(by: string): Promise<{ taken: string[]; config: ConfigStatus }> {
    const { options, events } = this.#parts;
    const { configuration } = options;
    try {
      const taken = await configuration.reload();
      const what =
        taken.length === 0 ? 'nothing that a reload takes over had changed' : `in force now: ${taken.join(', ')}`;
      events.add('notice', 'server', null, `${by}: configuration read anew; ${what}`);
      return { taken, config: configuration.status() };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const said = `the former configuration stays in force: ${why.split('\n').join('; ')}`;
      events.add('warning', 'server', null, `${by}: ${said}`);
      throw rpcError(error instanceof ConfigError ? 'config' : 'refused', said);
    }
  }

  /** Nodes come and go. @throws {Error} while one that goes is worked on */
  #prepare(rack: Inventory): () => void {
    const { telemetry, alarms, boards, monitor, consoleAlarms, consoles, workload, plans, sweeper } = this.#parts;
    const gone = rack.configured
      ? telemetry.addresses.filter((addr) => !rack.nodes.some((node) => node.addr === addr))
      : [];
    const busy = gone.find(
      (addr) => workload.on(addr) !== null || consoles.state()?.addr === addr || plans.underWay().length > 0,
    );
    if (busy !== undefined)
      throw new Error(
        `${telemetry.label(busy)} is not in the file any more, and an operation, a plan's run or its console is open: ` +
          'end that, then reload again',
      );
    return () => {
      for (const addr of gone) alarms.removed(addr);
      telemetry.configured(rack);
      alarms.set('master', null, masterMismatch(rack.nodes, monitor.seenMaster));
      // The file may name another board.
      for (const addr of telemetry.addresses) if (telemetry.reading(addr).state === 'ok') boards.suspect(addr);
      consoleAlarms.reread();
      sweeper.wake();
    };
  }
}
