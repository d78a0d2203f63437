/**
 * Opens consoles, one at a time on the whole bus: decides which session may open, watch, type and take over, and
 * keeps the last screen of each node.
 */
import type { ConsoleJoined, ConsoleState, EventRecord } from '../../api/methods.ts';
import type { LogPiece, LogRequest } from '../../api/node.ts';
import { ECHO_MS } from '../../bmc/secret-echo.ts';
import type { Bus, ConsoleBaud } from '../../bmc/types.ts';
import { HostNameReader } from '../../console/hostname.ts';
import { filterInput } from '../../console/input-filter.ts';
import { startsAnew } from '../../console/line-patterns.ts';
import type { LogLimits } from '../../console/log-files.ts';
import type { TailLine } from '../../console/log-reader.ts';
import { readScreenState, type ScreenState } from '../../console/screen-state.ts';
import {
  ConsoleHeld,
  type ConsoleHolder,
  type ConsolePort,
  mayTake,
  type OperationConsole,
} from '../../power/ports.ts';
import { NotFound, Unavailable } from '../../lib/errors.ts';
import type { Address } from '../../rack/address.ts';
import type { SystemStates } from '../polling/system-states.ts';
import { ConsoleBuffer, readConsoleLog, screenOfConsoleLog, tailConsoleLog } from './buffer.ts';
import { resetText, SharedConsole } from './console-session.ts';
import { LastScreens } from './last-screens.ts';
import { operationConsole } from './operation-console.ts';
import { type ConsoleUser, describeUser } from './participants.ts';

export interface ConsolesOptions {
  bus: Pick<Bus, 'openConsole'>;
  /** The unlock string of the bus. */
  unlock: string;
  /** Returns the rate of a node's UART. */
  baud: (addr: Address) => ConsoleBaud;
  limits: LogLimits;
  scrollback: number;
  transcriptDir: string;
  now: () => number;
  /** Returns name, position and address, for display. */
  label: (addr: Address) => string;
  /** Returns the node's name, which is also its transcript's file name. */
  name: (addr: Address) => string;
  event: (level: EventRecord['level'], addr: Address, text: string) => void;
  /** Called with the host name of a banner or a prompt. */
  hostSeen: (addr: Address, host: string) => void;
  /** Records the signs of the nodes' operating systems. */
  systems: Pick<SystemStates, 'onOutput' | 'tick' | 'torn'>;
  /** Called for each complete line of the node's output. */
  lineSeen: (addr: Address, text: string) => void;
  /** Called with the number of bytes received; null: after the console was off the wire. */
  tally: (addr: Address, bytes: number | null) => void;
  /** Called when the open console or its participants changed. */
  changed: () => void;
}

/** Time after a keystroke in which printed kernel lines may be an old log that the user asked for, ms. */
const READS_MS = 5_000;
/** Interval of the check whether a flood is over, ms. */
const TICK_MS = 1_000;

export class Consoles implements ConsolePort {
  readonly #options: ConsolesOptions;
  readonly #buffers = new Map<Address, ConsoleBuffer>();
  /** How each node's console looked last. */
  readonly last: LastScreens;
  /** Runs while a console is open. */
  #ticks: NodeJS.Timeout | undefined;
  /** Nodes whose logs end before their power last changed. */
  readonly #powerChanged = new Set<Address>();
  #line: SharedConsole | null = null;
  /** Time at which the unlock string was last sent (performance.now). */
  #unlockedAt = -Infinity;

  constructor(options: ConsolesOptions) {
    this.#options = options;
    const { transcriptDir, name, now } = options;
    this.last = new LastScreens({ buffer: (addr) => this.#buffers.get(addr), transcriptDir, name, now });
  }

  state(): ConsoleState | null {
    return this.#line?.state() ?? null;
  }

  /**
   * Joins a console, opening it where it is not open. Without `take` no session loses anything: a node at which
   * another session types is watched, and another node's console is refused as long as a session types there.
   */
  async attach(user: ConsoleUser, request: { addr: Address; take: boolean; watch: boolean }): Promise<ConsoleJoined> {
    const { addr, take, watch } = request;
    const line = watch ? this.#watchable(addr) : this.#lineFor(user, addr, take);
    const subscriber = line.participants.join(user);
    if (watch) {
      if (line.participants.typingUser?.id === user.id) line.participants.releaseKeyboard();
    } else if (line.participants.typistName === null || take) line.participants.acquireKeyboard(subscriber);
    this.#options.changed();
    const copy = await subscriber.screen();
    // Sends the answer first: the client makes its emulator from it before bytes arrive.
    setImmediate(() => subscriber.goLive());
    const role = line.participants.typingUser?.id === user.id ? 'types' : 'watches';
    return { addr, role, ...copy, screen: copy.screen.toString('base64'), console: line.state() };
  }

  /** Takes the keyboard of the console that the user watches. */
  acquireKeyboard(user: ConsoleUser): ConsoleState {
    const line = this.#line;
    const subscriber = line?.participants.find(user);
    if (!line || !subscriber) throw new NotFound('this session has no console: attach to one first');
    line.participants.acquireKeyboard(subscriber);
    this.#options.changed();
    return line.state();
  }

  /** Transfers the keyboard of the user's console to another session there. */
  transferKeyboard(user: ConsoleUser, session: number): ConsoleState {
    const line = this.#typedBy(user, 'only the session with the keyboard can transfer it');
    const to = line.participants.subscribers.find((subscriber) => subscriber.user.id === session);
    if (!to) throw new NotFound(`session ${session} is not at the console of ${this.#label(line.addr)}`);
    if (session !== user.id) line.participants.transferKeyboard(user, to);
    this.#options.changed();
    return line.state();
  }

  /** Writes a note to the log of the user's console. */
  note(user: ConsoleUser, text: string): void {
    const line = this.#line;
    if (!line?.participants.find(user))
      throw new NotFound('this session has no console to write the note to: attach to one first');
    line.logNote(user, text);
  }

  /** Resets the terminal modes that a dead program left on the user's console. */
  resetScreen(user: ConsoleUser): void {
    const line = this.#typedBy(user, 'only the session with the keyboard can reset the screen');
    line.buffer.mark(`${user.name} reset the screen's modes`, this.#options.now());
    line.resetModes(`by ${user.name}`);
  }

  /** Resets the terminal modes after a node lost power or restarted. `why`: `after a change of its power`. */
  startedAnew(addr: Address, why: string): void {
    const buffer = this.#buffers.get(addr);
    if (this.#line?.addr === addr) this.#line.resetModes(why);
    else
      buffer?.resetModes((set) => {
        if (set.length > 0) buffer.mark(resetText(set, why), this.#options.now());
      });
  }

  setBaud(user: ConsoleUser, baud: ConsoleBaud): ConsoleState {
    const line = this.#typedBy(user, 'only the session with the keyboard can set the baud rate');
    line.setBaud(baud, user);
    this.#options.changed();
    return line.state();
  }

  /** Notes that the unlock string is about to be sent: if a pipe was left open, a node gets it and may echo it. */
  unlocking(): void {
    this.#unlockedAt = performance.now();
    this.#line?.conceal(this.#options.unlock);
  }

  /** Writes an event to the node's log, whether its console is open or not. */
  mark(addr: Address, text: string, at: number): void {
    this.#buffer(addr).mark(text, at);
  }

  /** Marks the node's last screen as older than the change of its power. */
  powerChanged(addr: Address): void {
    this.#buffers.get(addr)?.powerChanged();
    this.#powerChanged.add(addr);
  }

  /** Begins a read of another node beside the open console. Returns false where it may not be interrupted now. */
  beginRead(): boolean {
    if (this.#line?.allowsRead !== true) return false;
    this.#line.beginRead();
    return true;
  }

  /** Reads a piece of a node's log. @throws {Unavailable} where the disk cannot be read */
  async log(request: LogRequest): Promise<LogPiece> {
    const { transcriptDir, name, limits } = this.#options;
    await this.#buffers.get(request.addr)?.flush();
    return readConsoleLog(transcriptDir, name(request.addr), limits, request);
  }

  /** Reads the latest lines of a node's log. @throws {Unavailable} where the disk cannot be read */
  async logTail(addr: Address, count: number): Promise<TailLine[]> {
    await this.#buffers.get(addr)?.flush();
    return tailConsoleLog(this.#options.transcriptDir, this.#options.name(addr), count);
  }

  detach(user: ConsoleUser): void {
    const line = this.#line;
    if (!line?.participants.find(user)) return;
    line.participants.leave(user);
    this.#closeIfDeserted(line, `${user.name} detached`);
    this.#options.changed();
  }

  resize(user: ConsoleUser, cols: number, rows: number): void {
    const line = this.#typedBy(user, 'only the session with the keyboard can set the size');
    line.buffer.resize(cols, rows);
    for (const subscriber of line.participants.subscribers)
      if (subscriber.user.id !== user.id)
        subscriber.note('resized', `${user.name} set the size to ${cols}x${rows}`, { cols, rows });
  }

  /** Sends keys; `at`: the time at which they were typed. */
  input(user: ConsoleUser, addr: Address, bytes: Uint8Array, at: number): void {
    if (this.#line?.addr === addr && this.#line.participants.find(user)) this.#line.input(user, bytes, at);
    else user.outbox.consoleNote({ addr, kind: 'blocked', text: 'not sent: this console is not open' });
  }

  paste(
    user: ConsoleUser,
    addr: Address,
    bytes: Uint8Array,
    at: number,
  ): Promise<{ sent: boolean; why: string | null }> {
    const line = this.#line;
    if (line?.addr === addr && line.participants.find(user)) return line.paste(user, bytes, at);
    return Promise.resolve({ sent: false, why: 'this console is not open' });
  }

  holder(): ConsoleHolder | null {
    const line = this.#line;
    const user = line?.participants.typingUser;
    if (!line || !user) return null;
    const name = describeUser(user, this.#options.now());
    const silent = user.silentSince !== null;
    return { addr: line.addr, session: user.id, name, silent, lent: line.participants.lends };
  }

  acquire(
    addr: Address,
    opId: string,
    requestor: { session: number; take: boolean | 'silent'; yields: boolean; givesWay?: boolean },
  ): Promise<OperationConsole> {
    const before = this.#line;
    const holder = this.holder();
    const { yields, givesWay = false } = requestor;
    if (holder && (yields || givesWay)) return Promise.reject(new ConsoleHeld(holder.name));
    const working = before?.participants.operation;
    if (before && working) {
      if (givesWay || !working.givesWay) return Promise.reject(new ConsoleHeld(`operation ${working.opId}`));
      working.condition({ open: false, proven: false, why: `operation ${opId} needs the console` });
      before.participants.endOperation(working);
    } else if (givesWay && before && before.addr !== addr)
      return Promise.reject(new ConsoleHeld(`a session that watches ${this.#label(before.addr)}`));
    if (holder && holder.session !== requestor.session && !mayTake(holder, requestor.take))
      return Promise.reject(new ConsoleHeld(holder.name));
    if (before && before.addr !== addr)
      this.#end(before, `operation ${opId} needs the console of ${this.#label(addr)}`);
    const line = this.#line ?? this.#open(addr);
    const console = operationConsole(opId, requestor, line, {
      now: this.#options.now,
      readScreen: () => this.#screenOf(addr),
      released: () => {
        this.#closeIfDeserted(line, `operation ${opId} has ended`);
        this.#options.changed();
      },
    });
    this.#options.changed();
    return Promise.resolve(console);
  }

  /** Returns the text on a node's screen: as this server saw it, otherwise from the end of its log. */
  async #screenOf(addr: Address): Promise<{ screen: ScreenState; fresh: boolean }> {
    const { screen, known, fresh } = await this.#buffer(addr).readScreen();
    if (known || this.#powerChanged.has(addr)) return { screen, fresh };
    const { transcriptDir, name } = this.#options;
    const logged = await screenOfConsoleLog(transcriptDir, name(addr)).catch(() => null);
    return { screen: logged ? readScreenState(logged.around) : screen, fresh: false };
  }

  async close(why: string): Promise<void> {
    const line = this.#line;
    this.#line = null;
    this.#tick();
    await line?.close(why);
    await Promise.all([...this.#buffers.values()].map((buffer) => buffer.close()));
  }

  /** @throws a refusal with the words of `problem` where another session types, or none */
  #typedBy(user: ConsoleUser, problem: string): SharedConsole {
    const line = this.#line;
    if (!line || line.participants.typingUser?.id !== user.id) throw new NotFound(problem);
    return line;
  }

  #watchable(addr: Address): SharedConsole {
    if (this.#line?.addr === addr) return this.#line;
    throw new Unavailable(`the console of ${this.#label(addr)} is not open: there is nothing to watch`);
  }

  #lineFor(user: ConsoleUser, addr: Address, take: boolean): SharedConsole {
    const line = this.#line;
    if (!line) return this.#open(addr);
    if (line.addr === addr) return line;
    const other = line.participants.typingUser;
    const typist =
      other?.id === user.id ? null : other ? describeUser(other, this.#options.now()) : line.participants.typistName;
    // The operation that lent its keyboard to this user still needs its console.
    const { operation } = line.participants;
    const holder = typist ?? (operation && !operation.yields ? `operation ${operation.opId}` : null);
    if (holder !== null && !take)
      throw new ConsoleHeld(holder, `${holder} has the keyboard of the console of ${this.#label(line.addr)}`);
    // The leaving session needs no message.
    line.participants.leave(user);
    this.#end(line, `${user.name} opened the console of ${this.#label(addr)}`);
    return this.#open(addr);
  }

  #open(addr: Address): SharedConsole {
    const buffer = this.#buffer(addr);
    const { bus, baud, now, changed, event, hostSeen, systems, tally } = this.#options;
    buffer.opened(now());
    const names = new HostNameReader();
    const decoder = new TextDecoder();
    const line = new SharedConsole(bus, addr, baud(addr), buffer, {
      now,
      changed,
      onOutput: (bytes) => {
        const text = decoder.decode(bytes, { stream: true });
        const host = names.feed(text);
        if (host !== null) hostSeen(addr, host);
        systems.onOutput(addr, text);
        tally(addr, bytes.length);
      },
      torn: () => {
        names.torn();
        systems.torn(addr);
      },
      gap: () => tally(addr, null),
      ended: (why) => {
        systems.torn(addr);
        event('warning', addr, `Console of ${this.#label(addr)} closed: ${why}`);
        if (this.#line === line) this.#line = null;
        changed();
      },
    });
    if (performance.now() - this.#unlockedAt < ECHO_MS) line.conceal(this.#options.unlock);
    this.#line = line;
    clearInterval(this.#ticks);
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
    return line;
  }

  #tick(): void {
    this.#line?.tick();
    if (this.#line !== null) this.#options.systems.tick(this.#line.addr);
    else clearInterval(this.#ticks);
  }

  #end(line: SharedConsole, why: string): void {
    if (this.#line === line) this.#line = null;
    this.#options.systems.torn(line.addr);
    // The bus closes the console in its own time; nothing of it reaches a session any more.
    void line.close(why);
  }

  #closeIfDeserted(line: SharedConsole, why: string): void {
    if (this.#line === line && line.participants.isDeserted) this.#end(line, why);
  }

  #buffer(addr: Address): ConsoleBuffer {
    let buffer = this.#buffers.get(addr);
    if (!buffer) {
      const { transcriptDir, scrollback, limits, name, event, lineSeen } = this.#options;
      buffer = new ConsoleBuffer({
        name: name(addr),
        dir: transcriptDir,
        scrollback,
        limits,
        onLine: (text) => {
          lineSeen(addr, text);
          const line = this.#line?.addr === addr ? this.#line : null;
          if (startsAnew(text, (line?.untypedMs ?? Infinity) < READS_MS)) this.startedAnew(addr, 'after a new boot');
        },
        // Answers come once, from here: clients discard the answers of their own emulators.
        onReply: (bytes) => this.#reply(addr, bytes),
        warn: (text) => event('warning', addr, text),
      });
      this.#buffers.set(addr, buffer);
    }
    return buffer;
  }

  /** A node that is only watched while it boots gets no answers: any key stops a boot loader's countdown. */
  #reply(addr: Address, bytes: Uint8Array): void {
    if (this.#line?.participants.operation?.yields === true) return;
    if (this.#line?.addr === addr && this.#line.proven) this.#line.write(filterInput(bytes).bytes);
  }

  #label(addr: Address): string {
    return this.#options.label(addr);
  }
}
