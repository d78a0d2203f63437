/** Plans of several racks by commands: simulated racks whose nodes are shut down with proof, servers, in virtual time. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startCommand } from '../support/command.ts';
import { virtualPlanRacks, type VirtualPlanRacks } from '../support/plan-racks.ts';
import { eventually, VirtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let fleet: VirtualPlanRacks;
const WAIT = 40_000;

const PLANS = `plans:
  shed:
    description: both racks
    steps:
      - { name: first, plans: [north/shed] }
      - { name: second, plans: [south/shed] }
  both: { steps: [{ name: all, plans: [north/shed, south/shed] }] }
  guarded:
    steps:
      - { name: first, plans: [south/guarded] }
      - { name: second, plans: [north/shed] }
`;
const FAR = `plans:
  shed:
    steps:
      - { name: first, plans: [north/shed] }
      - { name: second, plans: [far/shed] }
      - { name: third, plans: [south/shed] }
`;

beforeAll(async () => {
  clock = new VirtualClock();
  fleet = await virtualPlanRacks(clock);
});
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  clock[Symbol.dispose]();
});
beforeEach(() => fleet.begin(PLANS));

type Line = Record<string, unknown> & { type: string };
const isLine = new Ajv2020({ strict: false, allErrors: true }).compile(
  JSON.parse(readFileSync(new URL('../../docs/lines.schema.json', import.meta.url), 'utf8')) as Record<string, unknown>,
);
/** Parses lines, each of which is as the page says. */
const lines = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const one = JSON.parse(line) as Line;
      expect(isLine(one), `${line}\n${JSON.stringify(isLine.errors)}`).toBe(true);
      return one;
    });

/** Starts a command, and resolves as soon as a line of its output is found. */
async function until(
  found: (line: Line) => boolean,
  ...args: string[]
): Promise<{
  stop: () => void;
  goOn: () => Promise<void>;
  kill: (signal: NodeJS.Signals) => Promise<number | null>;
  said: () => Line[];
}> {
  const command = startCommand(args, { env: { ...fleet.env, RACKUI_SOCKET: undefined } });
  const said = (): Line[] => lines(command.stdout.slice(0, command.stdout.lastIndexOf('\n') + 1));
  await eventually(() => expect(said().some(found), command.stderr).toBe(true), WAIT);
  return {
    said,
    stop: () => command.life.stop(),
    goOn: () => clock.goOn(command.life),
    kill: async (signal) => {
      command.signal(signal);
      return (await command.ended).code;
    },
  };
}

const journalFolder = (): string => join(fleet.folder, 'state', 'rackui', 'fleet');

/** The runs' files at this client. */
function journal(): { state: string; steps: { parts: { state: string }[] }[]; mode: number }[] {
  const folder = journalFolder();
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({
      ...(JSON.parse(readFileSync(join(folder, file), 'utf8')) as ReturnType<typeof journal>[number]),
      mode: statSync(join(folder, file)).mode & 0o777,
    }));
}
const running = (line: Line): boolean =>
  line.type === 'plan-node' && line['rack'] === 'north' && line['phase'] === 'stopping';

test('one confirmation names every rack and the count; the second rack begins when the first has ended', async () => {
  const shown = await fleet.run('plan', 'run', 'shed', '--dry-run');
  expect(shown).toMatchObject({ code: 0, err: '' });
  expect(shown.out).toMatch(/^first: north\/shed; if one fails: pause\nnorth {2}shed {2}2 nodes/m);
  expect(shown.out).toContain(
    'plan shed: north/shed (2 nodes), then south/shed (2 nodes); 4 nodes lose power on 2 racks\n' +
      "to confirm: --confirm 'shed 4'\nnothing was sent (--dry-run)\n",
  );
  const shownJson = lines((await fleet.run('plan', 'show', 'shed', '--json')).out);
  expect(shownJson.map(({ type, rack, confirm }) => [type, rack, confirm])).toEqual([
    ['plan', 'north', 'shed 2'],
    ['plan', 'south', 'shed 2'],
    ['fleet-plan', undefined, 'shed 4'],
  ]);
  expect((await fleet.run('plan', 'run', 'shed')).code).toBe(64);
  expect((await fleet.run('plan', 'run', 'shed', '--confirm', 'shed 2')).code).toBe(3);
  expect((await fleet.run('plan', 'run', 'shed', '--detach', '--confirm', 'shed 4')).code).toBe(64);
  expect(await fleet.cuts()).toEqual({ north: 0, south: 0 });

  const ran = await fleet.run('plan', 'run', 'shed', '--confirm', 'shed 4', '--json');
  expect(ran.code, ran.err + ran.out).toBe(0);
  const said = lines(ran.out);
  const place = (type: string, rack: string): number =>
    said.findIndex((line) => line.type === type && line['rack'] === rack);
  expect(place('plan-start', 'south')).toBeGreaterThan(place('plan-end', 'north'));
  expect(said.at(-1)).toMatchObject({ type: 'fleet-end', state: 'ended', exitCode: 0, detail: '2 of 2 parts done' });
  expect(await fleet.cuts()).toEqual({ north: 2, south: 2 });
  expect(journal().at(-1)).toMatchObject({ state: 'ended', mode: 0o600 });
  expect((await fleet.run('plan', 'resume', 'shed')).code).toBe(64);
});

test('a client that is killed leaves its part to the rack; the next one finds the run and resumes the rest, once', async () => {
  const client = await until(running, 'plan', 'run', 'shed', '--confirm', 'shed 4', '--json');
  await client.kill('SIGKILL');
  const id = String(client.said()[0]?.['id']);
  // North's own server ends its part.
  await eventually(async () => expect(await fleet.cuts()).toEqual({ north: 2, south: 0 }), WAIT);
  const listed = await fleet.run('plan', 'list');
  expect(listed.out).toContain(`plan shed (run ${id}, by `);
  expect(listed.out).toMatch(/running; 2 parts: 1 running, 1 waiting\n {2}first\n {4}north\/shed running/);
  expect(listed.out).toContain(`no program drives it any more: resume it with 'rackui plan resume ${id}'`);
  const again = await fleet.run('plan', 'run', 'shed', '--confirm', 'shed 4');
  expect(again).toMatchObject({
    code: 3,
    err: expect.stringContaining(`resume it with 'rackui plan resume ${id}'`) as string,
  });
  const resumed = await fleet.run('plan', 'resume', id, '--json');
  expect(resumed.code, resumed.err + resumed.out).toBe(0);
  expect(lines(resumed.out).at(-1)).toMatchObject({ type: 'fleet-end', state: 'ended', exitCode: 0 });
  expect(await fleet.cuts()).toEqual({ north: 2, south: 2 });
});

test('a run is driven by one program; another one is refused, and pauses it before its next step', async () => {
  const client = await until(running, 'plan', 'run', 'shed', '--confirm', 'shed 4', '--json');
  const id = String(client.said()[0]?.['id']);
  client.stop();
  expect(await fleet.run('plan', 'resume', id)).toMatchObject({
    code: 3,
    err: expect.stringContaining('driven by another rackui') as string,
  });
  const pausing = fleet.run('plan', 'pause', id);
  await eventually(() => expect(existsSync(join(journalFolder(), `${id}.order`))).toBe(true), WAIT);
  await client.goOn();
  const paused = await pausing;
  expect(paused.code, paused.err).toBe(0);
  expect(paused.out).toMatch(/paused: paused by an operator; 2 parts: 1 (?:done|held), 1 waiting/);
  expect((await fleet.cuts())['south']).toBe(0);
  const resumed = await fleet.run('plan', 'resume', 'shed');
  expect(resumed.code, resumed.err + resumed.out).toBe(0);
  expect(await fleet.cuts()).toEqual({ north: 2, south: 2 });
});

test('an abort of a run that was left with Ctrl-C ends the parts on their racks, and begins no other', async () => {
  const client = await until(running, 'plan', 'run', 'shed', '--confirm', 'shed 4', '--json');
  expect(await client.kill('SIGINT')).toBe(130);
  const aborted = await fleet.run('plan', 'abort', 'shed');
  expect(aborted.code, aborted.err + aborted.out).toBe(0);
  expect(aborted.out).toMatch(/ended: aborted; 2 parts: 1 incomplete, 1 aborted/);
  expect((await fleet.run('plan', 'list')).out).toMatch(/^north .*plan shed .* ended: aborted by/m);
  expect((await fleet.cuts())['south']).toBe(0);
});

test('a rack whose guard refuses stops the plan, and says what to do next', async () => {
  const shown = await fleet.run('plan', 'show', 'guarded');
  expect(shown.code).toBe(3);
  expect(shown.out).toMatch(/^south {6}.*refused \(protected\)/m);
  const ran = await fleet.run('plan', 'run', 'guarded', '--confirm', 'guarded 3');
  expect(ran.code, ran.err).toBe(2);
  expect(ran.err).toMatch(/south\/guarded: skip a node there with 'rackui plan skip south\/p\w+ NODE'/);
  expect(await fleet.cuts()).toEqual({ north: 0, south: 0 });
  const held = await fleet.run('plan', 'skip', 'guarded', 'south');
  expect(held.code).toBe(3);
  const [, own = ''] = /'rackui plan abort (south\/p\w+)'/.exec(ran.err) ?? [];
  expect((await fleet.run('plan', 'abort', own)).code).toBe(0);
  // It has ended, not with all nodes done: it is never begun again.
  expect((await fleet.run('plan', 'resume', 'guarded')).err).toMatch(
    /south\/guarded is not begun again: .* 'rackui plan skip f\w+ south\/guarded'/,
  );
  expect((await fleet.run('plan', 'skip', 'guarded', 'south')).code).toBe(0);
  const rest = await fleet.run('plan', 'resume', 'guarded');
  expect(rest.code).toBe(2);
  expect(await fleet.cuts()).toEqual({ north: 2, south: 0 });
});

test('a rack that is not reached is said before, stops the plan at its turn, and is never counted as done', async () => {
  writeFileSync(fleet.config, `racks: [{ name: far, ssh: pi@far }, north.yaml, south.yaml]\n${FAR}`);
  const ran = await fleet.run('plan', 'run', 'shed', '--confirm', 'shed 4');
  expect(ran.code, ran.err).toBe(2);
  expect(ran.err).toMatch(/^far {4}rackui: .*No route to host/);
  expect(ran.err).toContain(
    'plan shed: north/shed (2 nodes), then far/shed (not reached), then south/shed (2 nodes); 4 nodes lose power',
  );
  expect(ran.out).toMatch(/paused: far\/shed unreached: nothing was begun there/);
  expect(await fleet.cuts()).toEqual({ north: 2, south: 0 });
  const still = await fleet.run('plan', 'resume', 'shed');
  expect(still.code).toBe(2);
  expect(await fleet.cuts()).toEqual({ north: 2, south: 0 });
  expect((await fleet.run('plan', 'skip', 'shed', 'far/shed')).code).toBe(0);
  const rest = await fleet.run('plan', 'resume', 'shed', '--json');
  expect(lines(rest.out).at(-1)).toMatchObject({ state: 'ended', detail: '2 of 3 parts done', exitCode: 2 });
  expect(rest.code).toBe(2);
  expect(await fleet.cuts()).toEqual({ north: 2, south: 2 });
});
