/**
 * Megabytes through one console at a line without a rate, with the full-screen interface at it: what came into the
 * log, how soon the interface answered keys meanwhile, and what the server and the interface grew by.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogPiece } from '../../src/api/node.ts';
import { residentMB } from '../bench/measure.ts';
import { randomBytes } from './hostile.ts';
import { stand, type Stand } from './stand.ts';

const MB = 1024 * 1024;
const LIMIT_MS = 60_000;
/** Printed after the bytes, so that their end can be seen. */
const END = 'that-was-all';
/** A line of the interface's help. */
const HELP = /Console, after the prefix/;

export interface Amounts {
  /** From the key that asks for the bytes to their end on the screen, ms. */
  ms: number;
  /** Bytes that the node printed and that the raw log holds, and whether they are the same. */
  printed: number;
  logged: number;
  same: boolean;
  /** From a key of the interface to what it shows, while the bytes came, ms each. */
  keys: number[];
  /** Resident memory at its height less that before, MB. */
  serverGrewMB: number;
  interfaceGrewMB: number;
}

/** `eachKey`: bytes that come into the log between two keys; 0: a key follows as soon as the one before was answered. */
export async function muchThroughAConsole(bytes = 10 * MB, eachKey = 0): Promise<Amounts> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-much-'));
  // Lines of text, as a node prints; the log is held against every byte of them.
  const text = randomBytes(bytes, 3).map((byte, at) => (at % 80 === 79 ? 0x0a : 0x20 + (byte % 95)));
  writeFileSync(join(folder, 'much'), text);
  const script = join(folder, 'node.sh');
  writeFileSync(
    script,
    `stty raw -echo\nprintf ready\nhead -c1 >/dev/null\nprintf begin\nhead -c1 >/dev/null\ncat ${folder}/much\nprintf '\\r\\n${END}\\r\\n'\nsleep 1000\n`,
  );
  try {
    const exec = ['--line-rate', 'unlimited', '--flow-control', '--exec', `03=/bin/sh ${script}`];
    await using rack = await stand({ sim: exec });
    await using screen = rack.open({ cols: 120, rows: 40 });
    await screen.waitFor(/\b24 on\b/);
    screen.type('03\r');
    await screen.waitFor(/Enter wakes it/);
    screen.type('\r');
    await screen.waitFor(/begin/);
    const pids = [rack.serverPid, screen.pid] as const;
    const before = pids.map(residentMB);
    const height = [...before];
    const look = setInterval(() => {
      for (const [n, pid] of pids.entries()) height[n] = Math.max(height[n] ?? 0, residentMB(pid));
    }, 20);
    const keys: number[] = [];
    const began = performance.now();
    try {
      screen.type('\r');
      for (let next = eachKey; !screen.text().includes(END) && performance.now() - began < LIMIT_MS; next += eachKey) {
        while (logSize(rack) < next && !screen.text().includes(END) && performance.now() - began < LIMIT_MS)
          await new Promise((resolve) => setTimeout(resolve, 10));
        const pressed = performance.now();
        screen.type('\x1d?');
        await screen.waitFor(HELP, 'the help', LIMIT_MS);
        keys.push(performance.now() - pressed);
        screen.type('\x1b');
        await screen.waitFor((s) => !HELP.test(s.text()), 'the help gone', LIMIT_MS);
      }
      await screen.waitFor(END, undefined, LIMIT_MS);
    } finally {
      clearInterval(look);
    }
    const ms = performance.now() - began;
    const { logged, hash } = await rawLog(rack);
    return {
      ms,
      printed: bytes,
      logged,
      same: hash === sha256(text),
      keys,
      serverGrewMB: (height[0] ?? 0) - (before[0] ?? 0),
      interfaceGrewMB: (height[1] ?? 0) - (before[1] ?? 0),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Size of the files of the logs, bytes. */
function logSize({ folder }: Stand): number {
  const logs = join(folder, 'consoles');
  return readdirSync(logs).reduce((sum, name) => sum + statSync(join(logs, name)).size, 0);
}

/** The log's bytes between the node's two words about them. */
async function rawLog(rack: Stand): Promise<{ logged: number; hash: string }> {
  const client = await rack.client();
  const pieces: Buffer[] = [];
  let cursor: string | null = null;
  for (const deadline = performance.now() + LIMIT_MS; performance.now() < deadline;) {
    const piece: LogPiece = await client.request('log.read', {
      addr: 3,
      kind: 'raw',
      cursor,
      since: null,
      search: null,
    });
    pieces.push(Buffer.from(piece.data, 'base64'));
    cursor = piece.cursor;
    if (piece.end && piece.data === '') break;
  }
  const all = Buffer.concat(pieces);
  const from = all.indexOf('begin') + 'begin'.length;
  const to = all.lastIndexOf(`\r\n${END}`);
  const logged = all.subarray(from, to);
  return { logged: logged.length, hash: sha256(logged) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
