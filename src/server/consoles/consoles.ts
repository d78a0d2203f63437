/**
 * Consoles: one at a time on the whole bus. Who may open, watch, type and take over, and what each node's console
 * showed so far.
 */
import type { ConsoleJoined, ConsoleState, EventRecord, LogPiece, LogRequest } from '../../api/methods.ts';
import type { SeenScreen } from '../../api/node.ts';
import { ECHO_MS } from '../../bmc/secret-echo.ts';
import type { Bus, ConsoleBaud } from '../../bmc/types.ts';
import { HostNameReader } from '../../console/hostname.ts';
import { filterInput } from '../../console/input-filter.ts';
import { startsAnew } from '../../console/line-patterns.ts';
import type { LogLimits } from '../../console/log-files.ts';
import type { TailLine } from '../../console/log-reader.ts';
import { readScreenState, type ScreenState } from '../../console/screen-state.ts';
import { timeOfDate } from '../../lib/clock.ts';
import {
  ConsoleHeld,
  type ConsoleHolder,
  type ConsolePort,
  mayTake,
  type OperationConsole,
} from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import type { SystemStates } from '../polling/system-states.ts';
import { rpcError } from '../rpc/errors.ts';
import { ConsoleBuffer, readConsoleLog, screenOfConsoleLog, tailConsoleLog } from './buffer.ts';
import { SharedConsole, operationConsole } from './console-session.ts';
import { type ConsoleUser, describeUser } from './participants.ts';

export interface ConsolesOptions {
  bus: Pick<Bus, 'openConsole'>;
  /** The bus's unlock string. */
  unlock: string;
  /** The rate of a node's UART. */
  baud: (addr: Address) => ConsoleBaud;
  limits: LogLimits;
  scrollback: number;
  transcriptDir: string;
  now: () => number;
  /** For people: name, position, address. */
  label: (addr: Address) => string;
  /** The node's name; the transcript's file is called by it. */
  name: (addr: Address) => string;
  event: (level: EventRecord['level'], addr: Address, text: string) => void;
  /** The node called itself so, in a banner or a prompt. */
  hostSeen: (addr: Address, host: string) => void;
  /** What the nodes say of their operating systems. */
  systems: Pick<SystemStates, 'heard' | 'tick' | 'torn'>;
  /** A whole line of the node's. */
  lineSeen: (addr: Address, text: string) => void;
  /** The open console, or who is at it, changed. */
  changed: () => void;
}

/** Somebody who typed so lately may have asked for an old kernel log, ms. */
const READS_MS = 5_000;
/** How often a console is asked whether its flood is over. */
const TICK_MS = 1_000;

export class Consoles implements ConsolePort {
  readonly #options: ConsolesOptions;
  readonly #records = new Map<Address, ConsoleBuffer>();
  readonly #ticks: NodeJS.Timeout;
  /** Nodes whose logs end before their power last changed. */
  readonly #powerChanged = new Set<Address>();
  #line: SharedConsole | null = null;
  /** When the unlock string last went out (performance.now). */
  #unlockedAt = -Infinity;

  constructor(options: ConsolesOptions) {
    this.#options = options;
    this.#ticks = setInterval(() => {
      if (this.#line === null) return;
      this.#line.tick();
      options.systems.tick(this.#line.addr);
    }, TICK_MS);
  }

  state(): ConsoleState | null {
    return this.#line?.state() ?? null;
  }

  /**
   * Joins a console, opening it where it is not open. Without `take` nobody loses anything: a node at which somebody
   * else types is watched, and another node's console is refused as long as somebody types there.
   */
  async attach(user: ConsoleUser, request: { addr: Address; take: boolean; watch: boolean }): Promise<ConsoleJoined> {
    const { addr, take, watch } = request;
    const line = watch ? this.#watchable(addr) : this.#lineFor(user, addr, take);
    const member = line.people.join(user);
    if (watch) {
      if (line.people.typingUser?.id === user.id) line.people.releaseKeyboard();
    } else if (line.people.typistName === null || take) line.people.acquireKeyboard(member);
    this.#options.changed();
    const copy = await member.screen();
    // After the answer: the client makes its emulator from it before bytes arrive.
    setImmediate(() => member.goLive());
    return {
      addr,
      role: line.people.typingUser?.id === user.id ? 'types' : 'watches',
      cols: copy.cols,
      rows: copy.rows,
      screen: copy.screen.toString('base64'),
      console: line.state(),
    };
  }

  /** Takes the keyboard of the console being watched. */
  take(user: ConsoleUser): ConsoleState {
    const line = this.#line;
    const member = line?.people.member(user);
    if (!line || !member) throw rpcError('unknown', 'you are at no console: attach to one first');
    line.people.acquireKeyboard(member);
    this.#options.changed();
    return line.state();
  }

  /** Hands the keyboard of one's console to another session there. */
  give(user: ConsoleUser, session: number): ConsoleState {
    const line = this.#typedBy(user, 'only who types can hand the keyboard over');
    const to = line.people.members.find((member) => member.user.id === session);
    if (!to) throw rpcError('unknown', `session ${session} is not at the console of ${this.#label(line.addr)}`);
    if (session !== user.id) line.people.transferKeyboard(user, to);
    this.#options.changed();
    return line.state();
  }

  /** A note into the log of the console that one is at. */
  note(user: ConsoleUser, text: string): void {
    const line = this.#line;
    if (!line?.people.member(user)) throw rpcError('unknown', 'you are at no console: a note goes into the log of one');
    line.logNote(user, text);
  }

  /** A key for what a dead program left in the modes of the screen. */
  resetScreen(user: ConsoleUser): void {
    const line = this.#typedBy(user, 'only who types at a console resets its screen');
    line.record.mark(`${user.name} reset the screen's modes`, this.#options.now());
    line.resetModes();
  }

  /** The node's power went, or it starts anew: what its program had set is gone with it. */
  startedAnew(addr: Address): void {
    if (this.#line?.addr === addr) this.#line.resetModes();
    else this.#records.get(addr)?.resetModes();
  }

  setBaud(user: ConsoleUser, baud: ConsoleBaud): ConsoleState {
    const line = this.#typedBy(user, 'only who types at a console sets its rate');
    line.setBaud(baud, user);
    this.#options.changed();
    return line.state();
  }

  /** The unlock string is about to go out: where a pipe was left open, a node gets it and may echo it. */
  unlocking(): void {
    this.#unlockedAt = performance.now();
    this.#line?.conceal(this.#options.unlock);
  }

  /** Something happened to the node that its log should tell, console or not. */
  mark(addr: Address, text: string, at: number): void {
    this.#record(addr).mark(text, at);
  }

  /** A node's power changed: what its console showed last is from before. */
  powerChanged(addr: Address): void {
    this.#records.get(addr)?.powerChanged();
    this.#powerChanged.add(addr);
  }

  /** How long the open console has been silent, ms; null where there is none, or none that may be interrupted. */
  silentMs(): number | null {
    return this.#line?.silentMs() ?? null;
  }

  /** A piece of a node's log. @throws {ResponseError} where the disk does not give it */
  log(request: LogRequest): Promise<LogPiece> {
    const { transcriptDir, name, limits } = this.#options;
    return readConsoleLog(transcriptDir, name(request.addr), limits, request);
  }

  /** The latest lines of a node's log. @throws {ResponseError} where the disk does not give it */
  async logTail(addr: Address, count: number): Promise<TailLine[]> {
    const lines = await tailConsoleLog(this.#options.transcriptDir, this.#options.name(addr), count);
    return lines.map((line) => ({ ...line, at: timeOfDate(line.at) }));
  }

  /** How a node's console looked last; null: nothing of it is kept. @throws {ResponseError} where the disk does not give it */
  async lastScreen(addr: Address): Promise<SeenScreen | null> {
    const { transcriptDir, name, now } = this.#options;
    const glance = await this.#records.get(addr)?.glance(now());
    if (glance) {
      const { at, closed, cols, rows, screen } = glance;
      const from = closed === null ? 'open' : 'closed';
      return { at, from, why: closed, cols, rows, screen: screen.toString('base64') };
    }
    const logged = await screenOfConsoleLog(transcriptDir, name(addr));
    if (logged === null) return null;
    const { at, cols, rows, screen } = logged;
    return { at: timeOfDate(at), from: 'log', why: null, cols, rows, screen: screen.toString('base64') };
  }

  detach(user: ConsoleUser): void {
    const line = this.#line;
    if (!line?.people.member(user)) return;
    line.people.leave(user);
    this.#closeIfDeserted(line, `${user.name} detached`);
    this.#options.changed();
  }

  resize(user: ConsoleUser, cols: number, rows: number): void {
    const line = this.#typedBy(user, 'only who types at a console sets its size');
    line.record.resize(cols, rows);
    for (const member of line.people.members)
      if (member.user.id !== user.id)
        member.note('resized', `${user.name} set the size to ${cols}x${rows}`, { cols, rows });
  }

  /** `at`: when they were typed. */
  input(user: ConsoleUser, addr: Address, bytes: Uint8Array, at: number): void {
    if (this.#line?.addr === addr && this.#line.people.member(user)) this.#line.input(user, bytes, at);
    else user.outbox.consoleNote({ addr, kind: 'blocked', text: 'not sent: this console is not open' });
  }

  paste(
    user: ConsoleUser,
    addr: Address,
    bytes: Uint8Array,
    at: number,
  ): Promise<{ sent: boolean; why: string | null }> {
    const line = this.#line;
    if (line?.addr === addr && line.people.member(user)) return line.paste(user, bytes, at);
    return Promise.resolve({ sent: false, why: 'this console is not open' });
  }

  holder(): ConsoleHolder | null {
    const line = this.#line;
    const user = line?.people.typingUser;
    if (!line || !user) return null;
    const name = describeUser(user, this.#options.now());
    return { addr: line.addr, session: user.id, name, silent: user.silentSince !== null, lent: line.people.lends };
  }

  acquire(
    addr: Address,
    opId: string,
    requestor: { session: number; take: boolean | 'silent'; yields: boolean },
  ): Promise<OperationConsole> {
    const before = this.#line;
    const holder = this.holder();
    if (holder && requestor.yields) return Promise.reject(new ConsoleHeld(holder.name));
    if (before?.people.worker) return Promise.reject(new ConsoleHeld(`operation ${before.people.worker.opId}`));
    if (holder && holder.session !== requestor.session && !mayTake(holder, requestor.take))
      return Promise.reject(new ConsoleHeld(holder.name));
    if (before && before.addr !== addr)
      this.#end(before, `operation ${opId} needs the console of ${this.#label(addr)}`);
    const line = this.#line ?? this.#open(addr);
    const console = operationConsole(opId, requestor.yields, line, {
      now: this.#options.now,
      look: () => this.#standingAt(addr),
      released: () => {
        this.#closeIfDeserted(line, `operation ${opId} is done`);
        this.#options.changed();
      },
    });
    this.#options.changed();
    return Promise.resolve(console);
  }

  /** What stands on a node's screen: as this server saw it, else as the end of its log tells. */
  async #standingAt(addr: Address): Promise<{ standing: ScreenState; fresh: boolean }> {
    const { standing, known, fresh } = await this.#record(addr).standing();
    if (known || this.#powerChanged.has(addr)) return { standing, fresh };
    const { transcriptDir, name } = this.#options;
    const logged = await screenOfConsoleLog(transcriptDir, name(addr)).catch(() => null);
    return { standing: logged ? readScreenState(logged.around) : standing, fresh: false };
  }

  async close(why: string): Promise<void> {
    clearInterval(this.#ticks);
    const line = this.#line;
    this.#line = null;
    await line?.close(why);
    await Promise.all([...this.#records.values()].map((record) => record.close()));
  }

  /** @throws a refusal in the words of `problem` where somebody else types, or nobody */
  #typedBy(user: ConsoleUser, problem: string): SharedConsole {
    const line = this.#line;
    if (!line || line.people.typingUser?.id !== user.id) throw rpcError('unknown', problem);
    return line;
  }

  #watchable(addr: Address): SharedConsole {
    if (this.#line?.addr === addr) return this.#line;
    throw rpcError('unavailable', `nobody has the console of ${this.#label(addr)} open: there is nothing to watch`);
  }

  #lineFor(user: ConsoleUser, addr: Address, take: boolean): SharedConsole {
    const line = this.#line;
    if (!line) return this.#open(addr);
    if (line.addr === addr) return line;
    const other = line.people.typingUser;
    const typist =
      other?.id === user.id ? null : other ? describeUser(other, this.#options.now()) : line.people.typistName;
    // An operation that lent its keyboard to this user still needs its console.
    const holder =
      typist ?? (line.people.worker && !line.people.worker.yields ? `operation ${line.people.worker.opId}` : null);
    if (holder !== null && !take)
      throw rpcError('held', `${holder} holds the console of ${this.#label(line.addr)}`, line.state());
    // Who leaves needs not be told.
    line.people.leave(user);
    this.#end(line, `${user.name} opened the console of ${this.#label(addr)}`);
    return this.#open(addr);
  }

  #open(addr: Address): SharedConsole {
    const record = this.#record(addr);
    const { bus, baud, now, changed, event, hostSeen, systems } = this.#options;
    record.opened(now());
    const names = new HostNameReader();
    const decoder = new TextDecoder();
    const line = new SharedConsole(bus, addr, baud(addr), record, {
      now,
      changed,
      heard: (bytes) => {
        const text = decoder.decode(bytes, { stream: true });
        const host = names.feed(text);
        if (host !== null) hostSeen(addr, host);
        systems.heard(addr, text);
      },
      torn: () => {
        names.torn();
        systems.torn(addr);
      },
      ended: (why) => {
        systems.torn(addr);
        event('warning', addr, `Console of ${this.#label(addr)} closed: ${why}`);
        if (this.#line === line) this.#line = null;
        changed();
      },
    });
    if (performance.now() - this.#unlockedAt < ECHO_MS) line.conceal(this.#options.unlock);
    this.#line = line;
    return line;
  }

  #end(line: SharedConsole, why: string): void {
    if (this.#line === line) this.#line = null;
    this.#options.systems.torn(line.addr);
    // The bus closes it in its own time; nothing of it reaches anybody any more.
    void line.close(why);
  }

  #closeIfDeserted(line: SharedConsole, why: string): void {
    if (this.#line === line && line.people.isDeserted) this.#end(line, why);
  }

  #record(addr: Address): ConsoleBuffer {
    let record = this.#records.get(addr);
    if (!record) {
      const { transcriptDir, scrollback, limits, name, event, lineSeen } = this.#options;
      record = new ConsoleBuffer({
        name: name(addr),
        dir: transcriptDir,
        scrollback,
        limits,
        onLine: (text) => {
          lineSeen(addr, text);
          const line = this.#line?.addr === addr ? this.#line : null;
          if (startsAnew(text, (line?.untypedMs ?? Infinity) < READS_MS)) this.startedAnew(addr);
        },
        // Once, from here: clients throw away what their emulators answer.
        onReply: (bytes) => this.#reply(addr, bytes),
        onTrouble: (text) => event('warning', addr, text),
      });
      this.#records.set(addr, record);
    }
    return record;
  }

  /** A node that is only watched while it boots gets no answers: any key stops a boot loader's countdown. */
  #reply(addr: Address, bytes: Uint8Array): void {
    if (this.#line?.people.worker?.yields === true) return;
    if (this.#line?.addr === addr && this.#line.proven) this.#line.write(filterInput(bytes).bytes);
  }

  #label(addr: Address): string {
    return this.#options.label(addr);
  }
}
