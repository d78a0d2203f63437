/** The server killed at every transition of a shutdown: whoever comes next cuts nothing and repeats nothing. */
import { expect } from 'vitest';
import type { Phase } from '../../src/api/power.ts';
import { hex, type Scenario } from './scene.ts';

const PHASES: readonly Phase[] = ['preflight', 'request', 'acknowledged', 'stopping', 'settle'];

export const KILLED: readonly Scenario[] = PHASES.map((phase) => ({
  says: `the server killed at ‘${phase}’`,
  play: async (scene) => {
    const addr = scene.fresh();
    // Long enough to be met in each phase.
    await scene.ctl(addr, ['stop-job', { seconds: 30 }]);
    const { id } = await scene.start('off', [addr]);
    // A phase may be over before it is seen from here: then it is the next.
    await scene.until(id, addr, (node) => PHASES.indexOf(node.phase) >= PHASES.indexOf(phase));
    await scene.stand.killServer();
    await scene.stand.startServer();
    await scene.restarted();
    const [operation] = (await scene.session.request('ops.list', {})).filter((one) => one.id === id);
    expect(operation?.nodes[0]).toMatchObject({ outcome: 'interrupted' });
    // What was asked of it goes on; nobody takes its power for that.
    if (phase === 'stopping' || phase === 'settle') await scene.guest(addr, 'halted');
    await scene.session.request('sweep', { addrs: [addr], interrupt: true });
    expect(await scene.node(addr)).toMatchObject({ power: 'on' });
    expect((await scene.stand.rack.counters()).nodes[hex(addr)]?.off).toBe(0);
  },
}));
