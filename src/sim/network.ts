/**
 * The nodes' ssh ports on loopback, for drivers that connect there: the node at address 05 is 127.x.y.5. A system that
 * is up sends a greeting, or is connected to a real sshd; one without a server refuses; one that is off or halted does
 * not answer at all.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { NetworkState } from './guest/faults.ts';
import type { SimNode } from './rack/node.ts';

/** Interval of checking the nodes' states, ms. */
const LOOK_MS = 20;
const BANNER = 'SSH-2.0-OpenSSH_10.0p2 simulated\r\n';
/**
 * Listener that never answers. Loopback refuses a port without a listener; a connection stays *unanswered* only where a
 * listener's queue is full and stays full: a thread that listens and then blocks, and this many connections in its
 * queue (one more than its backlog).
 */
const DEAF = `
const { parentPort, workerData } = require('node:worker_threads');
const server = require('node:net').createServer();
parentPort.once('message', () => {
  server.listen({ ...workerData, backlog: 1 }, () => {
    parentPort.postMessage('listens');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
});
parentPort.postMessage('ready');`;
const FILLERS = 2;

export interface NetworkOptions {
  /** `127.70.0`: the first three numbers of every node's address. Only loopback. */
  base: string;
  port: number;
  /** Port of a real sshd on 127.0.0.1; it sees a node's connections come from that node's address. Null: none. */
  sshd: number | null;
}

export class Network {
  private readonly doors: { node: SimNode; door: Door }[];
  private readonly looking: NodeJS.Timeout;

  private constructor(nodes: readonly SimNode[], options: NetworkOptions, now: () => number) {
    this.doors = nodes.map((node) => ({ node, door: new Door(`${options.base}.${node.addr}`, options) }));
    // A port that is in use is tried again at the next check.
    this.looking = setInterval(() => void this.look(now()).catch(() => undefined), LOOK_MS);
    this.looking.unref();
  }

  /**
   * Opens the ports. Resolves when every one is in its node's state. Rejects with an Error for operators where one
   * cannot be opened.
   */
  static async open(nodes: readonly SimNode[], options: NetworkOptions, now: () => number): Promise<Network> {
    const network = new Network(nodes, options, now);
    try {
      await network.look(now());
    } catch (error) {
      network.close();
      throw new Error(`the nodes' ports cannot be: ${error instanceof Error ? error.message : String(error)}`);
    }
    return network;
  }

  close(): void {
    clearInterval(this.looking);
    for (const { door } of this.doors) door.close();
  }

  private async look(at: number): Promise<void> {
    const changes: Promise<void>[] = [];
    for (const { node, door } of this.doors) {
      const state = node.network(at);
      if (!door.isSettledIn(state)) changes.push(door.become(state));
    }
    await Promise.all(changes);
  }
}

/** One node's port. Changes run one after another; only the last requested state counts. */
class Door {
  private readonly host: string;
  private readonly options: NetworkOptions;
  private readonly guests = new Set<Socket>();
  private wanted: NetworkState = 'refused';
  private is: NetworkState = 'refused';
  private changing: Promise<void> | null = null;
  private server: Server | null = null;
  private deaf: Worker | null = null;
  /**
   * Thread started while its system is up. A thread takes a second to start on a busy machine; for that time a machine
   * that has just halted would refuse, which only a living one does.
   */
  private spare: Promise<Worker> | null = null;
  private closed = false;

  constructor(host: string, options: NetworkOptions) {
    this.host = host;
    this.options = options;
  }

  isSettledIn(state: NetworkState): boolean {
    return this.is === state && this.changing === null;
  }

  become(state: NetworkState): Promise<void> {
    this.wanted = state;
    return (this.changing ??= this.change().finally(() => (this.changing = null)));
  }

  close(): void {
    this.closed = true;
    void this.become('refused').catch(() => undefined);
  }

  private async change(): Promise<void> {
    while (this.is !== this.wanted) {
      const next = this.wanted;
      if (next === 'gone' || next === 'up') this.spare ??= this.thread();
      this.spare?.catch(() => undefined);
      const deaf = next === 'gone' ? await this.spare : null;
      await this.shut();
      if (next === 'up') await this.greet();
      else if (deaf) await this.ignore(deaf);
      this.is = next;
      if (this.closed) await this.dismiss();
    }
  }

  /** Closes the listener: the kernel refuses connections. */
  private async shut(): Promise<void> {
    this.server?.close();
    this.server = null;
    for (const guest of this.guests) guest.destroy();
    await this.deaf?.terminate();
    this.deaf = null;
  }

  private async greet(): Promise<void> {
    const server = createServer((socket) => this.welcome(socket));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.host, port: this.options.port }, resolve);
    });
  }

  private welcome(socket: Socket): void {
    this.keep(socket);
    const { sshd } = this.options;
    if (sshd === null) {
      socket.write(BANNER);
      return;
    }
    const real = connect({ host: '127.0.0.1', port: sshd, localAddress: this.host });
    this.keep(real);
    socket.pipe(real).pipe(socket);
    real.once('close', () => socket.destroy());
    socket.once('close', () => real.destroy());
  }

  private async thread(): Promise<Worker> {
    const deaf = new Worker(DEAF, { eval: true, workerData: { host: this.host, port: this.options.port } });
    deaf.unref();
    await new Promise((resolve, reject) => deaf.once('message', resolve).once('error', reject));
    return deaf;
  }

  private async dismiss(): Promise<void> {
    const { spare } = this;
    this.spare = null;
    await (await spare)?.terminate();
  }

  private async ignore(deaf: Worker): Promise<void> {
    const { host } = this;
    const { port } = this.options;
    this.spare = null;
    this.deaf = deaf;
    const listens = new Promise((resolve, reject) => deaf.once('message', resolve).once('error', reject));
    deaf.postMessage('listen');
    await listens;
    // Not awaited: other connections fill the queue as well, and a full one lets no filler in.
    for (let filler = 0; filler < FILLERS; filler++) this.keep(connect({ host, port }));
  }

  private keep(socket: Socket): void {
    this.guests.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.guests.delete(socket));
  }
}

/** Parses `127.70.0:2222`. Throws an Error for operators where it is no place on loopback. */
export function parsePlace(place: string): { base: string; port: number } {
  const [, base, port] = /^(127(?:\.\d{1,3}){2}):(\d{1,5})$/.exec(place) ?? [];
  if (base === undefined || !(Number(port) > 0 && Number(port) < 65_536))
    throw new Error(`'${place}' is no place for the nodes' ports: three numbers of loopback and a port, 127.70.0:2222`);
  return { base, port: Number(port) };
}
