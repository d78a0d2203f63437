/** The last five minutes of a simulated node, for a demo that begins in the middle. Pure. */
import { noiseAt } from './random.ts';
import { driveOf, Physics } from './rack/physics.ts';

/** Five minutes in steps of a second. */
const PAST_STEP_MS = 1000;
const PAST_STEPS = 300;
/** Steps of one kind of work; in the last ones the node rests, as the simulated node does that follows. */
const WORK_STEPS = 45;
const REST_STEPS = 40;

/** Returns current and fan of a node that works now and then, by the simulator's own physics and usual dialect. */
export function pastOf(rack: number, addr: number): { stepMs: number; values: [current: number, fan: number][] } {
  const seed = rack * 1000 + addr;
  const rest = { kind: 'running', load: 0.05 } as const;
  const physics = new Physics(seed, 0);
  physics.become(rest, 0);
  physics.settle();
  const values = Array.from({ length: PAST_STEPS }, (_, step): [number, number] => {
    const at = step * PAST_STEP_MS;
    const chance = noiseAt(seed, Math.floor(step / WORK_STEPS), 7);
    const works = chance > 0.65 && step < PAST_STEPS - REST_STEPS;
    physics.become(works ? { kind: 'running', load: 0.5 * chance } : rest, at);
    const { current } = physics.read(at);
    return [current, driveOf(current)];
  });
  return { stepMs: PAST_STEP_MS, values };
}
