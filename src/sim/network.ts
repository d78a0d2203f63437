/**
 * The nodes' ssh ports on loopback, for drivers that knock there: the node at address 05 is 127.x.y.5. A system that is up
 * greets, or is passed on to a real sshd; one without a server refuses; one that is off or halted does not answer at all.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { SimNode } from './rack/node.ts';
import type { NetworkState } from './guest/faults.ts';

/** How often the nodes are looked at, ms. */
const LOOK_MS = 20;
const BANNER = 'SSH-2.0-OpenSSH_10.0p2 simulated\r\n';
/**
 * Loopback refuses where nobody listens. Nobody *answers* only where a listener's queue is full and stays full: a thread
 * that listens and then never looks again, and this many connections in its queue (one more than its backlog).
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
    // A port that was taken meanwhile is tried again at the next look.
    this.looking = setInterval(() => void this.look(now()).catch(() => undefined), LOOK_MS);
    this.looking.unref();
  }

  /** Resolves when every door is as its node is. Rejects with an Error in words where one cannot be. */
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
    await Promise.all(this.doors.map(({ node, door }) => door.become(node.network(at))));
  }
}

/** One node's port. Changes come one after another; only the last that was wanted counts. */
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
   * Started while its system is up. A thread takes a second to start on a busy machine; for that long a machine
   * that has just halted would refuse, which only a living one does.
   */
  private spare: Promise<Worker> | null = null;
  private closed = false;

  constructor(host: string, options: NetworkOptions) {
    this.host = host;
    this.options = options;
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

  /** Nobody listens: the kernel refuses. */
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
    // Not waited for: who knocks meanwhile fills the queue as well, and one that is full lets no filler in.
    for (let filler = 0; filler < FILLERS; filler++) this.keep(connect({ host, port }));
  }

  private keep(socket: Socket): void {
    this.guests.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.guests.delete(socket));
  }
}

/** `127.70.0:2222`. Throws an Error in words for what is no place on loopback. */
export function parsePlace(place: string): { base: string; port: number } {
  const [, base, port] = /^(127(?:\.\d{1,3}){2}):(\d{1,5})$/.exec(place) ?? [];
  if (base === undefined || !(Number(port) > 0 && Number(port) < 65_536))
    throw new Error(`'${place}' is no place for the nodes' ports: three numbers of loopback and a port, 127.70.0:2222`);
  return { base, port: Number(port) };
}
