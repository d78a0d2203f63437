/**
 * The simulated bus: a master's BMC at the host's end of the line, slaves behind it, one pipe (bus-protocol sections 2
 * to 5); the execution of commands, and a console at a wrong baud rate. Pure and driven by time: bytes come in with the
 * time of their arrival, answers leave with the time they were given to the line.
 */
import type { Random } from '../random.ts';
import { type BiosCommand, StrayKeys } from './bios.ts';
import { type BusCounters, countByte, type Counters, emptyBusCounters, emptyNodeCounters } from './counters.ts';
import { type BusFaults, noBusFaults } from './faults.ts';
import type { SimNode } from './node.ts';
import { Supply } from './power-supply.ts';
import { BusResponses, type Dialect, statusLine, uidLine } from './responses.ts';
import { Bridge } from './serial-timing.ts';

/** Executes a command as any BMC does; the rack handles `|`, and `\` at the master. */
function execute(node: SimNode, command: BiosCommand, at: number, master: boolean, responses: BusResponses): void {
  switch (command.kind) {
    case 'status': {
      node.counters.status += 1;
      const addr = node.faults.wrongId ?? node.addr;
      responses.reply(
        node,
        statusLine({ addr, master, ...node.status(at, responses.dialect.fan) }, responses.dialect),
        at,
      );
      break;
    }
    case 'uid':
      responses.reply(node, uidLine(node.addr, node.uid, responses.dialect), at);
      break;
    case 'on':
      node.counters.on += 1;
      if (!node.faults.onIgnored && node.power === 'off') node.switchPower('on', at);
      break;
    case 'off':
      node.cut(at);
      break;
    case 'console':
      // The master's own UART is the bus: there is no console to open.
      if (master || node.faults.consoleIgnored) break;
      node.advance(at);
      node.console = command.baudCode;
      break;
    case 'entry':
    case 'none':
    case 'pipe':
      break;
  }
}

/** Returns the byte that a UART reads at another rate: garbage, but always the same. */
function wrongBaud(byte: number): number {
  return ((byte << 3) ^ 0xe5 ^ (byte >> 2)) & 0xff;
}

const BELL = 0x07;
/** Time a BMC takes for an answer, ms: our assumption, the real one is not known. */
export const TURNAROUND_MS = 0.1;

export interface RackOptions {
  nodes: SimNode[];
  master: number;
  /** Present wire time. */
  at: number;
  unlock: string;
  locked: boolean;
  dialect: Dialect;
  random: Random;
  /** Whether the bridge loses console bytes that come back to back. */
  lossy: boolean;
  turnaroundMs: number;
  /** Gives bytes to the line towards the host, not before `at`. */
  send: (bytes: Uint8Array, at: number) => void;
}

export class Rack {
  readonly nodes: ReadonlyMap<number, SimNode>;
  readonly master: SimNode;
  readonly supply: Supply;
  readonly responses: BusResponses;
  faults: BusFaults = noBusFaults();
  locked: boolean;
  /** Address that the pipe leads to, with or without a BMC; null: closed. */
  pipe: number | null = null;
  private bus: BusCounters = emptyBusCounters();
  private readonly options: RackOptions;
  private readonly bridge: Bridge;
  private readonly strayKeys: StrayKeys;
  private recentInput = '';
  /** True between ^G and the next byte, when noise of the line may occur. */
  private quiet = true;

  constructor(options: RackOptions) {
    this.options = options;
    this.nodes = new Map(options.nodes.map((node) => [node.addr, node]));
    const master = this.nodes.get(options.master);
    if (!master) throw new Error(`no node at the master's address ${options.master}`);
    this.master = master;
    this.supply = new Supply(options.nodes, master, options.at);
    this.responses = new BusResponses(
      {
        random: options.random,
        send: (bytes, at) => {
          this.bus.bytesOut += bytes.length;
          options.send(bytes, at);
        },
      },
      options.dialect,
      options.turnaroundMs,
    );
    this.responses.tornShare = () => this.faults.tornReplies;
    this.locked = options.locked;
    this.bridge = new Bridge(options.random, options.lossy);
    this.strayKeys = new StrayKeys(options.unlock);
  }

  /** Node whose console is on the wire, or null. */
  get consoleNode(): SimNode | null {
    const node = this.pipe === null ? undefined : this.nodes.get(this.pipe);
    return node?.console == null ? null : node;
  }

  /** Receives one byte from the host. `stallMs`: time for which the reader stood still (see Bridge), ms. */
  receive(byte: number, at: number, stallMs = 0): void {
    this.bus.bytesIn += 1;
    if (this.bus.catastrophe) this.bus.afterCatastrophe += 1;
    if (this.dead || this.faults.silent) return;
    if (this.quiet) this.responses.noise(this.faults.noise, at);
    this.quiet = byte === BELL;
    if (byte === BELL) this.closePipe(at);
    else if (this.locked) this.listenForUnlock(byte);
    else if (this.pipe === null) this.masterExecutes(byte, at);
    else this.forward(this.pipe, byte, at, stallMs);
  }

  /** Sends output of the open console's guest, as long as the line has room. */
  pump(at: number, room: number): void {
    this.supply.advance(at);
    const node = this.consoleNode;
    if (this.dead) return;
    this.responses.sayLate(at);
    if (!node) return;
    node.advance(at);
    if (room <= 0) return;
    const bytes = this.throughBells(node.guest.take(room));
    if (bytes.length === 0) return;
    node.counters.consoleOut += bytes.length;
    this.responses.send(node.console === 0 ? bytes : bytes.map(wrongBaud), at);
    if (this.responses.dialect.nodeBell === 'closes' && bytes.includes(BELL)) {
      this.bus.bells.node += 1;
      this.dropPipe();
    }
  }

  /** Returns the time of the next action of the open console's guest, a slow BMC or the supply; Infinity: none. */
  nextDeadline(): number {
    return Math.min(
      this.consoleNode?.nextDeadline() ?? Infinity,
      this.responses.nextDeadline,
      this.supply.nextDeadline(),
    );
  }

  /** Closes the pipe, as a fault: as if the BMC that held it had restarted. */
  dropPipe(): void {
    const node = this.consoleNode;
    if (node) node.console = null;
    this.pipe = null;
  }

  /** Switches the mains off or on; a BMC that had no power is locked again. */
  setMains(on: boolean, at: number): void {
    if (!this.supply.setMains(on, at, this.responses.dialect)) return;
    this.locked = true;
    this.dropPipe();
  }

  /** Sets the speed of all guests from now on. */
  setTimeScale(scale: number, at: number): void {
    this.supply.advance(at);
    for (const node of this.nodes.values()) node.setTimeScale(scale, at);
  }

  /** Leaves a pipe open, as a fault or a client that exited does. */
  wedge(addr: number): void {
    this.pipe = addr;
  }

  counters(): Counters {
    const nodes = [...this.nodes.values()].map((node) => [hexAddress(node.addr), node.counters] as const);
    return { bus: this.bus, nodes: Object.fromEntries(nodes) };
  }

  resetCounters(): void {
    this.bus = { ...emptyBusCounters(), catastrophe: this.bus.catastrophe };
    for (const node of this.nodes.values()) node.counters = emptyNodeCounters();
  }

  /** Counts bytes that the host did not read in time. */
  noteOverrun(bytes: number): void {
    this.bus.overruns += bytes;
  }

  private closePipe(at: number): void {
    const open = this.consoleNode ? 'console' : this.pipe === null ? 'idle' : 'pipe';
    this.bus.bells[open] += 1;
    this.strayKeys.closed();
    if (this.pipe !== null) {
      const node = this.nodes.get(this.pipe);
      if (node) node.console = null;
      this.pipe = null;
    }
    if (this.locked || this.responses.dialect.close === 'nothing') return;
    this.responses.sendText(this.responses.dialect.close === 'bell' ? '\x07' : this.responses.dialect.newline, at);
  }

  /** Cuts the output behind a bell that closes the pipe. */
  private throughBells(bytes: Uint8Array): Uint8Array {
    const bell = this.responses.dialect.nodeBell === 'closes' ? bytes.indexOf(BELL) : -1;
    return bell < 0 ? bytes : bytes.subarray(0, bell + 1);
  }

  /** Reads bytes for the unlock string: a locked BMC ignores everything else, and does not reply to it. */
  private listenForUnlock(byte: number): void {
    const { unlock } = this.options;
    this.recentInput = (this.recentInput + String.fromCharCode(byte)).slice(-unlock.length);
    if (this.recentInput !== unlock) return;
    this.locked = false;
    this.recentInput = '';
  }

  private masterExecutes(byte: number, at: number): void {
    if (this.strayKeys.strayAtMaster(byte)) countByte(this.bus.masterForConsole, byte);
    const command = this.master.bios.interpret(byte);
    this.responses.echo(command, byte, at);
    switch (command.kind) {
      case 'pipe':
        this.pipe = command.address;
        break;
      case 'off':
        this.cutMaster();
        break;
      case 'on':
        if (this.responses.dialect.selfVerbs === 'executed') execute(this.master, command, at, true, this.responses);
        break;
      default:
        execute(this.master, command, at, true, this.responses);
    }
  }

  private forward(addr: number, byte: number, at: number, stallMs: number): void {
    const node = this.nodes.get(addr);
    const reachable = node !== undefined && (node !== this.master || this.responses.dialect.selfPipe === 'answers');
    if (!reachable) {
      this.bus.toNobody += 1;
      // No statement of the vendor covers a pipe to the master's own address; `\` there counts as an attempt to cut the
      // master.
      if (addr === this.master.addr && byte === 0x5c) this.bus.masterCuts += 1;
      return;
    }
    if (node.console !== null) {
      this.toGuest(node, byte, at, stallMs);
      return;
    }
    if (this.strayKeys.consoleAskedFor) countByte(node.counters.biosForConsole, byte);
    if (node.faults.silent) return;
    const command = node.bios.interpret(byte);
    if (command.kind === 'console') this.strayKeys.asked();
    this.responses.echo(command, byte, at);
    if (command.kind === 'pipe') this.bus.nestedPipes += 1;
    else if (command.kind === 'off' && node === this.master) this.cutMaster();
    else execute(node, command, at, node === this.master, this.responses);
  }

  private toGuest(node: SimNode, byte: number, at: number, stallMs: number): void {
    node.counters.consoleIn += 1;
    if (!this.bridge.passes(at, stallMs)) {
      node.counters.lost += 1;
      return;
    }
    if (node.power !== 'on') return;
    node.guest.receive(node.console === 0 ? byte : wrongBaud(byte), node.guestTime(at));
  }

  private cutMaster(): void {
    this.master.counters.off += 1;
    this.bus.masterCuts += 1;
    // Counted in this dialect too, which a driver cannot know.
    if (this.responses.dialect.selfVerbs === 'ignored') return;
    this.bus.catastrophe = true;
    this.master.power = 'off';
    this.pipe = null;
  }

  /** The master has no power: no byte is passed on. */
  private get dead(): boolean {
    return this.master.power === 'off';
  }
}

export function hexAddress(addr: number): string {
  return addr.toString(16).padStart(2, '0');
}
