/** The bare terminal as a node's console. */
import type { ReadStream, WriteStream } from 'node:tty';
import { BELL_BLOCKED, pasteFor } from '../../console/input-filter.ts';
import type { Token } from '../../tui/tokenizer.ts';
import { EXIT } from '../../api/power.ts';
import { silenceText, type ConsoleBaudRate, type ConsoleState, type Snapshot } from '../../api/protocol.ts';
import type { RackClient } from '../../client/client.ts';
import { drawOf, drawText } from '../../rack/calibration.ts';
import { nodeLabel, type InventoryNode } from '../../rack/inventory.ts';
import { Failure } from '../failure.ts';
import { PaintedDisplay, RawDisplay, type Display } from './display.ts';
import { ConsoleKeys, prefixLabel, type KeyAction } from './keys.ts';
import { ConsoleSession, gapText } from './session.ts';
import { StatusWords } from './status-words.ts';

export interface LiveOptions {
  take: boolean;
  rawOutput: boolean;
  baud: ConsoleBaudRate | null;
  /** The key that is for rackui, `C-a`. */
  prefix: string;
}

/** The server bounds what one note may hold, bytes. */
const PIECE = 16 * 1024;

/** Until the operator detaches (0) or the console ends (5, with the reason). */
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

  const session = await ConsoleSession.join(client, node.addr, options.take, (joined) => {
    const shows = options.rawOutput ? new RawDisplay(stdout) : new PaintedDisplay(joined, stdout);
    display = shows;
    queue(() => shows.data(Buffer.from(joined.screen, 'base64')));
    return {
      data: (bytes) => queue(() => shows.data(bytes)),
      note: (note) =>
        queue(() => {
          if (note.cols !== undefined && note.rows !== undefined) shows.resizeNode(note.cols, note.rows);
          if (note.kind === 'gap') words.add(note.text);
          else words.say(`${node.name}: ${note.text}`);
        }),
      resync: (skipped, cols, rows, screen) =>
        queue(() => shows.resync(`${node.name}: ${gapText(skipped)}`, cols, rows, screen)),
      state: (state) => words.state(statusText(node, state, client, options.prefix)),
      ended: (why) => settle(why),
    };
  });
  const say = (text: string): void => words.say(`${node.name}: ${text}`);
  const failed = (error: unknown): void => say(error instanceof Error ? error.message : String(error));
  words.state(statusText(node, session.joined.console, client, options.prefix));
  if (options.baud !== null && options.baud !== session.joined.console.baud)
    await client.request('console.baud', { baud: options.baud }).catch(failed);

  const { aroundStops, Input } = await import('../../tui/input.ts');
  const keys = new ConsoleKeys(options.prefix);
  const perform = (action: KeyAction): void => {
    switch (action.do) {
      case 'send':
        session.send(action.bytes);
        return;
      case 'say':
        say(action.text);
        return;
      case 'take':
        session
          .take()
          .then((state) => say(statusText(node, state, client, options.prefix)))
          .catch(failed);
        return;
      case 'note':
        client
          .request('console.log', { text: action.text })
          .then(() => say('the note is in the log'))
          .catch(failed);
        return;
      case 'sample':
        client
          .request('sweep', { addrs: [node.addr], interrupt: true })
          .then((rack) => say(sampleText(node, rack)))
          .catch(failed);
        return;
      case 'who':
        client
          .request('sweep', { addrs: [], interrupt: false })
          .then((rack) => say(whoText(rack)))
          .catch(failed);
        return;
      case 'reset':
        client
          .request('console.reset', {})
          .then(() => say("the screen's modes are reset"))
          .catch(failed);
        return;
      case 'detach':
        settle(null);
    }
  };
  const take = (token: Token): void => {
    // The server's emulator answers the node's questions, once; this terminal's answers would come on top.
    if (token.kind === 'reply') return;
    if (token.kind !== 'paste' || keys.writing) {
      keys.read(token.bytes).forEach(perform);
      return;
    }
    queue(() => {
      const { bytes, blocked } = pasteFor(token.bytes, display?.bracketedPaste === true);
      for (let at = 0; at < bytes.length; at += PIECE) session.send(bytes.subarray(at, at + PIECE));
      if (blocked > 0) say(BELL_BLOCKED);
    });
  };
  const input = new Input(stdin, (tokens) => tokens.forEach(take));
  input.open();
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
    input.restore({ owed: () => false, take: () => undefined }, () => undefined);
    await session.leave();
  }
}

const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** How to leave first: a narrow terminal cuts the end off. */
function statusText(node: InventoryNode, state: ConsoleState, client: RackClient, prefix: string): string {
  const key = prefixLabel(prefix);
  const watches = state.holder !== client.welcome.session;
  const types = watches ? ` · ${typistText(state, client.now())}; ${key} w takes the keyboard` : '';
  const unproven = state.unproven === null ? '' : ` · ${state.unproven}`;
  return `${nodeLabel(node)} · ${key} d leaves${types}${unproven} · ${key} ? helps`;
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
