/** Every view of the interface as a scene of any size, and the sizes at which it is tested. */
import { DONE, preview, run } from './plans.ts';
import { allClear, EVE, ME, MIXED, Scene, type SceneOptions } from './scene.ts';

export const SIZES = [
  [60, 16],
  [80, 24],
  [100, 30],
  [120, 40],
  [160, 50],
  [200, 60],
  [240, 70],
] as const;

const mixed = (size: SceneOptions): Scene => new Scene({ ...size, nodes: MIXED, sessions: [ME, EVE] });
const withDetail = (scene: Scene): Scene => (scene.layout.detail === null ? scene.later(0) : scene.later(0).detailed());

const LINES = Array.from(
  { length: 60 },
  (_, i) => `[${(i * 1.37).toFixed(3).padStart(9)}] systemd[1]: Started unit ${i}.`,
);
const consoles = Object.fromEntries(MIXED.map(({ addr }) => [addr, { shows: 'output' as const, lines: LINES }]));

/** A narrow table has no column for the last line, and asks for none. */
function withConsoles(scene: Scene): Scene {
  scene.later(0);
  return scene.effects.some((effect) => effect.do === 'glances') ? scene.glanced(consoles) : scene;
}

const shedding = (addr: number): ReturnType<Parameters<typeof run>[2]> =>
  [1, 5, 9, 0xd, 0x11, 0x15].includes(addr)
    ? DONE
    : [0x0c, 0x10, 0x14].includes(addr)
      ? { state: 'started', phase: 'stopping', tries: 1 }
      : {};

export const VIEWS: Record<string, (size: SceneOptions) => Scene> = {
  map: (size) => withDetail(mixed(size)),
  heat: (size) => {
    const scene = mixed(size);
    scene.state = { ...scene.state, view: { ...scene.state.view, heat: 'current' } };
    return withDetail(scene);
  },
  table: (size) => withConsoles(mixed(size).keys('T')),
  glance: (size) => withConsoles(mixed(size).keys('g')),
  events: (size) => withDetail(mixed(size)).keys('e'),
  emergency: (size) => withDetail(new Scene(size)).keys('!').plans().previewed(preview('shed-dev')),
  run: (size) =>
    withDetail(new Scene(size))
      .ran(run('shed-all', {}, shedding))
      .keys('!')
      .plans(),
  dialog: (size) => withDetail(new Scene(size).keys('03')).keys('p', 's').checked(allClear).typed('k8s'),
};
