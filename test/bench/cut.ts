/** From a confirmed force-off to `\` at the BMC, while a sweep runs, a console floods and two clients look on. */
import { confirmationText, type PowerRequest } from '../../src/api/power.ts';
import { stand } from '../support/stand.ts';
import { figure, median, percentile, until, type Figure } from './measure.ts';

const CUTS = 20;

export async function confirmedCut(): Promise<Figure[]> {
  await using rack = await stand({ sim: ['--time-scale', '50'] });
  const [asking, watching] = [await rack.client(), await rack.client()];
  const name = 'node-02';
  await until('discovery', async () => {
    const { nodes } = await asking.request('sweep', { addrs: null, interrupt: false });
    return nodes.length >= 24;
  });
  await watching.request('console.attach', { addr: 5, take: false, watch: false });
  await rack.rack.ctl('flood', { node: '05' });
  const taken: number[] = [];
  for (let n = 0; n < CUTS; n++) {
    await rack.rack.ctl('power', { node: '02', state: 'on' });
    const before = (await rack.rack.counters()).nodes['02']?.off ?? 0;
    const request: PowerRequest = {
      verb: 'force-off',
      nodes: [2],
      label: name,
      confirm: confirmationText([name], name),
      deadlineS: null,
      onDeadline: 'leave',
      takeConsole: false,
    };
    // The dialog asks before it can be confirmed.
    await asking.request('power.check', request);
    const began = performance.now();
    const operation = await asking.request('power.start', request);
    await until('the cut', async () => ((await rack.rack.counters()).nodes['02']?.off ?? 0) > before, 5_000, 0);
    taken.push(performance.now() - began);
    await until('the end of the operation', async () => {
      const list = await asking.request('ops.list', {});
      return list.find((one) => one.id === operation.id)?.endedAt !== null;
    });
  }
  const p99 = percentile(taken, 0.99);
  return [figure('confirmed force-off to the cut, p99', p99, 'ms', 10, { p50: median(taken) })];
}
