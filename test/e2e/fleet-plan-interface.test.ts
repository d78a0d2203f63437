/** Plans over several racks from the interface: simulated racks, one server process, the real program in a terminal. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { planRacks } from '../support/plan-racks.ts';
import type { TestTerminal } from '../support/terminal.ts';

let fleet: Awaited<ReturnType<typeof planRacks>>;
const WAIT = 40_000;
const SIZE = { cols: 120, rows: 40 };

beforeAll(async () => {
  fleet = await planRacks();
}, WAIT);
afterAll(() => fleet[Symbol.asyncDispose]());
beforeEach(() => fleet.begin(''), WAIT);

interface Kept {
  id: string;
  state: string;
  started: { wall: number };
  steps: { parts: { rack: string; state: string }[] }[];
}

/** The last run in this client's journal. */
function lastRun(): Kept | undefined {
  const folder = join(fleet.folder, 'state', 'rackui', 'fleet');
  const all = readdirSync(folder).filter((file) => file.endsWith('.json'));
  const runs = all.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Kept);
  return runs.sort((a, b) => a.started.wall - b.started.wall).at(-1);
}
const states = (): string[] => lastRun()?.steps.flatMap(({ parts }) => parts.map(({ state }) => state)) ?? [];

/** Opens the list of plans over all racks, and the preview of the first one. */
async function preview(screen: TestTerminal): Promise<void> {
  await screen.waitFor('R all');
  screen.type('R');
  await screen.waitFor('Tab next rack');
  screen.type('!');
  await screen.waitFor(/plans of several racks[^]*shed +north\/(?:one|shed), then/);
  screen.type('\r');
}

/** Types words one by one, as hands do, and Enter; the first key again until the dialog was seen for long enough. */
async function confirm(screen: TestTerminal, words: string): Promise<void> {
  await screen.waitFor(`To confirm type ${words} and press Enter`, 'the words', WAIT);
  const field = (text: string): RegExp => new RegExp(`│ {2}${text} +│`);
  const [first = '', ...others] = Array.from(words);
  await expect
    .poll(
      () => {
        const there = field(first).test(screen.text());
        if (!there) screen.type(first);
        return there;
      },
      { interval: 400, timeout: WAIT },
    )
    .toBe(true);
  // A blank is seen by the cursor alone.
  const { x } = screen.cursor;
  for (const [index, key] of others.entries()) {
    screen.type(key);
    await screen.waitFor((one) => one.cursor.x === x + index + 1, `${words.slice(0, index + 2)} typed`);
  }
  screen.type('\r');
}

/** A plan of `south/one` after a part of north's. */
const after = (north: string): string => `plans:
  shed:
    description: both racks
    steps:
      - { name: first, plans: [${north}] }
      - { name: second, plans: [south/one] }
`;

test(
  'a plan is run from the interface to its end; a rack not reached is said before, and is never counted',
  async () => {
    writeFileSync(
      fleet.config,
      `racks: [{ name: far, ssh: pi@far }, north.yaml, south.yaml]\n${after('north/one')}      - { name: third, plans: [far/shed] }\n`,
    );
    await using screen = fleet.open(SIZE);
    await preview(screen);
    await screen.waitFor('far/shed (not reached); 2 nodes lose power on 2 racks', 'the preview', WAIT);
    await screen.waitFor(/far\/shed {2}not reached: nothing is begun there[^]*No route to host/);
    expect(screen.text()).toMatch(/north\/one {2}1 of 1 node OFF/);
    screen.type('\r');
    await screen.waitFor(/Enter alone starts nothing|too fast/);
    expect(await fleet.cuts()).toEqual({ north: 0, south: 0 });

    await confirm(screen, 'shed 2');
    await screen.waitFor('plan shed runs, 0 of 3 parts done');
    await screen.waitFor(/north\/one {2}running \(run p\w+\).* of 1 nodes? done/, 'progress', WAIT);
    await screen.waitFor(/waits: resume or abort it[^]*south\/one {2}done/, 'the end', WAIT * 2);
    await screen.waitFor(/far\/shed {2}unreached[^]*not reached for its confirmation/);
    expect(await fleet.cuts()).toEqual({ north: 1, south: 1 });
    expect(states()).toEqual(['done', 'done', 'unreached']);
    await screen.waitFor('plan shed unfinished, 2 of 3 parts done: rackui plan resume');

    // The rest is aborted from there as well.
    await abort(screen);
    await screen.waitFor(/ended {2}run f\w+[^]*far\/shed {2}aborted/, 'the abort', WAIT);
    expect(lastRun()).toMatchObject({ state: 'ended' });
    screen.type('\x1b');
    await screen.waitFor(/runs\s[^]*shed +ended, 2 of 3 parts done/);
  },
  WAIT * 4,
);

test(
  'an interface that is killed leaves its part to the rack, and plan resume ends the rest, once',
  async () => {
    fleet.say(after('north/one'));
    const screen = fleet.open(SIZE);
    try {
      await preview(screen);
      await confirm(screen, 'shed 2');
      await screen.waitFor(/north\/one {2}running \(run p\w+\)/, 'progress', WAIT);
      const id = String(lastRun()?.id);
      expect(await fleet.run('plan', 'resume', id)).toMatchObject({
        code: 3,
        err: expect.stringContaining('driven by another rackui') as string,
      });
      process.kill(screen.pid, 'SIGKILL');
      await screen.exited;
      await expect.poll(() => fleet.cuts(), { timeout: WAIT }).toEqual({ north: 1, south: 0 });
      await using later = fleet.open(SIZE);
      await later.waitFor(`plan shed unfinished, 0 of 2 parts done: rackui plan resume ${id}`);
      later.type('q');
      expect((await later.exited).code).toBe(0);
      const resumed = await fleet.run('plan', 'resume', id);
      expect(resumed.code, resumed.err + resumed.out).toBe(0);
      expect(await fleet.cuts()).toEqual({ north: 1, south: 1 });
      expect(lastRun()).toMatchObject({ id, state: 'ended' });
    } finally {
      await screen[Symbol.asyncDispose]();
    }
  },
  WAIT * 4,
);

test(
  'the interface pauses and resumes its own run, says what goes on when it is left, and a later one resumes and aborts it',
  async () => {
    fleet.say(after('north/shed'));
    const first = fleet.open(SIZE);
    try {
      await preview(first);
      await confirm(first, 'shed 3');
      await first.waitFor(/north\/shed {2}running \(run p\w+\)/, 'progress', WAIT);
      first.type('p');
      await first.waitFor(/waits: resume or abort it[^]*paused by an operator/, 'the pause', WAIT);
      expect((await fleet.cuts())['south']).toBe(0);
      first.type('r');
      await first.waitFor(/north\/shed continues; south\/one starts as confirmed before: 1 node loses power/);
      await resumeByEnter(first);
      await first.waitFor('This interface drives it', 'the resume', WAIT);
      first.type('\x1b');
      await first.waitFor(/runs\s/);
      first.type('\x1b');
      await first.waitFor((one) => !one.text().includes('plans of several racks'));
      first.type('\x1b');
      await first.waitFor('quit');
      first.type('q');
      await first.exited;
      expect(first.output).toMatch(/run f\w+ of shed is left: what runs on the racks continues/);
    } finally {
      await first[Symbol.asyncDispose]();
    }
    await using second = fleet.open(SIZE);
    await second.waitFor('plan shed unfinished');
    second.type('R');
    await second.waitFor('Tab next rack');
    second.type('!');
    await second.waitFor('no program drives it: resume or abort it');
    second.type('j');
    second.type('\r');
    await second.waitFor(/run f\w+, by/);
    second.type('r');
    await second.waitFor('1 node OFF as confirmed before');
    await resumeByEnter(second);
    await second.waitFor(/south\/one {2}running \(run p\w+\)[^]*This interface drives it/, 'the resume', WAIT);
    await abort(second);
    await second.waitFor(/ended {2}run f\w+[^]*aborted[^]*south\/one {2}(?:incomplete|done)/, 'the abort', WAIT);
    expect((await fleet.cuts())['north']).toBe(2);
  },
  WAIT * 5,
);

/** Presses Enter until it counts: the dialog has to have been seen before. */
async function resumeByEnter(screen: TestTerminal): Promise<void> {
  await expect
    .poll(
      () => {
        const asks = screen.text().includes('as confirmed before');
        if (asks) screen.type('\r');
        return asks;
      },
      { interval: 400, timeout: WAIT },
    )
    .toBe(false);
}

/** Asks for the abort and confirms it, until the run has ended. */
async function abort(screen: TestTerminal): Promise<void> {
  await expect
    .poll(
      () => {
        const { state } = lastRun() ?? {};
        // A question that was not seen for long enough is closed by any key.
        if (state !== 'ended') screen.type(screen.text().includes('Abort shed on all racks?') ? 'y' : 'a');
        return state;
      },
      { interval: 400, timeout: WAIT },
    )
    .toBe('ended');
}
