/** The bare terminal as a node's console. */
import type { ReadStream, WriteStream } from 'node:tty';
import { EXIT } from '../../api/power.ts';
import type { ConsoleState } from '../../api/protocol.ts';
import type { RackClient } from '../../client/client.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { Failure } from '../failure.ts';
import { nodeText } from '../operation-report.ts';
import { Emulator } from './emulator.ts';
import { ConsoleKeys, type KeyAction } from './keys.ts';
import { Painter } from './painter.ts';
import { ConsoleSession } from './session.ts';

/** Until the operator detaches (0) or the console ends (5, with the reason). */
export async function liveConsole(
  client: RackClient,
  node: InventoryNode,
  take: boolean,
  stdin: ReadStream,
  stdout: WriteStream,
): Promise<number> {
  let settle: (why: string | null) => void = () => undefined;
  const over = new Promise<string | null>((resolve) => (settle = resolve));
  let work = Promise.resolve();
  let emulator: Emulator | null = null;
  let painter: Painter | null = null;
  const queue = (job: () => void | Promise<void>): void => {
    work = work.then(job);
  };

  const session = await ConsoleSession.join(client, node.addr, take, (joined) => {
    const screen = new Emulator(joined.cols, joined.rows);
    const paint = new Painter(screen, sizeOf(stdout), (text) => stdout.write(text));
    emulator = screen;
    painter = paint;
    const feed = (bytes: Uint8Array): void => queue(() => screen.write(bytes, () => paint.paint()));
    queue(() => paint.begin());
    feed(Buffer.from(joined.screen, 'base64'));
    return {
      data: feed,
      note: (note) =>
        queue(() => {
          if (note.cols !== undefined && note.rows !== undefined) {
            screen.terminal.resize(note.cols, note.rows);
            paint.resize(sizeOf(stdout));
          }
          paint.status(`${node.name}: ${note.text}`);
        }),
      state: (state) => queue(() => paint.status(statusText(node, state, client.welcome.session))),
      ended: (why) => settle(why),
    };
  });
  const say = (text: string): void => queue(() => painter?.status(`${node.name}: ${text}`));
  queue(() => painter?.status(statusText(node, session.joined.console, client.welcome.session)));

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
        session.take().then(
          (state) => say(statusText(node, state, client.welcome.session)),
          (error: unknown) => say(error instanceof Error ? error.message : String(error)),
        );
        return;
      case 'detach':
        settle(null);
    }
  };
  const undo = listen(stdin, stdout, {
    keys: (bytes) => keys.read(bytes).forEach(perform),
    resized: () => queue(() => painter?.resize(sizeOf(stdout))),
    leave: () => settle(null),
  });
  try {
    const why = await over;
    await work;
    if (why !== null) throw new Failure(EXIT.unavailable, `the console of ${nodeText(node)} ended: ${why}`);
    return EXIT.done;
  } finally {
    undo();
    (painter as Painter | null)?.end();
    (emulator as Emulator | null)?.dispose();
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

function sizeOf(stdout: WriteStream): { cols: number; rows: number } {
  return { cols: stdout.columns || 80, rows: stdout.rows || 24 };
}

/** How to leave first: a narrow terminal cuts the end off. */
function statusText(node: InventoryNode, state: ConsoleState, session: number): string {
  const types = state.holder === session ? '' : ` · ${state.holderName ?? 'nobody'} types; Ctrl-] w takes the keyboard`;
  const unproven = state.unproven === null ? '' : ` · ${state.unproven}`;
  return `${nodeText(node)} · Ctrl-] d leaves${types}${unproven} · Ctrl-] ? helps`;
}
