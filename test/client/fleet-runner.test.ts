/** The runner of plans over several racks, on servers in this process: what is lost, and what is repeated. */
import { expect, test } from 'vitest';
import { RPC_ERROR } from '../../src/api/methods.ts';
import type { PlanRun, PlanState } from '../../src/api/plans.ts';
import { absentClient } from '../../src/client/absent.ts';
import { type RackClient, RpcFailure } from '../../src/client/client.ts';
import { FleetRunner } from '../../src/client/fleet-runner.ts';
import { type FleetRun, partsOf } from '../../src/rack/fleet-plan.ts';

/** A rack's server: its runs by request, and how often one was begun. */
class Rack {
  readonly runs: PlanRun[] = [];
  begun = 0;
  /** The answer to a request for a run is lost, with the connection. */
  losesAnswer = false;
  refuses: string | null = null;
  away: string | null = null;
  readonly #ends = new Set<(why: string) => void>();
  readonly #listeners = new Set<(run: PlanRun) => void>();

  client(): RackClient {
    if (this.away !== null) throw new Error(this.away);
    const requests: Record<string, (params: never) => unknown> = {
      sweep: () => ({ bus: { state: 'ready', detail: '' } }),
      'plan.run': ({ name, request }: { name: string; request: string }) => this.#begin(name, request),
      'plan.list': () => ({ plans: [], runs: structuredClone(this.runs) }),
      'plan.resume': ({ id }: { id: string }) => this.set(id, 'running'),
      'plan.pause': ({ id }: { id: string }) => this.set(id, 'paused'),
      'plan.abort': ({ id }: { id: string }) => this.set(id, 'ended'),
    };
    let ended: string | null = null;
    const end = (why: string): void => void (ended = why);
    this.#ends.add(end);
    return {
      ...absentClient('rack', ''),
      request: (async (method: string, params: never) => {
        await Promise.resolve();
        const answer = requests[method]?.(params);
        if (ended !== null) throw new RpcFailure(RPC_ERROR.unavailable, ended);
        return answer;
      }) as RackClient['request'],
      on: ((method: string, listener: (run: PlanRun) => void) => {
        if (method === 'plan') this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      }) as RackClient['on'],
      onClose: (listener) => {
        this.#ends.add(listener);
        return () => this.#ends.delete(listener);
      },
    };
  }

  cut(why: string): void {
    for (const end of this.#ends) end(why);
    this.#ends.clear();
  }

  /** Changes a run, and tells clients. */
  set(id: string, state: PlanState, outcome: 'done' | 'failed' = 'done'): PlanRun {
    const run = this.runs.find((one) => one.id === id);
    if (run === undefined) throw new RpcFailure(RPC_ERROR.unknown, `there is no run ${id}`);
    run.state = state;
    for (const node of run.steps.flatMap(({ nodes }) => nodes)) if (state === 'ended') node.outcome = outcome;
    for (const listener of this.#listeners) listener(structuredClone(run));
    return structuredClone(run);
  }

  #begin(plan: string, request: string): PlanRun {
    if (this.refuses !== null) throw new RpcFailure(RPC_ERROR.refused, this.refuses);
    let run = this.runs.find((one) => one.request === request);
    if (run === undefined) {
      this.begun++;
      const node = { addr: 1, name: 'n', state: 'started', since: 0, operation: null, phase: null, outcome: null };
      run = {
        ...{ id: `p${this.runs.length}`, request, plan, by: '', armed: false, startedAt: 0, endedAt: null },
        ...{ deadlineAt: null, predictedEndAt: 0, state: 'running', detail: '' },
        steps: [{ name: 's', action: 'off', needs: [], state: 'running', nodes: [{ ...node, detail: '', tries: 1 }] }],
      } as PlanRun;
      this.runs.push(run);
    }
    if (this.losesAnswer) {
      this.losesAnswer = false;
      this.cut('the connection was lost');
    }
    return structuredClone(run);
  }
}

function fleet(...steps: string[][]): {
  run: FleetRun;
  racks: Record<string, Rack>;
  disk: () => FleetRun;
  drive: (order?: 'run' | 'pause' | 'abort', from?: FleetRun) => FleetRunner & { over: Promise<void> };
} {
  const racks: Record<string, Rack> = {};
  const run: FleetRun = {
    ...{ id: 'f1', plan: 'p', by: '', armed: false, state: 'running', detail: '' },
    steps: steps.map((names, index) => ({
      ...{ name: `s${index}`, onFail: 'pause' },
      parts: names.map((rack) => {
        racks[rack] = new Rack();
        return {
          ...{ rack, plan: 'x', state: 'waiting', request: `k.${rack}`, run: null, confirmed: true, confirm: 'x 1' },
          ...{ exitCode: null, detail: '' },
        };
      }),
    })),
  };
  let saved = structuredClone(run);
  return {
    run,
    racks,
    disk: () => structuredClone(saved),
    drive(order = 'run', from = run) {
      const runner = new FleetRunner(from, {
        open: (rack) => Promise.resolve().then(() => racks[rack]?.client() ?? expect.fail(rack)),
        save: () => void (saved = structuredClone(from)),
        takeOrder: () => null,
        secondsLeft: () => null,
        partChanged: () => undefined,
        planChanged: () => undefined,
      });
      return Object.assign(runner, { over: runner.drive(order) });
    },
  };
}
const states = (run: FleetRun): string =>
  partsOf(run)
    .map(({ state }) => state)
    .join(' ');
const begun = (racks: Record<string, Rack>): number[] => Object.values(racks).map((one) => one.begun);

test('the state before a request is on the disk when it is sent; steps follow one another', async () => {
  const { racks, run, disk, drive } = fleet(['a', 'b'], ['c']);
  const { over } = drive();
  await expect.poll(() => begun(racks)).toEqual([1, 1, 0]);
  await expect.poll(() => states(disk())).toBe('running running waiting');
  racks['a']?.set('p0', 'ended');
  await expect.poll(() => states(disk())).toBe('done running waiting');
  expect(begun(racks)).toEqual([1, 1, 0]);
  racks['b']?.set('p0', 'ended');
  await expect.poll(() => begun(racks)).toEqual([1, 1, 1]);
  racks['c']?.set('p0', 'ended');
  await over;
  expect(run).toMatchObject({ state: 'ended', detail: '3 of 3 parts done' });
  expect(disk()).toEqual(run);
});

test.each(['asked', 'running'] as const)(
  'a program that died while a part was %s finds the run there and begins it no second time',
  async (state) => {
    const { racks, disk, drive } = fleet(['a'], ['b']);
    const first = drive();
    await expect.poll(() => states(disk())).toBe('running waiting');
    first.leave();
    await first.over;
    const found = disk();
    // As the disk was before the answer came.
    if (state === 'asked') Object.assign(partsOf(found)[0] ?? {}, { state: 'asked', run: null });
    racks['a']?.set('p0', 'ended');
    const { over } = drive('run', found);
    await expect.poll(() => begun(racks)).toEqual([1, 1]);
    racks['b']?.set('p0', 'ended');
    await over;
    expect(states(found)).toBe('done done');
    expect(begun(racks)).toEqual([1, 1]);
  },
);

test('a request that never arrived is sent by the next program', async () => {
  const { racks, run, drive } = fleet(['a']);
  Object.assign(partsOf(run)[0] ?? {}, { state: 'asked' });
  const { over } = drive();
  await expect.poll(() => begun(racks)).toEqual([1]);
  racks['a']?.set('p0', 'ended');
  await over;
  expect(states(run)).toBe('done');
});

test('where the answer is lost with the connection, the run is found by its request', async () => {
  const { racks, run, drive } = fleet(['a']);
  const a = racks['a'] ?? expect.fail();
  a.losesAnswer = true;
  const { over } = drive();
  await expect.poll(() => states(run)).toBe('running');
  a.set('p0', 'ended');
  await over;
  expect([states(run), a.begun]).toEqual(['done', 1]);
});

test('a connection that is lost during a run is made again, and the run is followed', async () => {
  const { racks, run, drive } = fleet(['a']);
  const a = racks['a'] ?? expect.fail();
  const { over } = drive();
  await expect.poll(() => states(run)).toBe('running');
  a.away = 'no route';
  a.cut('gone');
  await expect.poll(() => states(run)).toBe('lost');
  a.away = null;
  await expect.poll(() => states(run)).toBe('running');
  a.set('p0', 'ended');
  await over;
  expect([states(run), a.begun]).toEqual(['done', 1]);
});

test('what fails stops the next step, with the reason: refused, not reached, incomplete, paused on its rack', async () => {
  const { racks, run, drive } = fleet(['a', 'b', 'c', 'd'], ['e']);
  Object.assign(racks['a'] ?? {}, { refuses: 'no' });
  Object.assign(racks['b'] ?? {}, { away: 'no route' });
  const { over } = drive();
  await expect.poll(() => states(run)).toBe('refused unreached running running waiting');
  racks['c']?.set('p0', 'ended', 'failed');
  racks['d']?.set('p0', 'paused');
  await over;
  expect(states(run)).toBe('refused unreached incomplete held waiting');
  expect(run.state).toBe('paused');
  expect(run.detail).toMatch(
    /^a\/x refused: nothing was begun there: no; b\/x unreached: .*no route; c\/x incomplete.*d\/x held/,
  );
  expect(begun(racks)).toEqual([0, 0, 1, 1, 0]);
});

test('a run that its server does not know any more is not begun again', async () => {
  const { racks, run, drive } = fleet(['a'], ['b']);
  Object.assign(partsOf(run)[0] ?? {}, { state: 'running', run: 'p7' });
  await drive().over;
  expect(states(run)).toBe('incomplete waiting');
  expect(partsOf(run)[0]?.detail).toMatch(/does not know run p7 any more: its outcome is not known/);
  expect(begun(racks)).toEqual([0, 0]);
});

test('an abort ends what is under way and begins nothing; a pause does neither', async () => {
  for (const [order, parts, state] of [
    ['abort', 'done aborted', 'ended'],
    ['pause', 'held waiting', 'paused'],
  ] as const) {
    const { racks, run, disk, drive } = fleet(['a'], ['b']);
    const first = drive();
    await expect.poll(() => states(disk())).toBe('running waiting');
    first.leave();
    await first.over;
    await drive(order).over;
    expect([states(run), run.state]).toEqual([parts, state]);
    expect(begun(racks)).toEqual([1, 0]);
  }
});

test('a part is not begun that cannot be written to the disk before', async () => {
  const { racks, run } = fleet(['a']);
  const runner = new FleetRunner(run, {
    open: () => Promise.resolve(racks['a']?.client() ?? expect.fail()),
    save: () => {
      throw new Error('the disk is full');
    },
    takeOrder: () => null,
    secondsLeft: () => null,
    partChanged: () => undefined,
    planChanged: () => undefined,
  });
  await expect(runner.drive('run')).rejects.toThrow('the disk is full');
  expect(begun(racks)).toEqual([0]);
});
