/** A client that takes its console's bytes slowly, or not for a while: it falls behind alone, and ends where the others are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { API_VERSION, type ConsoleJoined, type ServerNotes } from '../../src/api/methods.ts';
import { LOG_LIMITS } from '../../src/console/log-files.ts';
import { NodeScreen } from '../../src/console/screen.ts';
import { ConsoleBuffer } from '../../src/server/consoles/buffer.ts';
import { Subscriber } from '../../src/server/consoles/participants.ts';
import { Outbox, type Picture } from '../../src/server/sessions/outbox.ts';
import { eventually, Harness } from './harness.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rackui-slow-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const SCROLLBACK = 200;
/** Bytes that the server keeps waiting for one client. */
const QUEUE_LIMIT = 1024 * 1024;

/** What a client makes of the notes that it gets. */
class Follower {
  screen = new NodeScreen({ cols: 80, rows: 24, scrollback: SCROLLBACK });
  readonly words: string[] = [];
  bytes = 0;
  skipped = 0;

  take(method: string, params: unknown): void {
    if (method === 'console.data') {
      const bytes = Buffer.from((params as ServerNotes['console.data']).data, 'base64');
      this.bytes += bytes.length;
      this.screen.write(bytes);
    } else if (method === 'console.note') this.words.push((params as ServerNotes['console.note']).text);
    else if (method === 'console.resync') {
      const { skipped, ...joined } = params as ServerNotes['console.resync'];
      this.skipped += skipped;
      this.begin(joined);
    }
  }

  begin({ cols, rows, screen }: Pick<ConsoleJoined, 'cols' | 'rows' | 'screen'>): void {
    this.screen.dispose();
    this.screen = new NodeScreen({ cols, rows, scrollback: SCROLLBACK });
    this.screen.write(Buffer.from(screen, 'base64'));
  }

  async text(): Promise<string> {
    await this.screen.flush();
    return this.screen.text();
  }
}

/** One client's outbox whose notes leave when the test lets them, and a console that it is at. */
class Way {
  readonly follower = new Follower();
  readonly #wire: { method: string; params: unknown; sent: () => void }[] = [];
  lagging: number | null = null;
  readonly outbox = new Outbox({} as Picture, {
    send: (method, params) => new Promise<void>((sent) => this.#wire.push({ method, params, sent })),
    reads: () => true,
    lagging: (waiting) => (this.lagging = waiting),
  });
  readonly record = new ConsoleBuffer({
    ...{ name: 'node', dir, scrollback: SCROLLBACK, limits: LOG_LIMITS },
    ...{ onLine: () => undefined, onReply: () => undefined, warn: () => undefined },
  });
  readonly member = new Subscriber(
    {
      access: 'control' as const,
      id: 1,
      name: 'slow',
      program: 'interface, pid 1',
      silentSince: null,
      outbox: this.outbox,
    },
    1,
    (begin) => this.record.copy(begin),
  );

  async join(): Promise<void> {
    this.record.opened(0);
    const { cols, rows, screen } = await this.member.screen();
    this.follower.begin({ cols, rows, screen: screen.toString('base64') });
    this.member.goLive();
  }

  say(bytes: Uint8Array): void {
    this.record.data(bytes, 0);
    this.member.data(bytes, 0);
  }

  /** The client takes so many notes. */
  async take(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const note = this.#wire.shift();
      note?.sent();
      if (note) this.follower.take(note.method, note.params);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Takes everything, also what the server makes only then: a screen in place of what was let go. */
  async takeAll(): Promise<void> {
    do {
      while (this.#wire.length > 0) await this.take(1);
      await this.record.copy(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#wire.length > 0);
  }

  async close(): Promise<void> {
    this.follower.screen.dispose();
    await this.record.close();
  }
}

type Move = { do: 'say'; kb: number } | { do: 'note' } | { do: 'take'; notes: number };

const BLOCK: Move = { do: 'say', kb: 400 };

const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 400 }).map((kb): Move => ({ do: 'say', kb })) },
  { weight: 1, arbitrary: fc.constant<Move>({ do: 'note' }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 6 }).map((notes): Move => ({ do: 'take', notes })) },
);

/** Lines that tell where they stand, in colours, with words over the end of a row. */
function output(from: number, length: number): Uint8Array {
  let text = '';
  for (let n = from; text.length < length; n += 64)
    text += `\x1b[${31 + ((n / 64) % 6)}m${String(n).padStart(9, '0')} ${'mountain '.repeat(5 + (n % 7))}\x1b[0m\r\n`;
  return Buffer.from(text.slice(0, length), 'latin1');
}

test('however it takes them: memory is bounded, no word is lost, bytes are shown or counted, and the screens agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(moves, { minLength: 5, maxLength: 15 }), async (all) => {
      const way = new Way();
      await way.join();
      let said = 0;
      const words: string[] = [];
      for (const move of all) {
        if (move.do === 'take') await way.take(move.notes);
        else if (move.do === 'note') {
          words.push(`word ${words.length}`);
          way.member.note('note', words.at(-1) ?? '');
        } else {
          way.say(output(said, move.kb * 1024));
          said += move.kb * 1024;
        }
        expect(way.outbox.queued).toBeLessThanOrEqual(QUEUE_LIMIT + 64 * 1024);
      }
      await way.takeAll();
      expect(way.follower.words).toEqual(words);
      expect(way.follower.bytes + way.follower.skipped).toBe(said);
      const { cols, rows, screen } = await way.record.copy(() => undefined);
      const truth = new Follower();
      truth.begin({ cols, rows, screen: screen.toString('base64') });
      expect(await way.follower.text()).toBe(await truth.text());
      expect(way.lagging).toBeNull();
      truth.screen.dispose();
      await way.close();
    }),
    // A word in the midst of what is let go.
    { numRuns: 5, examples: [[[BLOCK, BLOCK, { do: 'note' }, BLOCK, BLOCK, BLOCK]]] },
  );
});

test('who leaves while it is behind gets no screen any more', async () => {
  const way = new Way();
  await way.join();
  for (let n = 0; n < 5; n++) way.say(output(0, 400 * 1024));
  way.member.end();
  await way.takeAll();
  expect(way.follower.skipped).toBe(0);
  await way.close();
});

test('what must arrive as it is cannot be let go: a client that leaves a megabyte of it is disconnected', () => {
  const way = new Way();
  const event = { seq: 1, at: 0, level: 'info', topic: 'bus', addr: null, text: 'x'.repeat(1000) } as const;
  for (let n = 0; n < 2000 && way.lagging === null; n++) way.outbox.note('event', { ...event, seq: n });
  expect(way.lagging).toBeGreaterThan(QUEUE_LIMIT);
});

test('who does not read stays at the console and gets the screen when it does; the others notice nothing', async () => {
  await using rack = await Harness.start();
  rack.rack.greeting = 'alpha login: ';
  const alice = await rack.ready('alice');
  const socket = connectSocket(rack.socket);
  const rpc = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  rpc.listen();
  const who = { user: 'sleeper', from: null, tty: null, program: 'interface', pid: 1 };
  await rpc.sendRequest('hello', { api: API_VERSION, who });
  await alice.client.request('console.attach', { addr: 1, take: false, watch: false });
  const follower = new Follower();
  follower.begin(await rpc.sendRequest<ConsoleJoined>('console.attach', { addr: 1, take: false, watch: true }));
  rpc.onNotification((method, params: unknown) => follower.take(method, params));
  await eventually(() => expect(alice.seen).toContain('login'));
  socket.pause();
  let sent = alice.seen.length;
  for (let n = 0; n < 32; n++) {
    const text = `${Buffer.from(output(n * 64 * 1024, 64 * 1024)).toString('latin1')}\r\n`;
    rack.rack.say(text);
    sent += text.length;
    await eventually(() => expect(alice.seen.length).toBe(sent));
  }
  // A node that stops in the middle of a line is asked after: here it has said all.
  rack.rack.say('the end\r\n');
  sent += 9;
  await eventually(() => expect(alice.seen.length).toBe(sent));
  expect(follower.skipped).toBe(0);
  socket.resume();
  await eventually(() => expect(follower.skipped).toBeGreaterThan(QUEUE_LIMIT));
  await vi.waitFor(async () => expect(await follower.text()).toMatch(/^the end$/m));
  const { sessions } = await alice.client.request('server.info', {});
  expect(sessions.map((one) => one.who.user)).toEqual(['alice', 'sleeper']);
  expect(alice.events.filter(({ text }) => text.includes('sleeper left'))).toEqual([]);
  rpc.dispose();
  socket.destroy();
});
