/**
 * The one console that is open: a lease on the bus, the people at it, the operation that works through it, and who of
 * them types. It knows nothing of other consoles; {@link Consoles} decides who gets which.
 *
 * A console in the hands of an operation: bytes become text, listeners may come late.
 */
import { type ConsoleState, KEY_LIMIT_MS } from '../../api/methods.ts';
import { SecretEcho } from '../../bmc/secret-echo.ts';
import type { Bus, ConsoleBaud, ConsoleSession, ConsolePhase } from '../../bmc/types.ts';
import { RESET_MODES } from '../../console/emulator.ts';
import { BELL, BELL_BLOCKED } from '../../console/input-filter.ts';
import type { ConsoleCondition, OperationConsole } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import type { ConsoleBuffer } from './buffer.ts';
import { FloodDetector, type FlowNews, flowText } from './flood-detector.ts';
import { Participants, type ConsoleUser, type ConsoleOperation } from './participants.ts';

export interface SharedConsolePorts {
  now(): number;
  changed(): void;
  /** The node said this. */
  heard(bytes: Uint8Array): void;
  /** Something that it said was lost. */
  torn(): void;
  /** It ended by itself: the bus says why. */
  ended(why: string): void;
}

/** A question to its BMC that takes no longer disturbs nobody, ms. */
const UNSEEN_GAP_MS = 200;

const OPENING: ConsolePhase = { phase: 'waiting', why: 'the console is being opened' };

export class SharedConsole {
  readonly addr: Address;
  readonly record: ConsoleBuffer;
  readonly people: Participants;
  readonly #bus: Pick<Bus, 'openConsole'>;
  readonly #ports: SharedConsolePorts;
  #baud: ConsoleBaud;
  #lease: ConsoleSession;
  #phase: ConsolePhase = OPENING;
  #flow: FloodDetector;
  /** When a byte last went either way (performance.now). */
  #activeAt = performance.now();
  #typedAt = -Infinity;
  #opened = 0;
  /** Of what comes, people and logs get what this lets through. */
  readonly #echo = new SecretEcho();
  #release: NodeJS.Timeout | undefined;
  #wasOpen = false;
  #ended = false;

  constructor(
    bus: Pick<Bus, 'openConsole'>,
    addr: Address,
    baud: ConsoleBaud,
    record: ConsoleBuffer,
    ports: SharedConsolePorts,
  ) {
    this.addr = addr;
    this.record = record;
    this.people = new Participants(
      addr,
      (text) => record.mark(text, ports.now()),
      (begin) => record.copy(begin),
    );
    this.#bus = bus;
    this.#ports = ports;
    this.#baud = baud;
    this.#flow = new FloodDetector(baud);
    this.#lease = this.#open(baud);
    this.#phase = this.#lease.phase;
  }

  /** How long nothing went either way, ms; null where the console is not on the wire or somebody counts on it. */
  silentMs(): number | null {
    if (this.#phase.phase !== 'open' || this.people.worker !== null || this.#lease.pending > 0) return null;
    return performance.now() - this.#activeAt;
  }

  get proven(): boolean {
    return this.#phase.phase === 'open' && this.#phase.proven;
  }

  state(): ConsoleState {
    const user = this.people.typingUser;
    return {
      addr: this.addr,
      state: this.#phase.phase === 'open' ? 'open' : this.#wasOpen ? 'suspended' : 'opening',
      holder: user?.id ?? null,
      holderName: this.people.typistName,
      holderSilentSince: user?.silentSince ?? null,
      watchers: this.people.members.map((one) => one.user.id).filter((id) => id !== user?.id),
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

  /** An operator's words for the log; everybody here sees them. */
  logNote(user: ConsoleUser, text: string): void {
    this.record.mark(`note by ${user.name}: ${text}`, this.#ports.now());
    this.#tell('note', `note by ${user.name}: ${text}`);
  }

  /** The node's program is gone, or somebody says so: its modes are taken back on every screen. */
  resetModes(): void {
    this.record.resetModes();
    for (const member of this.people.members) member.data(RESET_MODES);
  }

  /** How long nobody and no operation has typed, ms. */
  get untypedMs(): number {
    return performance.now() - this.#typedAt;
  }

  /** The pipe is closed and opened anew at this rate; what the node prints meanwhile is lost. */
  setBaud(baud: ConsoleBaud, user: ConsoleUser): void {
    this.#baud = baud;
    this.#flow = new FloodDetector(baud);
    this.record.mark(`${user.name} opened it anew at ${baud} baud`, this.#ports.now());
    this.#phase = OPENING;
    this.#lease = this.#open(baud);
    this.#phase = this.#lease.phase;
    this.#ports.torn();
  }

  /** Time passes: is a flood over? */
  tick(): void {
    if (!this.#ended) this.#flowNews(this.#flow.tick(performance.now()));
  }

  /** Keys of a session, typed `at`. What does not go out is told to it, never kept. */
  input(user: ConsoleUser, bytes: Uint8Array, at: number): void {
    const member = this.people.member(user);
    if (!member) return;
    if (this.people.typingUser?.id !== user.id) {
      member.note('blocked', `not sent: ${this.people.typistName ?? 'nobody'} types here; take the keyboard first`);
      return;
    }
    this.#typedAt = performance.now();
    const { refused } = this.#writeKeys(user, bytes, at);
    if (refused !== null) member.note('blocked', refused);
  }

  /**
   * A piece of a paste: answered when it is on the wire, so that whoever sends it knows how far it is and can stop.
   * `why`: it is not, and nothing of it was kept.
   */
  async paste(user: ConsoleUser, bytes: Uint8Array, at: number): Promise<{ sent: boolean; why: string | null }> {
    if (this.people.typingUser?.id !== user.id)
      return { sent: false, why: `${this.people.typistName ?? 'nobody'} types here; take the keyboard first` };
    this.#typedAt = performance.now();
    const { refused } = this.#writeKeys(user, bytes, at);
    if (refused !== null) return { sent: false, why: refused };
    const sent = (await this.#lease.passed()) === 'sent';
    return { sent, why: sent ? null : 'the console was interrupted' };
  }

  /** The operation's typing; refused while somebody else has the keyboard. */
  type(worker: ConsoleOperation, bytes: Uint8Array): { taken: number; refused: string | null } {
    if (this.#ended) return { taken: 0, refused: 'the console was closed' };
    if (!this.people.isTyping(worker))
      return { taken: 0, refused: `${this.people.typistName ?? 'nobody'} types on this console` };
    return this.write(bytes);
  }

  /** To be called before this is typed: nobody is to see it where the node echoes it. */
  conceal(secret: string): void {
    this.#echo.typed(secret, performance.now());
  }

  /** Resolves when all that was typed has left, with the time at which its last byte was sent; null: some was dropped. */
  async left(): Promise<number | null> {
    const lease = this.#lease;
    if ((await lease.passed()) === 'dropped') return null;
    return Math.floor(this.#ports.now() - (performance.now() - lease.sentAt));
  }

  /** A piece that holds 0x07 is refused whole: what follows it was meant for after it. `by`: the person whose keys they are. */
  write(bytes: Uint8Array, by?: ConsoleUser): { taken: number; refused: string | null } {
    this.#activeAt = performance.now();
    return bytes.includes(BELL) ? { taken: 0, refused: BELL_BLOCKED } : this.#lease.write(bytes, by);
  }

  /** Keys that waited in the socket of a stopped server are not typed now, and neither is what came behind them. */
  #writeKeys(user: ConsoleUser, bytes: Uint8Array, at: number): { refused: string | null } {
    const age = this.#ports.now() - at;
    if (age <= KEY_LIMIT_MS) return this.write(bytes, user);
    const held = `the server or the line to it was held up for ${Math.round(age / 1000)} s`;
    return { refused: this.#lease.refuse(user, `${held}: not sent; look at the screen, then type it anew`) };
  }

  /** Ends it for everybody; `why` is what they are told. */
  async close(why: string): Promise<void> {
    if (this.#end(why)) await this.#lease.close();
  }

  #open(baud: ConsoleBaud): ConsoleSession {
    // A former lease says its last words while the next one is being made.
    const turn = ++this.#opened;
    const mine = (): boolean => turn === this.#opened;
    return this.#bus.openConsole(this.addr, baud, {
      onData: (bytes) => mine() && this.#data(bytes),
      onPhase: (phase) => mine() && this.#phaseChanged(phase),
      onGap: (gap) => mine() && this.#gap(gap),
      onDropped: (text) => mine() && this.people.typing?.note('blocked', text),
    });
  }

  #tell(kind: 'note' | 'flood' | 'baud', text: string): void {
    for (const member of this.people.members) member.note(kind, text);
  }

  #flowNews(news: readonly FlowNews[]): void {
    for (const one of news) {
      const [kind, text] = flowText(one, this.#baud);
      this.record.mark(text, this.#ports.now());
      this.#tell(kind, text);
    }
  }

  #end(why: string): boolean {
    if (this.#ended) return false;
    this.#releaseHeld();
    this.#ended = true;
    this.record.closed(why, this.#ports.now());
    for (const member of this.people.members) member.note('closed', why);
    this.people.worker?.condition({ open: false, proven: false, why });
    return true;
  }

  #data(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#activeAt = performance.now();
    this.#flowNews(this.#flow.feed(bytes, this.#activeAt));
    this.#show(this.#echo.feed(bytes, this.#activeAt));
    this.#ports.heard(bytes);
    this.people.worker?.text(bytes);
  }

  /** What people see and logs keep. The rest of it comes with the next bytes, or soon. */
  #show(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      this.record.data(bytes);
      for (const member of this.people.members) member.data(bytes);
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
    this.people.worker?.condition(this.condition());
    this.#ports.changed();
  }

  #gap({ from, ms, why, asked }: { from: number; ms: number; why: string; asked: boolean }): void {
    if (this.#ended) return;
    const text = `gap of ${(ms / 1000).toFixed(ms < 1000 ? 3 : 1)} s: ${why}`;
    this.#releaseHeld();
    this.record.mark(text, from);
    this.record.torn();
    this.#ports.torn();
    // Behind a key or a bell, and over before anybody sees it: the log has it.
    if (asked && ms < UNSEEN_GAP_MS) return;
    for (const member of this.people.members) member.note('gap', text);
  }

  #whyUnproven(): string {
    switch (this.#phase.phase) {
      case 'open':
        return 'nothing came from the node yet; press Enter to wake it';
      case 'waiting':
      case 'closed':
        return this.#phase.why;
    }
  }
}

export interface ConsoleWorkerPorts {
  now: () => number;
  look: OperationConsole['look'];
  /** Called after it let go. */
  released: () => void;
}

/** Puts operation `opId` to work at `line`. */
export function operationConsole(
  opId: string,
  yields: boolean,
  line: SharedConsole,
  { now, look, released }: ConsoleWorkerPorts,
): OperationConsole {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let onText: (text: string, at: number) => void = () => undefined;
  let onState: (condition: ConsoleCondition) => void = () => undefined;
  const worker: ConsoleOperation = {
    opId,
    yields,
    text: (bytes) => onText(decoder.decode(bytes, { stream: true }), now()),
    condition: (condition) => onState(condition),
  };
  line.people.startOperation(worker);
  return {
    onText(fn) {
      onText = fn;
    },
    onState(fn) {
      onState = fn;
      fn(line.condition());
    },
    look,
    type: (text, secret = '') => {
      line.conceal(secret);
      return line.type(worker, encoder.encode(text));
    },
    left: () => line.left(),
    lend: () => line.people.lendKeyboard(worker),
    release() {
      line.people.endOperation(worker);
      released();
      return Promise.resolve();
    },
  };
}
