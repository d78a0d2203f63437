/**
 * The open console with its participants: connects the console session of the bus to sessions and to the operation
 * at work there, and decides which of them types. {@link Consoles} decides which console is open.
 */
import { type ConsoleState, KEY_LIMIT_MS } from '../../api/methods.ts';
import { SecretEcho } from '../../bmc/secret-echo.ts';
import type { Bus, ConsoleBaud, ConsoleSession, ConsolePhase } from '../../bmc/types.ts';
import { CANCEL_SEQUENCE, RESET_MODES } from '../../console/emulator.ts';
import { BELL, BELL_BLOCKED } from '../../console/input-filter.ts';
import type { ConsoleCondition } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import type { ConsoleBuffer } from './buffer.ts';
import { FloodDetector, type FloodChange, floodText } from './flood-detector.ts';
import { Participants, type ConsoleUser, type ConsoleOperation } from './participants.ts';
import { Silence } from './silence.ts';

export interface SharedConsolePorts {
  now(): number;
  changed(): void;
  /** Called with output of the node. */
  onOutput(bytes: Uint8Array): void;
  /** Called when output of the node was lost. */
  torn(): void;
  /** Called after the console was off the wire. */
  gap(): void;
  /** Called when the console ended by itself, with the bus's reason. */
  ended(why: string): void;
}

/** Longest question to the console's BMC that gets no mark in the log, ms. */
const UNSEEN_GAP_MS = 200;

const OPENING: ConsolePhase = { phase: 'waiting', why: 'the console is being opened' };

export class SharedConsole {
  readonly addr: Address;
  readonly buffer: ConsoleBuffer;
  readonly participants: Participants;
  readonly #bus: Pick<Bus, 'openConsole'>;
  readonly #ports: SharedConsolePorts;
  #baud: ConsoleBaud;
  #busSession: ConsoleSession;
  #phase: ConsolePhase = OPENING;
  #floodDetector: FloodDetector;
  readonly #silence = new Silence(performance.now());
  /** True from the start of a read of another node until the console is on the wire again. */
  #reading = false;
  #typedAt = -Infinity;
  #opened = 0;
  /** Masks echoed secrets in everything that participants and logs get. */
  readonly #echo = new SecretEcho();
  #release: NodeJS.Timeout | undefined;
  #wasOpen = false;
  #ended = false;

  constructor(
    bus: Pick<Bus, 'openConsole'>,
    addr: Address,
    baud: ConsoleBaud,
    buffer: ConsoleBuffer,
    ports: SharedConsolePorts,
  ) {
    this.addr = addr;
    this.buffer = buffer;
    this.participants = new Participants(
      addr,
      (text) => buffer.mark(text, ports.now()),
      (begin) => buffer.copy(begin),
    );
    this.#bus = bus;
    this.#ports = ports;
    this.#baud = baud;
    this.#floodDetector = new FloodDetector(baud);
    this.#busSession = this.#open(baud);
    this.#phase = this.#busSession.phase;
  }

  /**
   * Returns whether another node may be read now: the console is on the wire and silent, no operation works there,
   * and no bytes wait to be sent.
   */
  get allowsRead(): boolean {
    if (this.#phase.phase !== 'open' || this.participants.operation !== null || this.#busSession.pending > 0)
      return false;
    return this.#silence.allowsRead(performance.now());
  }

  /** Notes that another node is about to be read: the gap that follows is added up instead of reported. */
  beginRead(): void {
    this.#reading = true;
  }

  get proven(): boolean {
    return this.#phase.phase === 'open' && this.#phase.proven;
  }

  state(): ConsoleState {
    const user = this.participants.typingUser;
    return {
      addr: this.addr,
      state: this.#phase.phase === 'open' ? 'open' : this.#wasOpen ? 'suspended' : 'opening',
      holder: user?.id ?? null,
      holderName: this.participants.typistName,
      holderSilentSince: user?.silentSince ?? null,
      watchers: this.participants.subscribers.map((one) => one.user.id).filter((id) => id !== user?.id),
      unproven: this.proven ? null : this.#whyUnproven(),
      baud: this.#baud,
    };
  }

  condition(): ConsoleCondition {
    return {
      open: this.#phase.phase === 'open' && !this.#ended,
      proven: this.proven && !this.#ended,
      why: this.proven ? '' : this.#whyUnproven(),
    };
  }

  /** Writes an operator's note to the log; all participants see it. */
  logNote(user: ConsoleUser, text: string): void {
    this.buffer.mark(`note by ${user.name}: ${text}`, this.#ports.now());
    this.#announce('note', `note by ${user.name}: ${text}`);
  }

  /** Resets the terminal modes on every screen and marks it; `why`: `after a change of its power`. */
  resetModes(why: string): void {
    this.buffer.resetModes((set) => {
      if (set.length === 0) return;
      const text = resetText(set, why);
      this.buffer.mark(text, this.#ports.now());
      this.#announce('note', text);
    });
    for (const subscriber of this.participants.subscribers) subscriber.data(RESET_MODES, this.#ports.now());
  }

  /** Time since a session or an operation last typed, ms. */
  get untypedMs(): number {
    return performance.now() - this.#typedAt;
  }

  /** Closes the pipe and opens it again at this rate; output of the node is lost meanwhile. */
  setBaud(baud: ConsoleBaud, user: ConsoleUser): void {
    this.#baud = baud;
    this.#floodDetector = new FloodDetector(baud);
    this.#markGap(`${user.name} reopened it at ${baud} baud`, this.#ports.now());
    this.#phase = OPENING;
    this.#busSession = this.#open(baud);
    this.#phase = this.#busSession.phase;
    this.#ports.torn();
  }

  /** Checks whether a flood is over; called regularly. */
  tick(): void {
    if (!this.#ended) this.#reportFlood(this.#floodDetector.tick(performance.now()));
  }

  /** Sends keys that a session typed at `at`. Keys that cannot be sent are reported to the session, never kept. */
  input(user: ConsoleUser, bytes: Uint8Array, at: number): void {
    const subscriber = this.participants.find(user);
    if (!subscriber) return;
    if (this.participants.typingUser?.id !== user.id) {
      subscriber.note(
        'blocked',
        `not sent: ${this.participants.typistName ?? 'no session'} has the keyboard; take it first`,
      );
      return;
    }
    this.#typedAt = performance.now();
    const { refused } = this.#writeKeys(user, bytes, at);
    if (refused !== null) subscriber.note('blocked', refused);
  }

  /**
   * Sends a piece of a paste; resolves when it is on the wire, so that the sender knows its progress and can stop.
   * `why`: the reason where it was not sent; then nothing of it was kept.
   */
  async paste(user: ConsoleUser, bytes: Uint8Array, at: number): Promise<{ sent: boolean; why: string | null }> {
    if (this.participants.typingUser?.id !== user.id)
      return { sent: false, why: `${this.participants.typistName ?? 'no session'} has the keyboard; take it first` };
    this.#typedAt = performance.now();
    const { refused } = this.#writeKeys(user, bytes, at);
    if (refused !== null) return { sent: false, why: refused };
    const sent = (await this.#busSession.passed()) === 'sent';
    return { sent, why: sent ? null : 'the console was interrupted' };
  }

  /** Sends the operation's keys; refused while a session has the keyboard. */
  type(operation: ConsoleOperation, bytes: Uint8Array): { taken: number; refused: string | null } {
    if (this.#ended) return { taken: 0, refused: 'the console was closed' };
    if (!this.participants.isTyping(operation))
      return { taken: 0, refused: `${this.participants.typistName ?? 'no session'} has the keyboard of this console` };
    return this.write(bytes);
  }

  /** Masks the secret where the node echoes it; must be called before the secret is typed. */
  conceal(secret: string): void {
    this.#echo.typed(secret, performance.now());
  }

  /** Resolves when all keys have left, with the time at which the last byte was sent; null: some were dropped. */
  async left(): Promise<number | null> {
    const busSession = this.#busSession;
    if ((await busSession.passed()) === 'dropped') return null;
    return Math.floor(this.#ports.now() - (performance.now() - busSession.sentAt));
  }

  /**
   * Sends bytes. A piece with 0x07 is refused whole, because its rest was to follow that byte. `by`: the
   * session that typed it.
   */
  write(bytes: Uint8Array, by?: ConsoleUser): { taken: number; refused: string | null } {
    this.#silence.sent(performance.now());
    this.#markReads();
    return bytes.includes(BELL) ? { taken: 0, refused: BELL_BLOCKED } : this.#busSession.write(bytes, by);
  }

  /** Keys that waited in the socket while the server was stopped are not typed now, nor are the keys behind them. */
  #writeKeys(user: ConsoleUser, bytes: Uint8Array, at: number): { refused: string | null } {
    const age = this.#ports.now() - at;
    if (age <= KEY_LIMIT_MS) return this.write(bytes, user);
    const held = `the server or the connection to it stalled for ${Math.round(age / 1000)} s`;
    return { refused: this.#busSession.refuse(user, `${held}: not sent; check the screen, then type it again`) };
  }

  /** Closes the console for all participants, who get `why` as the reason. */
  async close(why: string): Promise<void> {
    if (this.#end(why)) await this.#busSession.close();
  }

  #open(baud: ConsoleBaud): ConsoleSession {
    // A former console session may still report its end while the next one is being opened.
    const turn = ++this.#opened;
    const mine = (): boolean => turn === this.#opened;
    return this.#bus.openConsole(this.addr, baud, {
      onData: (bytes) => mine() && this.#data(bytes),
      onPhase: (phase) => mine() && this.#phaseChanged(phase),
      onGap: (gap) => mine() && this.#gap(gap),
      onDropped: (text) => mine() && this.participants.typing?.note('blocked', text),
    });
  }

  #announce(kind: 'note' | 'flood' | 'baud', text: string): void {
    for (const subscriber of this.participants.subscribers) subscriber.note(kind, text);
  }

  #reportFlood(changes: readonly FloodChange[]): void {
    for (const one of changes) {
      const [kind, text] = floodText(one, this.#baud);
      this.buffer.mark(text, this.#ports.now());
      this.#announce(kind, text);
    }
  }

  #end(why: string): boolean {
    if (this.#ended) return false;
    this.#releaseHeld();
    this.#markReads();
    this.#ended = true;
    this.buffer.closed(why, this.#ports.now());
    for (const subscriber of this.participants.subscribers) subscriber.note('closed', why);
    this.participants.operation?.condition({ open: false, proven: false, why });
    return true;
  }

  #data(bytes: Uint8Array): void {
    if (this.#ended) return;
    const now = performance.now();
    this.#silence.onOutput(now);
    this.#markReads();
    this.#reportFlood(this.#floodDetector.feed(bytes, now));
    this.#show(this.#echo.feed(bytes, now));
    this.#ports.onOutput(bytes);
    this.participants.operation?.text(bytes);
  }

  /** Passes bytes to participants and logs. The masked rest comes with the next bytes, or a moment later. */
  #show(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      const at = this.#ports.now();
      // The participants first: an echo does not wait for the log and the server's own screen.
      for (const subscriber of this.participants.subscribers) subscriber.data(bytes, at);
      this.buffer.data(bytes, at);
    }
    const dueMs = this.#echo.dueIn(performance.now());
    clearTimeout(this.#release);
    if (dueMs !== null) this.#release = setTimeout(() => this.#releaseHeld(), dueMs);
  }

  #releaseHeld(): void {
    clearTimeout(this.#release);
    if (!this.#ended) this.#show(this.#echo.release(performance.now()));
  }

  #phaseChanged(phase: ConsolePhase): void {
    if (this.#ended) return;
    this.#phase = phase;
    if (phase.phase === 'closed') {
      this.#end(phase.why);
      this.#ports.ended(phase.why);
      return;
    }
    if (phase.phase === 'open') this.#wasOpen = true;
    this.participants.operation?.condition(this.condition());
    this.#ports.changed();
  }

  #gap({ from, ms, why, asked }: { from: number; ms: number; why: string; asked: boolean }): void {
    if (this.#ended) return;
    const text = `gap of ${(ms / 1000).toFixed(ms < 1000 ? 3 : 1)} s: ${why}`;
    const read = this.#reading && ms < UNSEEN_GAP_MS;
    this.#reading = false;
    this.#releaseHeld();
    if (read) this.#silence.add(from, ms, performance.now());
    else this.#markGap(text, from);
    this.buffer.torn();
    this.participants.operation?.gap(text);
    this.#ports.torn();
    this.#ports.gap();
    // A short gap after a key or a bell is over before a user notices it: only the log marks it.
    if (read || (asked && ms < UNSEEN_GAP_MS)) return;
    for (const subscriber of this.participants.subscribers) subscriber.note('gap', text);
  }

  /** Marks the loss of output. A sequence that it tore ends on every screen: it would swallow what comes next. */
  #markGap(text: string, from: number): void {
    this.buffer.markGap(text, from);
    for (const subscriber of this.participants.subscribers) subscriber.data(CANCEL_SEQUENCE, this.#ports.now());
  }

  /** Writes one line into the log for the reads of other nodes since the last bytes. */
  #markReads(): void {
    const reads = this.#silence.takeReads();
    if (reads === null) return;
    const gaps = reads.count === 1 ? 'a gap' : `${reads.count} gaps`;
    const text = `${gaps} of ${(reads.ms / 1000).toFixed(3)} s in all: other nodes were read while it was silent`;
    this.buffer.markGap(text, reads.from);
  }

  #whyUnproven(): string {
    switch (this.#phase.phase) {
      case 'open':
        return 'the node has printed nothing yet; press Enter to wake it';
      case 'waiting':
      case 'closed':
        return this.#phase.why;
    }
  }
}

/** `reset after a new boot: alternate screen, mouse`. */
export function resetText(set: readonly string[], why: string): string {
  return `reset ${why}: ${set.join(', ')}`;
}
