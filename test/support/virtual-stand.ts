/**
 * A whole server and a simulated rack in this process, on a line in memory, in virtual time: a stand without processes and
 * pseudo-terminals, for what is about neither. The server can be killed as `kill -9` kills one, and started anew.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createBus } from '../../src/bmc/index.ts';
import { LineError, type LineHandlers } from '../../src/bmc/serial-port.ts';
import { Trace } from '../../src/bmc/trace.ts';
import type { Line } from '../../src/bmc/types.ts';
import { connect, type RackClient } from '../../src/client/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { portSlug, viewSocketBeside } from '../../src/config/paths.ts';
import { openAudit, openJournal } from '../../src/power/journal.ts';
import { openOutageJournal } from '../../src/power/outage/record.ts';
import { openPlanJournal } from '../../src/power/plans/record.ts';
import { ActiveConfig } from '../../src/server/active-config.ts';
import { RackServer } from '../../src/server/rack-server.ts';
import type { DeviceHandlers } from '../../src/sim/pty-device.ts';
import type { HostDevice } from '../../src/sim/simulator.ts';
import { inLife, Life } from './life.ts';
import { operationKeys, outageKeys, planKeys } from './journal-keys.ts';
import { rackOnLine, type RackOptions, type TestRack } from './rack.ts';
import { readAudit, type Stand } from './stand.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Bytes that the kernel keeps for a host that has not opened the device. */
const KEPT = 4_095;

/** The device of a simulated rack, as an object; one server has it open. */
class MemoryDevice implements HostDevice {
  readonly path: string;
  readonly backlog = 0;
  readonly #rack: DeviceHandlers;
  readonly #readMs: number;
  #host: LineHandlers | null = null;
  #kept: number[] = [];
  /** Bytes that the host has yet to read. */
  #unread: number[] = [];

  /** `readMs`: the host reads at this interval; 0: at once. */
  constructor(path: string, rack: DeviceHandlers, readMs: number) {
    this.path = path;
    this.#rack = rack;
    this.#readMs = readMs;
  }

  write(bytes: Uint8Array): void {
    if (this.#readMs === 0) this.#arrive(Uint8Array.from(bytes));
    else {
      if (this.#unread.length === 0)
        setTimeout(() => this.#arrive(Uint8Array.from(this.#unread.splice(0))), this.#readMs);
      this.#unread.push(...bytes);
    }
  }

  #arrive(bytes: Uint8Array): void {
    if (this.#host) this.#host.onData(bytes);
    else this.#kept = [...this.#kept, ...bytes].slice(0, KEPT);
  }

  open(host: LineHandlers, clock: StandTime): Line {
    if (this.#host) throw new LineError('held', `${this.path} is held by another server`);
    this.#host = host;
    const kept = this.#kept.splice(0);
    if (kept.length > 0) clock.soon(() => this.write(Uint8Array.from(kept)));
    return {
      write: (bytes, taken) => {
        const sent = Uint8Array.from(bytes);
        clock.soon(() => this.#rack.data(sent));
        if (taken) setImmediate(taken);
      },
      close: () => {
        this.leave(host);
        return Promise.resolve();
      },
    };
  }

  leave(host: LineHandlers): void {
    if (this.#host === host) this.#host = null;
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    const host = this.#host;
    this.#host = null;
    host?.onLost(`${this.path} no longer exists`);
  }
}

/** What a server's journals are about to write, as `op 03 settle`, and what to do about it. */
export type Witness = (keys: string[], store: () => Promise<void>) => Promise<void>;

/** The time of a stand: virtual, or this process's. */
type StandTime = Pick<VirtualClock, 'now' | 'soon' | 'goOn'>;

export interface VirtualStandOptions {
  clock: StandTime;
  /** Text of the configuration; without nodes the server discovers. */
  config?: string;
  sim?: string[];
  /** Name of the device that stands for the line in memory. */
  port?: string;
  /** Folder of the server's sockets, which are named after its port; default: its own. */
  runtime?: string;
  /** Is asked before each entry of a journal of operations, plans or outages. */
  journal?: Witness;
  watch?: NonNullable<RackOptions['watch']>;
  /**
   * Interval at which the server reads the line, ms, as a USB adapter hands on what it has collected; default: each piece at
   * once. A console without pause costs a fifth of the work then.
   */
  readMs?: number;
}

export interface VirtualStand extends Stand {
  /** The server's part of this process. */
  readonly life: Life;
}

export async function virtualStand(options: VirtualStandOptions): Promise<VirtualStand> {
  const { clock, config = 'name: test\n', sim = [], port = '/dev/in-memory' } = options;
  const witness: Witness = options.journal ?? ((_keys, store) => store());
  const folder = mkdtempSync(join(tmpdir(), 'rackui-virtual-'));
  const socket = join(options.runtime ?? folder, `${portSlug(port)}.sock`);
  const viewSocket = viewSocketBeside(socket);
  const configFile = join(folder, 'rack.yaml');
  writeFileSync(configFile, config, { mode: 0o600 });
  const devices: MemoryDevice[] = [];
  const plugged: { device: MemoryDevice | null } = { device: null };
  const openDevice = (handlers: DeviceHandlers): HostDevice => {
    const device = new MemoryDevice(port, handlers, options.readMs ?? 0);
    plugged.device = device;
    devices.push(device);
    const close = device.close.bind(device);
    device.close = () => {
      plugged.device = null;
      close();
    };
    return device;
  };
  const { watch } = options;
  const named = /^nodes:/m.test(config) ? ['--rack', configFile] : [];
  const rack: TestRack = await rackOnLine(
    { args: [...named, ...sim], ...(watch && { watch }) },
    { clock: () => clock.now, openDevice, exactTimers: true },
  );
  const clients: RackClient[] = [];
  let life = new Life();
  let kill: () => void = () => undefined;
  let close: (cutShort: AbortSignal) => Promise<void> = () => Promise.resolve();

  async function startServer(): Promise<void> {
    const own = new Life();
    life = own;
    await inLife(own, async () => {
      const audit = openAudit(folder);
      const journal = openJournal(folder, () => undefined);
      const planJournal = openPlanJournal(folder, () => undefined);
      const outageJournal = openOutageJournal(folder, () => undefined);
      let held: LineHandlers | null = null;
      const open = (_port: string, handlers: LineHandlers): Promise<Line> => {
        const { device } = plugged;
        if (!device) return Promise.reject(new LineError('missing', `${port} does not exist`));
        held = {
          onData: (bytes) => own.run(() => handlers.onData(bytes)),
          onLost: (why) => own.run(() => handlers.onLost(why)),
        };
        const line = device.open(held, clock);
        return Promise.resolve({
          write: (bytes, taken) => {
            if (own.alive) line.write(bytes, taken);
          },
          close: () => line.close(),
        });
      };
      const trace = new Trace(Date.now, []);
      const server = new RackServer({
        bus: createBus({ port, open: trace.around(open) }),
        ...{ trace, unlock: 'UnLockMe', port, configuration: new ActiveConfig(loadConfig(configFile)) },
        ...{ socket, viewSocket, gid: null, viewGid: null, stateDir: folder, autostarted: false },
        consoleLogDir: join(folder, 'consoles'),
        audit: (entry) => own.whileAlive(() => audit.write(entry)),
        journal: {
          ...journal,
          write: (operation) => own.whileAlive(() => witness(operationKeys(operation), () => journal.write(operation))),
        },
        planJournal: {
          ...planJournal,
          write: (record) => own.whileAlive(() => witness(planKeys(record), () => planJournal.write(record))),
        },
        outageJournal: {
          ...outageJournal,
          write: (record) => own.whileAlive(() => witness(outageKeys(record), () => outageJournal.write(record))),
        },
        log: pino({ level: 'silent' }),
        leave: () => undefined,
      });
      close = async (cutShort) => {
        await server.close('it is asked to end', cutShort);
        for (const store of [audit, journal, planJournal, outageJournal]) await store.close();
        own.kill();
      };
      kill = () => {
        own.kill();
        if (held) for (const device of devices) device.leave(held);
      };
      await server.start();
    });
  }
  await startServer();
  return {
    ...{ rack, folder, socket, viewSocket, serverPid: process.pid },
    get life() {
      return life;
    },
    async client(program = 'test', view = false) {
      const who = { user: program, from: null, tty: null, program, pid: process.pid };
      const client = await connect(view ? viewSocket : socket, who);
      clients.push(client);
      return client;
    },
    open: () => {
      throw new Error('no program runs on a virtual stand');
    },
    async killServer(signal = 'SIGKILL') {
      if (signal === 'SIGKILL') kill();
      else if (signal === 'SIGTERM') await inLife(life, () => close(new AbortController().signal));
      else throw new Error(`a virtual server knows no ${signal}`);
    },
    startServer,
    async whileStopped(during) {
      const stopped = life;
      stopped.stop();
      try {
        await during();
      } finally {
        await clock.goOn(stopped);
      }
    },
    fillDisk: () => void (life.diskIsFull = true),
    audit: () => readAudit(folder),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      if (life.alive) await close(AbortSignal.abort());
      await rack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
