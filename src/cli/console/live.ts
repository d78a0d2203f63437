/**
 * Makes the bare terminal a node's console: attaches as a client, handles the console's notes in order, and shows
 * its state and messages on the status line.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import {
  type ConsoleBaudRate,
  type ConsoleJoined,
  type ConsoleState,
  type ServerNotes,
  silenceText,
  type Snapshot,
} from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { BELL_BLOCKED, pasteFor } from '../../console/input-filter.ts';
import { messageOf } from '../../lib/errors.ts';
import { wrap } from '../../lib/words.ts';
import type { Address } from '../../rack/address.ts';
import { drawOf, drawText } from '../../rack/calibration.ts';
import { type InventoryNode, nodeLabel } from '../../rack/inventory.ts';
import type { Token } from '../../tui/terminal/tokenizer.ts';
import { Failure } from '../terminal-output.ts';
import { type Display, PaintedDisplay, RawDisplay } from './display.ts';
import { chordLabel, ConsoleKeys, type ConsoleKeyTable, type KeyAction } from './keys.ts';

export interface SessionHandlers {
  data(bytes: Uint8Array): void;
  note(note: ServerNotes['console.note']): void;
  /** Called when this client was too slow: `skipped` bytes were dropped; `screen` is the present screen. */
  resync(skipped: number, cols: number, rows: number, screen: Uint8Array): void;
  state(state: ConsoleState): void;
  /** Called at the end, with the reason. */
  ended(why: string): void;
}

/** Returns the message about a gap. */
export function gapText(skipped: number): string {
  return `gap: ${Math.ceil(skipped / 1000)} KB of output were skipped because this terminal was too slow; they are in its log`;
}

export class ConsoleSession {
  readonly joined: ConsoleJoined;
  readonly #client: RackClient;
  readonly #stops: (() => void)[];

  private constructor(client: RackClient, joined: ConsoleJoined, handlers: SessionHandlers) {
    const { addr } = joined;
    this.joined = joined;
    this.#client = client;
    this.#stops = [
      client.on('console.data', (piece) => {
        if (piece.addr === addr) handlers.data(Buffer.from(piece.data, 'base64'));
      }),
      client.on('console.resync', ({ addr: of, skipped, cols, rows, screen }) => {
        if (of === addr) handlers.resync(skipped, cols, rows, Buffer.from(screen, 'base64'));
      }),
      client.on('console.note', (note) => {
        if (note.addr !== addr) return;
        handlers.note(note);
        if (note.kind === 'closed') handlers.ended(note.text);
      }),
      client.on('update', ({ console }) => {
        if (console?.addr === addr) handlers.state(console);
      }),
      client.onClose((why) => handlers.ended(why)),
    ];
  }

  /** Joins the node's console. @throws RpcFailure: another session holds it, no such node, … */
  static async join(
    client: RackClient,
    addr: Address,
    { take, watch = false }: { take: boolean; watch?: boolean },
    handlers: (joined: ConsoleJoined) => SessionHandlers,
  ): Promise<ConsoleSession> {
    const joined = await client.request('console.attach', { addr, take, watch });
    return new ConsoleSession(client, joined, handlers(joined));
  }

  send(bytes: Uint8Array): void {
    const data = Buffer.from(bytes).toString('base64');
    this.#client.note('console.input', { addr: this.joined.addr, data, at: this.#client.now() });
  }

  acquireKeyboard(): Promise<ConsoleState> {
    return this.#client.request('console.take', {});
  }

  async leave(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    await this.#client.request('console.detach', {}).catch(() => undefined);
  }
}

/** Ends a part that another one follows. */
const MARK = ' …';
/** Time for which a message stays, ms: the console's state changes with almost every action there. */
const STANDS_MS = 3_000;

export class StatusWords {
  readonly #show: (text: string) => void;
  readonly #width: () => number;
  #state = '';
  #word = '';
  #timer: NodeJS.Timeout | null = null;

  /** @param width cells of the line: a longer message is shown in parts, one after another */
  constructor(show: (text: string) => void, width: () => number) {
    this.#show = show;
    this.#width = width;
  }

  /** Shows a message after the present one: the effect of a key must not hide the message about the key. */
  add(text: string): void {
    this.show(this.#timer === null ? text : `${this.#word} · ${text}`);
  }

  show(text: string): void {
    this.close();
    this.#word = text;
    // A message that does not fit ends with a mark, and continues in its place.
    this.#showParts(wrap(text, Math.max(MARK.length + 1, this.#width() - MARK.length)));
  }

  #showParts([part = '', ...more]: readonly string[]): void {
    this.#show(more.length > 0 ? part + MARK : part);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (more.length > 0) this.#showParts(more);
      else this.#show(this.#state);
    }, STANDS_MS);
  }

  state(text: string): void {
    this.#state = text;
    if (this.#timer === null) this.#show(text);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

export interface LiveOptions {
  take: boolean;
  rawOutput: boolean;
  baud: ConsoleBaudRate | null;
  keys: ConsoleKeyTable;
}

/** Most bytes of one note to the server. */
const PIECE = 16 * 1024;

/** Runs until the operator detaches (0) or the console ends (5, with the reason). */
export async function liveConsole(
  client: RackClient,
  node: InventoryNode,
  options: LiveOptions,
  stdin: ReadStream,
  stdout: WriteStream,
): Promise<number> {
  let settle: (why: string | null) => void = () => undefined;
  const over = new Promise<string | null>((resolve) => (settle = resolve));
  let work = Promise.resolve();
  let display: Display | null = null;
  const queue = (job: () => void | Promise<void>): void => {
    work = work.then(job);
  };

  const words = new StatusWords(
    (text) => queue(() => display?.status(text)),
    () => (stdout.columns || 80) - 1,
  );

  const { aroundStops, Input } = await import('../../tui/terminal/input.ts');
  const session = await ConsoleSession.join(client, node.addr, options, (joined) => {
    const shows = options.rawOutput ? new RawDisplay(stdout) : new PaintedDisplay(joined, stdout);
    display = shows;
    queue(() => shows.data(Buffer.from(joined.screen, 'base64')));
    return {
      data: (bytes) => queue(() => shows.data(bytes)),
      note: (note) =>
        queue(() => {
          if (note.cols !== undefined && note.rows !== undefined) shows.resizeNode(note.cols, note.rows);
          if (note.kind === 'gap') words.add(note.text);
          else words.show(`${node.name}: ${note.text}`);
        }),
      resync: (skipped, cols, rows, screen) =>
        queue(() => shows.resync(`${node.name}: ${gapText(skipped)}`, cols, rows, screen)),
      state: (state) => words.state(statusText(node, state, client, options.keys)),
      ended: (why) => settle(why),
    };
  });
  const show = (text: string): void => words.show(`${node.name}: ${text}`);
  const failed = (error: unknown): void => show(messageOf(error));
  if (options.baud !== null && options.baud !== session.joined.console.baud)
    await client.request('console.baud', { baud: options.baud }).catch(failed);

  const keys = new ConsoleKeys(options.keys);
  const perform = (action: KeyAction): void => {
    switch (action.do) {
      case 'send':
        session.send(action.bytes);
        return;
      case 'show':
        show(action.text);
        return;
      case 'take':
        session
          .acquireKeyboard()
          .then((state) => show(statusText(node, state, client, options.keys)))
          .catch(failed);
        return;
      case 'note':
        client
          .request('console.log', { text: action.text })
          .then(() => show('the note is in the log'))
          .catch(failed);
        return;
      case 'sample':
        client
          .request('sweep', { addrs: [node.addr], interrupt: true })
          .then((rack) => show(sampleText(node, rack)))
          .catch(failed);
        return;
      case 'who':
        client
          .request('sweep', { addrs: [], interrupt: false })
          .then((rack) => show(whoText(rack)))
          .catch(failed);
        return;
      case 'reset':
        client
          .request('console.reset', {})
          .then(() => show("the screen's modes are reset"))
          .catch(failed);
        return;
      case 'size':
        queue(() => tellSize().catch(failed));
        return;
      case 'detach':
        settle(null);
    }
  };
  /** Types the size command, unless an editor or a pager has the screen and would receive it. */
  const tellSize = async (): Promise<void> => {
    if (display?.fullScreen === true) {
      show('a full-screen program runs on the console: end or suspend it (Ctrl-Z), then set the size at the prompt');
      return;
    }
    const size = { cols: stdout.columns || 80, rows: (stdout.rows || 24) - (options.rawOutput ? 0 : 1) };
    await client.request('console.resize', size);
    display?.resizeNode(size.cols, size.rows);
    session.send(new TextEncoder().encode(` stty rows ${size.rows} cols ${size.cols}\r`));
  };
  const take = (token: Token): void => {
    // The server's emulator answers the node's queries once; this terminal's answers would come on top.
    if (token.kind === 'reply') return;
    if (token.kind !== 'paste' || keys.writing) {
      keys.read(token.kind === 'key' ? token.name : '', token.bytes).forEach(perform);
      return;
    }
    queue(() => {
      const { bytes, blocked } = pasteFor(token.bytes, display?.bracketedPaste === true);
      for (let at = 0; at < bytes.length; at += PIECE) session.send(bytes.subarray(at, at + PIECE));
      if (blocked > 0) show(BELL_BLOCKED);
    });
  };
  const input = new Input(stdin, (tokens) => tokens.forEach(take));
  input.open();
  // Not before the terminal is in raw mode: until then it sends Enter as a line feed.
  words.state(statusText(node, session.joined.console, client, options.keys));
  const leave = (): void => settle(null);
  const resized = (): void => queue(() => display?.resized());
  stdin.on('end', leave).resume();
  stdout.on('resize', resized);
  for (const signal of SIGNALS) process.on(signal, leave);
  const undoStops = aroundStops(
    () => {
      display?.suspend();
      input.lend();
    },
    () => {
      input.again();
      queue(() => display?.resume());
    },
  );
  try {
    const why = await over;
    await work;
    if (why !== null) throw new Failure(EXIT.unavailable, `the console of ${nodeLabel(node)} ended: ${why}`);
    return EXIT.done;
  } finally {
    undoStops();
    for (const signal of SIGNALS) process.off(signal, leave);
    stdout.off('resize', resized);
    stdin.off('end', leave);
    words.close();
    (display as Display | null)?.end();
    input.close();
    input.restore({ replyOutstanding: () => false, take: () => undefined }, () => undefined);
    await session.leave();
  }
}

const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Returns the status line; the key to leave comes first, because a narrow terminal cuts the end off. */
function statusText(node: InventoryNode, state: ConsoleState, client: RackClient, keys: ConsoleKeyTable): string {
  const watches = state.holder !== client.welcome.session;
  const types = watches ? ` · ${typistText(state, client.now())}; ${chordLabel(keys, 'take')} takes the keyboard` : '';
  const unproven = state.unproven === null ? '' : ` · ${state.unproven}`;
  return `${nodeLabel(node)} · ${chordLabel(keys, 'detach')} leaves${types}${unproven} · ${chordLabel(keys, 'help')} helps`;
}

function sampleText({ addr, calibration }: InventoryNode, { nodes }: Snapshot): string {
  const reading = nodes.find((node) => node.addr === addr)?.reading;
  if (reading?.state !== 'ok') return 'its BMC gave no sample';
  const { power, current, fan } = reading.sample;
  return `${power}, current ${drawText(drawOf(current, calibration), 'counts')}, fan ${fan} counts`;
}

/** `alice types`, `alice (silent for 14 s) types`. */
function typistText(console: ConsoleState | null, now: number): string {
  const silence = silenceText(console?.holderSilentSince ?? null, now);
  return `${console?.holderName ?? 'nobody'}${silence === '' ? '' : ` (${silence})`} types`;
}

function whoText({ console, sessions, now }: Snapshot): string {
  const name = (id: number): string => {
    const who = sessions.find((session) => session.id === id)?.who;
    return who === undefined ? `session ${id}` : who.from === null ? who.user : `${who.user}@${who.from}`;
  };
  const watchers = console?.watchers.map(name) ?? [];
  return `${typistText(console, now)}${watchers.length > 0 ? `, ${watchers.join(', ')} watch` : ''}`;
}
