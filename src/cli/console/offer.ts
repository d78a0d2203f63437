/**
 * Offers a node's console as a pseudo-terminal for any terminal program: bytes both ways, through the same guards as
 * every other key. A program that sends faster than the bus takes waits, as on a slow line.
 */
import { chmodSync, existsSync, lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { ConsoleState } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { BELL_BLOCKED, filterInput } from '../../console/input-filter.ts';
import { messageOf } from '../../lib/errors.ts';
import { type InventoryNode, nodeLabel } from '../../rack/inventory.ts';
import { Failure, hint } from '../terminal-output.ts';
import { EMPTY_SCREEN } from './display.ts';
import { ConsoleSession, gapText } from './live.ts';

/** Most bytes of one request: the answer comes when they are on the wire. */
const PIECE = 256;
/** Longest wait for the bus to open the console, ms. */
const OPENS_MS = 5_000;
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

export interface OfferOptions {
  /** Path of the link to the pseudo-terminal. */
  path: string;
  take: boolean;
  /** Only reads. */
  watch: boolean;
}

/** Runs until a signal (0) or the end of the console (5, with the reason). @throws Failure */
export async function offerConsole(client: RackClient, node: InventoryNode, options: OfferOptions): Promise<number> {
  const { path, take, watch } = options;
  freePath(path);
  const { Device } = await import('../../sim/pty-device.ts');
  let settle: (why: string | null) => void = () => undefined;
  const over = new Promise<string | null>((resolve) => (settle = resolve));
  const leave = (): void => settle(null);
  const say = (text: string): void => hint(`rackui: ${nodeLabel(node)}: ${text}`);
  let lost = 0;
  let opened: () => void = () => undefined;
  const open = new Promise<void>((resolve) => (opened = resolve));
  const onState = ({ state }: ConsoleState): void => {
    if (state !== 'opening') opened();
  };
  const device = new Device({
    data: (bytes) => void type(bytes).catch((error: unknown) => say(`not sent: ${messageOf(error)}`)),
    overrun: (bytes) => {
      if (lost === 0) say('no program reads the pseudo-terminal: output is dropped; the log has it');
      lost += bytes;
    },
    drained: () => (lost = 0),
  });

  async function type(typed: Uint8Array): Promise<void> {
    // What comes meanwhile waits in the pseudo-terminal, and in the program.
    device.pause();
    const { bytes, blocked } = filterInput(typed);
    if (blocked > 0) say(BELL_BLOCKED);
    try {
      for (let at = 0; at < bytes.length; at += PIECE) {
        const data = Buffer.from(bytes.subarray(at, at + PIECE)).toString('base64');
        const { sent, why } = await client.request('console.paste', { addr: node.addr, data, at: client.now() });
        if (!sent) {
          say(`not sent: ${why ?? 'the console was interrupted'}`);
          return;
        }
      }
    } finally {
      device.resume();
    }
  }

  try {
    const session = await ConsoleSession.join(client, node.addr, { take, watch }, (joined) => {
      onState(joined.console);
      return {
        data: (bytes) => {
          device.keepRaw();
          device.write(bytes);
        },
        note: ({ text }) => say(text),
        resync: (skipped, _cols, _rows, screen) => {
          say(gapText(skipped));
          device.write(Buffer.concat([Buffer.from(EMPTY_SCREEN), screen]));
        },
        state: onState,
        ended: (why) => settle(why),
      };
    });
    try {
      for (const signal of SIGNALS) process.on(signal, leave);
      // A program's first keys must not come before the console does; a bus in trouble says so with the next ones.
      await Promise.race([open, over, setTimeout(OPENS_MS, undefined, { ref: false })]);
      chmodSync(device.path, 0o600);
      symlinkSync(device.path, path);
      const { role, console } = session.joined;
      const reads = role === 'types' ? '' : `; it only reads: ${console.holderName ?? 'no session'} types`;
      say(`its console is at ${path}${reads}`);
      const why = await over;
      if (why !== null) throw new Failure(EXIT.unavailable, `the console of ${nodeLabel(node)} ended: ${why}`);
      return EXIT.done;
    } finally {
      for (const signal of SIGNALS) process.off(signal, leave);
      removeLink(path, device.path);
      await session.leave();
    }
  } finally {
    device.close();
  }
}

/** Removes a link whose pseudo-terminal is gone. @throws Failure where something else has this path */
function freePath(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSymbolicLink() || !readlinkSync(path).startsWith('/dev/pts/'))
    throw new Failure(EXIT.usage, `${path} exists and is no link to a pseudo-terminal: remove it or give another path`);
  if (existsSync(path))
    throw new Failure(
      EXIT.refused,
      `${path} leads to ${readlinkSync(path)}, which is in use, perhaps by another rackui console --pty: end that, remove the link, or give another path`,
    );
  unlinkSync(path);
}

function removeLink(path: string, target: string): void {
  try {
    if (readlinkSync(path) === target) unlinkSync(path);
  } catch {
    // Somebody else has removed or replaced it.
  }
}
