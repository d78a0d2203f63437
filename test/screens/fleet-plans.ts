/** Plans over several racks, two runs, and what the racks say of a plan, for scenes. */
import type { FleetRecord } from '../../src/client/fleet-journal.ts';
import type { FleetPart } from '../../src/rack/fleet-plan.ts';
import type { FleetPlans, FleetPreviewState } from '../../src/tui/model/fleet-plans.ts';

const part = (rack: string, changes: Partial<FleetPart> = {}): FleetPart => ({
  ...{ rack, plan: 'shed-dev', state: 'waiting', request: `k.${rack}`, run: null, confirmed: true, confirm: null },
  ...{ exitCode: null, detail: '' },
  ...changes,
});
const TIME = { wall: 1_767_000_000_000, steady: 0, boot: null } as never;
const record = (id: string, changes: Partial<FleetRecord>): FleetRecord => ({
  ...{ id, plan: 'shed-dev', by: 'pi', armed: false, state: 'running', detail: '', list: 'racks.yaml', key: id },
  ...{ started: TIME, ended: null, deadlineS: null, steps: [] },
  ...changes,
});

export function fleetPlans(state: 'running' | 'paused'): FleetPlans {
  const under = record('f1b', {
    state,
    detail: state === 'paused' ? 'er24b/shed-dev held: paused: paused by eve' : '',
    steps: [
      { name: 'first', onFail: 'pause', parts: [part('er24a', { state: 'done', run: 'p1a', exitCode: 0 })] },
      {
        name: 'second',
        onFail: 'skip',
        parts: [
          part('er24b', { state: state === 'paused' ? 'held' : 'running', run: 'p1b' }),
          part('attic', {
            state: 'unreached',
            exitCode: 5,
            detail: 'nothing was begun there: ssh: connect to host mcp-attic port 22: No route to host',
          }),
        ],
      },
      { name: 'third', onFail: 'pause', parts: [part('lab')] },
    ],
  });
  const ended = record('f1a', {
    state: 'ended',
    detail: '1 of 1 parts done',
    steps: [{ name: 'first', onFail: 'pause', parts: [part('lab', { state: 'done', exitCode: 0 })] }],
  });
  return {
    plans: [
      { name: 'shed-dev', description: 'the development clusters', order: 'er24a/shed-dev, then er24b/shed-dev' },
      { name: 'all-on', description: null, order: 'er24a/all-on + er24b/all-on, then lab/all-on' },
    ],
    runs: [
      { record: ended, driver: 'none', nodes: {} },
      {
        record: under,
        driver: state === 'running' ? 'here' : 'none',
        nodes: {
          'er24a/shed-dev': { done: 9, ended: 9, total: 9 },
          'er24b/shed-dev': { done: 3, ended: 4, total: 12 },
        },
      },
    ],
  };
}

export const FLEET_PLANS = fleetPlans('running');

const answered = { unreached: null, warnings: [], refusals: [] };

export const FLEET_PREVIEW: FleetPreviewState = {
  ...{ plan: 'shed-dev', run: null, confirm: 'shed-dev 21', confirmedBefore: 0 },
  summary:
    'er24a/shed-dev (9 nodes), then er24b/shed-dev (12 nodes) + attic/shed-dev (not reached); 21 nodes lose power on 2 racks',
  steps: [
    {
      name: 'first',
      onFail: 'pause',
      parts: [{ ...answered, name: 'er24a/shed-dev', nodes: 9, cut: 9, predictedMs: 84_000 }],
    },
    {
      name: 'second',
      onFail: 'skip',
      parts: [
        {
          ...answered,
          ...{ name: 'er24b/shed-dev', nodes: 12, cut: 12, predictedMs: 130_000 },
          refusals: [
            {
              rule: 'protected',
              message: 'k8s-worker-04 (A-3, 03) is protected in the configuration',
              override: 'remove `protected: true` from its entry in the configuration',
            },
          ],
        },
        {
          ...answered,
          ...{ name: 'attic/shed-dev', nodes: 0, cut: 0, predictedMs: null },
          unreached: 'ssh: connect to host mcp-attic port 22: No route to host',
        },
      ],
    },
  ],
};
