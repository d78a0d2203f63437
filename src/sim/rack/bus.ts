/**
 * A BMC at work: its commands executed, and what a wrong rate makes of its console.
 *
 * The bus: a master's BMC at the host's end of the line, slaves behind it, one pipe (bus-protocol sections 2 to 5). Pure and
 * driven by time: bytes come in with the moment of their arrival, answers leave with the moment they were given to the line.
 */
import type { Random } from '../random.ts';
import { type BiosCommand, MeantForConsole } from './bios.ts';
import { type BusCounters, countByte, type Counters, emptyBusCounters, emptyNodeCounters } from './counters.ts';
import { type BusFaults, noBusFaults } from './faults.ts';
import type { SimNode } from './node.ts';
import { Supply } from './power-supply.ts';
import { BusVoice, type Dialect, statusLine, uidLine } from './responses.ts';
import { Bridge } from './serial-timing.ts';

/** What any BMC does for a command; `|`, and `\` at the master, are the rack's business. */
function execute(node: SimNode, command: BiosCommand, at: number, master: boolean, voice: BusVoice): void {
  switch (command.kind) {
    case 'status': {
      node.counters.status += 1;
      const addr = node.faults.wrongId ?? node.addr;
      voice.reply(node, statusLine({ addr, master, ...node.status(at, voice.dialect.fan) }, voice.dialect), at);
      break;
    }
    case 'uid':
      voice.reply(node, uidLine(node.addr, node.uid, voice.dialect), at);
      break;
    case 'on':
      node.counters.on += 1;
      if (!node.faults.onIgnored && node.power === 'off') node.switchPower('on', at);
      break;
    case 'off':
      node.cut(at);
      break;
    case 'console':
      // The master's own UART is the bus: there is nothing to open a console to.
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

/** What a UART makes of a byte at another rate: garbage, but always the same. */
function wrongBaud(byte: number): number {
  return ((byte << 3) ^ 0xe5 ^ (byte >> 2)) & 0xff;
}

const BELL = 0x07;
/** What a BMC needs to find its answer, ms: our assumption, the real one is not known. */
export const TURNAROUND_MS = 0.1;

export interface RackOptions {
  nodes: SimNode[];
  master: number;
  /** Now, wire time. */
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
  readonly voice: BusVoice;
  faults: BusFaults = noBusFaults();
  locked: boolean;
  /** The address the pipe leads to, null: closed. There need not be anybody. */
  pipe: number | null = null;
  private bus: BusCounters = emptyBusCounters();
  private readonly options: RackOptions;
  private readonly bridge: Bridge;
  private readonly meant: MeantForConsole;
  private heard = '';
  /** True between ^G and the next byte: where noise of the line may be heard. */
  private quiet = true;

  constructor(options: RackOptions) {
    this.options = options;
    this.nodes = new Map(options.nodes.map((node) => [node.addr, node]));
    const master = this.nodes.get(options.master);
    if (!master) throw new Error(`no node at the master's address ${options.master}`);
    this.master = master;
    this.supply = new Supply(options.nodes, master, options.at);
    this.voice = new BusVoice(
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
    this.voice.tornShare = () => this.faults.tornReplies;
    this.locked = options.locked;
    this.bridge = new Bridge(options.random, options.lossy);
    this.meant = new MeantForConsole(options.unlock);
  }

  /** The node whose console is on the wire, or null. */
  get consoleNode(): SimNode | null {
    const node = this.pipe === null ? undefined : this.nodes.get(this.pipe);
    return node?.console == null ? null : node;
  }

  /** One byte from the host has arrived. `stallMs`: how long the reader was not looking (see Bridge). */
  receive(byte: number, at: number, stallMs = 0): void {
    this.bus.bytesIn += 1;
    if (this.bus.catastrophe) this.bus.afterCatastrophe += 1;
    if (this.dead || this.faults.silent) return;
    if (this.quiet) this.voice.noise(this.faults.noise, at);
    this.quiet = byte === BELL;
    if (byte === BELL) this.closePipe(at);
    else if (this.locked) this.listenForUnlock(byte);
    else if (this.pipe === null) this.masterExecutes(byte, at);
    else this.forward(this.pipe, byte, at, stallMs);
  }

  /** Sends what the open console's guest has to say, as long as the line has room. */
  pump(at: number, room: number): void {
    this.supply.advance(at);
    const node = this.consoleNode;
    if (this.dead) return;
    this.voice.sayLate(at);
    if (!node) return;
    node.advance(at);
    if (room <= 0) return;
    const bytes = this.throughBells(node.guest.take(room));
    if (bytes.length === 0) return;
    node.counters.consoleOut += bytes.length;
    this.voice.send(node.console === 0 ? bytes : bytes.map(wrongBaud), at);
    if (this.voice.dialect.nodeBell === 'closes' && bytes.includes(BELL)) {
      this.bus.bells.node += 1;
      this.dropPipe();
    }
  }

  /** When the guest on the open console, a slow BMC or the supply does something by itself. */
  nextDeadline(): number {
    return Math.min(this.consoleNode?.nextDeadline() ?? Infinity, this.voice.nextDeadline, this.supply.nextDeadline());
  }

  /** A fault: the pipe falls shut, as if the BMC that held it had started anew. */
  dropPipe(): void {
    const node = this.consoleNode;
    if (node) node.console = null;
    this.pipe = null;
  }

  /** Mains fail or return; a BMC that had no power is locked again. */
  setMains(on: boolean, at: number): void {
    if (!this.supply.setMains(on, at, this.voice.dialect)) return;
    this.locked = true;
    this.dropPipe();
  }

  /** All guests live so many times as fast from now on. */
  setTimeScale(scale: number, at: number): void {
    this.supply.advance(at);
    for (const node of this.nodes.values()) node.setTimeScale(scale, at);
  }

  /** A fault, or somebody who left: a pipe that nobody closed. */
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

  /** The host did not read so many bytes in time. */
  noteOverrun(bytes: number): void {
    this.bus.overruns += bytes;
  }

  private closePipe(at: number): void {
    const open = this.consoleNode ? 'console' : this.pipe === null ? 'idle' : 'pipe';
    this.bus.bells[open] += 1;
    this.meant.closed();
    if (this.pipe !== null) {
      const node = this.nodes.get(this.pipe);
      if (node) node.console = null;
      this.pipe = null;
    }
    if (this.locked || this.voice.dialect.close === 'nothing') return;
    this.voice.say(this.voice.dialect.close === 'bell' ? '\x07' : this.voice.dialect.newline, at);
  }

  /** A bell that closes the pipe is the last of what comes through it. */
  private throughBells(bytes: Uint8Array): Uint8Array {
    const bell = this.voice.dialect.nodeBell === 'closes' ? bytes.indexOf(BELL) : -1;
    return bell < 0 ? bytes : bytes.subarray(0, bell + 1);
  }

  /** Locked, the BMC hears nothing but the unlock string, and says nothing to it. */
  private listenForUnlock(byte: number): void {
    const { unlock } = this.options;
    this.heard = (this.heard + String.fromCharCode(byte)).slice(-unlock.length);
    if (this.heard !== unlock) return;
    this.locked = false;
    this.heard = '';
  }

  private masterExecutes(byte: number, at: number): void {
    if (this.meant.strayAtMaster(byte)) countByte(this.bus.masterForConsole, byte);
    const command = this.master.bios.interpret(byte);
    this.voice.echo(command, byte, at);
    switch (command.kind) {
      case 'pipe':
        this.pipe = command.address;
        break;
      case 'off':
        this.cutMaster();
        break;
      case 'on':
        if (this.voice.dialect.selfVerbs === 'executed') execute(this.master, command, at, true, this.voice);
        break;
      default:
        execute(this.master, command, at, true, this.voice);
    }
  }

  private forward(addr: number, byte: number, at: number, stallMs: number): void {
    const node = this.nodes.get(addr);
    const reachable = node !== undefined && (node !== this.master || this.voice.dialect.selfPipe === 'answers');
    if (!reachable) {
      this.bus.toNobody += 1;
      // The vendor's word on a pipe to oneself is missing; whoever sends `\` there meant to cut the master.
      if (addr === this.master.addr && byte === 0x5c) this.bus.masterCuts += 1;
      return;
    }
    if (node.console !== null) {
      this.toGuest(node, byte, at, stallMs);
      return;
    }
    if (this.meant.consoleAskedFor) countByte(node.counters.biosForConsole, byte);
    if (node.faults.silent) return;
    const command = node.bios.interpret(byte);
    if (command.kind === 'console') this.meant.asked();
    this.voice.echo(command, byte, at);
    if (command.kind === 'pipe') this.bus.nestedPipes += 1;
    else if (command.kind === 'off' && node === this.master) this.cutMaster();
    else execute(node, command, at, node === this.master, this.voice);
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
    // Counted all the same: whoever sent it could not know.
    if (this.voice.dialect.selfVerbs === 'ignored') return;
    this.bus.catastrophe = true;
    this.master.power = 'off';
    this.pipe = null;
  }

  /** The master has no power: nobody passes anything on. */
  private get dead(): boolean {
    return this.master.power === 'off';
  }
}

export function hexAddress(addr: number): string {
  return addr.toString(16).padStart(2, '0');
}
