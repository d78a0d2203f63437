/** Small parts of the server, each by itself. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import type { EventRecord } from '../../src/api/methods.ts';
import type { Operation, Outcome } from '../../src/api/power.ts';
import { LineFile, StateFile } from '../../src/lib/json-file.ts';
import { EventLog } from '../../src/server/events.ts';
import { IdleTimeout } from '../../src/server/lifecycle.ts';
import { EventFile, prepareStateDirectory } from '../../src/server/logs.ts';
import { BusyNodes } from '../../src/server/polling/node-states.ts';
import { BackOff } from '../../src/server/polling/poller.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rackui-test-parts-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true, force: true });
});

describe('back-off of silent addresses', () => {
  test('twice as long each time, half a minute at most, and a word ends it', () => {
    const backOff = new BackOff();
    const pauses: number[] = [];
    let now = 0;
    for (let n = 0; n < 8; n++) {
      backOff.silent(5, now);
      const since = now;
      while (backOff.due([5], now).length === 0) now += 100;
      pauses.push(now - since);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    backOff.onReply(5);
    backOff.silent(5, now);
    expect(backOff.due([5], now + 1_000)).toEqual([5]);
  });

  test('delays nobody else, and is forgotten with the line', () => {
    const backOff = new BackOff();
    backOff.silent(5, 0);
    expect(backOff.due([4, 5, 6], 10)).toEqual([4, 6]);
    backOff.reset();
    expect(backOff.due([4, 5, 6], 10)).toEqual([4, 5, 6]);
  });
});

describe('events', () => {
  function log(): { events: EventLog; told: EventRecord[]; clock: { now: number } } {
    const clock = { now: 1_000 };
    const told: EventRecord[] = [];
    const events = new EventLog({ now: () => clock.now, write: () => undefined, publish: (event) => told.push(event) });
    return { events, told, clock };
  }

  test('a trouble that repeats is told once a minute, with its count', () => {
    const { events, told, clock } = log();
    for (let n = 0; n < 100; n++) events.add('warning', 'bus', null, 'noise');
    clock.now += 60_000;
    events.add('warning', 'bus', null, 'noise');
    expect(told.map(({ text }) => text)).toEqual(['noise', 'noise (and 99 times before)']);
  });

  test('an alarm and what an operator did are told every time', () => {
    const { events, told } = log();
    for (const level of ['alarm', 'notice', 'info'] as const)
      for (let n = 0; n < 3; n++) events.add(level, 'power', 3, 'off');
    expect(told).toHaveLength(9);
    expect(told.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('memory keeps a thousand', () => {
    const { events } = log();
    for (let n = 0; n < 1_500; n++) events.add('info', 'node', null, `event ${n}`);
    expect(events.latest(5_000)).toHaveLength(1_000);
    expect(events.latest(2).map(({ text }) => text)).toEqual(['event 1498', 'event 1499']);
    expect(events.latest(0)).toEqual([]);
  });
});

describe('files of lines', () => {
  test('grow to a bound and are their owner’s', () => {
    const file = new LineFile(join(dir, 'sub', 'log'), 100);
    for (let n = 0; n < 50; n++) file.write(`line ${n} of fifty\n`);
    file.close();
    const texts = ['', '.1'].map((end) => readFileSync(`${file.path}${end}`, 'utf8'));
    expect(texts.every((text) => text.length <= 120)).toBe(true);
    expect(`${texts[1] ?? ''}${texts[0] ?? ''}`.trimEnd().split('\n').at(-1)).toBe('line 49 of fifty');
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
  });

  test('a link at the name of a log is not followed, and a state directory that everybody can write is refused', () => {
    writeFileSync(join(dir, 'victim'), 'kept\n');
    symlinkSync(join(dir, 'victim'), join(dir, 'server.log'));
    const file = new LineFile(join(dir, 'server.log'));
    file.write('line\n');
    expect(file.problem).toContain('ELOOP');
    expect(readFileSync(join(dir, 'victim'), 'utf8')).toBe('kept\n');
    mkdirSync(join(dir, 'state'));
    chmodSync(join(dir, 'state'), 0o777);
    expect(() => prepareStateDirectory(join(dir, 'state'))).toThrow(/every user can write it/);
  });

  test('a disk that takes nothing is told once, and again after it took something', () => {
    const troubles: string[] = [];
    writeFileSync(join(dir, 'blocked'), '');
    const blocked = new EventFile(join(dir, 'blocked'), (text) => troubles.push(text));
    for (let n = 0; n < 5; n++) blocked.write('{}\n');
    expect(troubles).toEqual([expect.stringMatching(/event log .* cannot be written: /)]);
  });
});

describe('lingering', () => {
  test('leaves once, when nobody needed it for the whole time', () => {
    vi.useFakeTimers();
    let needed = false;
    const left = vi.fn();
    const linger = new IdleTimeout(1_000, () => needed, left);
    vi.advanceTimersByTime(900);
    needed = true;
    linger.look();
    vi.advanceTimersByTime(10_000);
    expect(left).not.toHaveBeenCalled();
    needed = false;
    linger.look();
    vi.advanceTimersByTime(999);
    linger.look();
    expect(left).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    linger.look();
    vi.advanceTimersByTime(10_000);
    expect(left).toHaveBeenCalledOnce();
  });
});

describe('workload', () => {
  const operation = (id: string, outcomes: (Outcome | null)[]): Operation => ({
    id,
    verb: 'force-off',
    label: 'x',
    by: 'alice',
    startedAt: 0,
    endedAt: outcomes.includes(null) ? null : 1,
    nodes: outcomes.map((outcome, addr) => ({
      addr,
      name: `n${addr}`,
      phase: outcome === null ? 'cut' : 'ended',
      since: 0,
      until: null,
      detail: '',
      evidence: [],
      question: null,
      outcome,
    })),
  });

  test('a node is marked while its part runs, and the change of its power is ours a while longer', () => {
    let now = 0;
    const work = new BusyNodes(() => now);
    expect(work.published(operation('a', [null, null]))).toEqual([0, 1]);
    expect(work.published(operation('a', ['done', null]))).toEqual([0]);
    expect([work.on(0), work.on(1), work.nodes, work.busy]).toEqual([null, 'a', [1], true]);
    expect(work.switchedHere(0)).toBe(true);
    work.published(operation('a', ['done', 'done']));
    expect(work.busy).toBe(false);
    now = 14_999;
    expect(work.switchedHere(0)).toBe(true);
    now = 15_001;
    expect([work.switchedHere(0), work.switchedHere(9)]).toEqual([false, false]);
  });

  test('a late word of an ended operation does not unmark the next one’s node', () => {
    const work = new BusyNodes(() => 0);
    work.published(operation('a', [null]));
    work.published(operation('b', [null]));
    work.published(operation('a', ['aborted']));
    expect(work.on(0)).toBe('b');
  });
});

test('a link planted where a state file is made anew is not followed', () => {
  writeFileSync(join(dir, 'victim'), 'kept');
  symlinkSync(join(dir, 'victim'), join(dir, 'known.json.new'));
  const file = new StateFile(dir, 'known.json', z.number(), (text) => expect.fail(text));
  for (const value of [3, 4]) {
    file.write(value);
    expect(file.read()).toBe(value);
  }
  expect(readFileSync(join(dir, 'victim'), 'utf8')).toBe('kept');
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
});

test('what a node says does not reach the event log or its listeners with characters that hide or turn text', () => {
  const events: string[] = [];
  const file = new LineFile(join(dir, 'events.jsonl'));
  const log = new EventLog({
    now: () => 0,
    write: (line) => file.write(line),
    publish: ({ text }) => void events.push(text),
  });
  for (const char of ['\u202e', '\u200b', '\x9b']) log.add('info', 'console', 1, `panic${char}!`);
  file.write(`${JSON.stringify({ text: 'a\u2066b' })}\n`);
  expect(events).toEqual(['panic?!', 'panic?!', 'panic?!']);
  expect(readFileSync(file.path, 'utf8')).toContain('a\\u2066b');
});
