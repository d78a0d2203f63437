/** The bare terminal as a node's console. */
import type { ReadStream, WriteStream } from 'node:tty';
import { EXIT } from '../../api/power.ts';
import type { ConsoleBaudRate, ConsoleState, Snapshot } from '../../api/protocol.ts';
import type { RackClient } from '../../client/client.ts';
import { drawOf, drawText } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { Failure } from '../failure.ts';
import { nodeText } from '../operation-report.ts';
import { PaintedDisplay, RawDisplay, type Display } from './display.ts';
import { ConsoleKeys, type KeyAction } from './keys.ts';
import { ConsoleSession, gapText } from './session.ts';
import { StatusWords } from './status-words.ts';

export interface LiveOptions {
  take: boolean;
  rawOutput: boolean;
  baud: ConsoleBaudRate | null;
}

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

  const words = new StatusWords((text) => queue(() => display?.status(text)));

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
      state: (state) => words.state(statusText(node, state, client.welcome.session)),
      ended: (why) => settle(why),
    };
  });
  const say = (text: string): void => words.say(`${node.name}: ${text}`);
  const failed = (error: unknown): void => say(error instanceof Error ? error.message : String(error));
  words.state(statusText(node, session.joined.console, client.welcome.session));
  if (options.baud !== null && options.baud !== session.joined.console.baud)
    await client.request('console.baud', { baud: options.baud }).catch(failed);

  const keys = new ConsoleKeys();
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
          .then((state) => say(statusText(node, state, client.welcome.session)))
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
      case 'detach':
        settle(null);
    }
  };
  const undo = listen(stdin, stdout, {
    keys: (bytes) => keys.read(bytes).forEach(perform),
    resized: () => queue(() => display?.resized()),
    leave: () => settle(null),
  });
  try {
    const why = await over;
    await work;
    if (why !== null) throw new Failure(EXIT.unavailable, `the console of ${nodeText(node)} ended: ${why}`);
    return EXIT.done;
  } finally {
    undo();
    words.close();
    (display as Display | null)?.end();
    await session.leave();
  }
}

/** Raw mode and listeners; the returned function undoes them. */
function listen(
  stdin: ReadStream,
  stdout: WriteStream,
  on: { keys: (bytes: Uint8Array) => void; resized: () => void; leave: () => void },
): () => void {
  const signals = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;
  stdin.setRawMode(true).on('data', on.keys).on('end', on.leave).resume();
  stdout.on('resize', on.resized);
  for (const signal of signals) process.on(signal, on.leave);
  return () => {
    for (const signal of signals) process.off(signal, on.leave);
    stdout.off('resize', on.resized);
    stdin.off('data', on.keys).off('end', on.leave).pause().setRawMode(false);
  };
}

/** How to leave first: a narrow terminal cuts the end off. */
function statusText(node: InventoryNode, state: ConsoleState, session: number): string {
  const types = state.holder === session ? '' : ` · ${state.holderName ?? 'nobody'} types; Ctrl-] w takes the keyboard`;
  const unproven = state.unproven === null ? '' : ` · ${state.unproven}`;
  return `${nodeText(node)} · Ctrl-] d leaves${types}${unproven} · Ctrl-] ? helps`;
}

function sampleText({ addr, calibration }: InventoryNode, { nodes }: Snapshot): string {
  const reading = nodes.find((node) => node.addr === addr)?.reading;
  if (reading?.state !== 'ok') return 'its BMC gave no sample';
  const { power, current, fan } = reading.sample;
  return `${power}, current ${drawText(drawOf(current, calibration), 'counts')}, fan ${fan} counts`;
}

function whoText({ console, sessions }: Snapshot): string {
  const name = (id: number): string => {
    const who = sessions.find((session) => session.id === id)?.who;
    return who === undefined ? `session ${id}` : who.from === null ? who.user : `${who.user}@${who.from}`;
  };
  const watchers = console?.watchers.map(name) ?? [];
  return `${console?.holderName ?? 'nobody'} types${watchers.length > 0 ? `, ${watchers.join(', ')} watch` : ''}`;
}
