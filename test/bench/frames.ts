/** Processor time of a frame: to paint it and to encode what changed, in this process, without a terminal that waits. */
import { SteadyScreen } from '../support/steady-screen.ts';
import { figure, percentile, type Figure } from './measure.ts';

const SECONDS = 60;
/** Seconds until the compiler has settled. */
const WARM = 20;

export function frames(): Promise<Figure[]> {
  const cases = [
    ['24 nodes: a frame of the map at 160x50', 24, 'map', 5],
    ['24 nodes: a frame of the table at 160x50', 24, 'table', 5],
    ['768 nodes: a frame of the map at 160x50', 768, 'map', 10],
    ['768 nodes: a frame of the table at 160x50', 768, 'table', 10],
  ] as const;
  const figures = cases.map(([what, nodes, main, budget]) => {
    using screen = new SteadyScreen({ theme: 'dark', cols: 160, rows: 50, nodes, view: { main } });
    screen.run(WARM);
    const times = screen.run(SECONDS);
    const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
    return figure(what, mean, 'ms of CPU', budget, { p99: percentile(times, 0.99), frames: times.length });
  });
  return Promise.resolve(figures);
}
