/** The scenes of the pictures: the real program, brought there by keys and by the faults of the simulated rack. */
import type { TestTerminal } from '../support/terminal.ts';
import type { Stage } from './stage.ts';
import type { Ground } from './svg.ts';

export interface Scene {
  name: string;
  title: string;
  theme: string;
  cols: number;
  rows: number;
  /** Presses keys and sets faults; resolves when the picture can be taken. */
  play: (screen: TestTerminal, stage: Stage) => Promise<void>;
  /** Ends what the scene began, while its interface is still open. */
  after?: (screen: TestTerminal, stage: Stage) => Promise<void>;
}

const NIGHT: Ground = { text: '#d4d7dc', paper: '#0f1318' };
const DAY: Ground = { text: '#24292f', paper: '#fbfbf8' };

export const groundOf = (theme: string): Ground => (theme === 'light' ? DAY : NIGHT);

export const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1_000));

/** Waits for the whole rack, with the strips of the last five minutes. */
async function fiveMinutes(screen: TestTerminal): Promise<void> {
  await screen.waitFor(/2[0-4] on\b/);
  screen.type('w');
  await screen.waitFor(/last 5 min/);
  await seconds(1.5);
}

/** Logs in on the open console. */
export async function logIn(screen: TestTerminal): Promise<void> {
  if (!/login: *$/m.test(screen.text())) {
    await screen.waitFor(/Enter wakes it/);
    screen.type('\r');
    // The events name login prompts, too.
    await screen.waitFor(/login: *$/m);
  }
  screen.type('pi\r');
  await screen.waitFor(/assword:/);
  screen.type('raspberry\r');
  await screen.waitFor(/:~ \$/);
}

/** Presses keys one after another, so that eyes and the program can follow. */
export async function press(screen: TestTerminal, keys: string, pause: number): Promise<void> {
  for (const key of keys) {
    screen.type(key);
    await seconds(pause);
  }
}

/** A plan is half way: some of its nodes are off, others end now. */
const HALF_WAY = /[3-5] of 9 done[\s\S]*◐ [0-9a-f]{2} .*(?:stopping|settling)/;

/** Was switched off by nobody: it was seen. */
const OFF = '11';
/** Nodes whose consoles are opened for the picture of all of them, but for the one that is off; one fails, at one somebody works. */
const VISITED = Array.from({ length: 23 }, (_, i) => (i + 1).toString(16).padStart(2, '0')).filter(
  (node) => node !== OFF,
);
const [PANICS, BUSY] = ['0d', '06'];

/** One moment in each theme: a node is off, one is silent, one disabled, one boots. */
function gallery(theme: string): Scene {
  return {
    ...{ name: `theme-${theme}`, title: `The theme ${theme}`, theme, cols: 80, rows: 24 },
    play: async (screen, stage) => {
      await stage.ctl('power', { node: '0b', state: 'off' });
      await seconds(1.5);
      await stage.ctl('power', { node: '0b', state: 'on' });
      await fiveMinutes(screen);
      await screen.waitFor(/1 off/);
    },
  };
}

export const SCENES: readonly Scene[] = [
  {
    ...{ name: 'map', title: 'The whole rack at 80x24', theme: 'dark', cols: 80, rows: 24 },
    play: async (screen, { ctl, acknowledge }) => {
      await ctl('power', { node: OFF, state: 'off' });
      await screen.waitFor(/1 off/);
      // Nobody pressed a key for this: it was seen.
      await acknowledge();
      await fiveMinutes(screen);
    },
  },
  {
    ...{ name: 'rack', title: 'Five minutes of the rack, 120x40', theme: 'pulse', cols: 120, rows: 40 },
    play: fiveMinutes,
  },
  {
    ...{ name: 'console', title: 'Map, console and detail, 160x50', theme: 'dark', cols: 160, rows: 50 },
    play: async (screen) => {
      await fiveMinutes(screen);
      screen.type('03\r');
      await logIn(screen);
      for (const [n, line] of ['uptime', 'uname -a', 'free', 'ps'].entries()) {
        screen.type(`${line}\r`);
        await screen.waitFor((s) => (s.text().match(/:~ \$/g) ?? []).length > n + 1, `the prompt after ${line}`);
      }
    },
    after: async (screen) => {
      screen.type('exit\r');
      await screen.waitFor(/login: *$/m);
    },
  },
  {
    ...{ name: 'glance', title: 'The last screens of all consoles', theme: 'dark', cols: 160, rows: 50 },
    play: async (screen, { ctl }) => {
      await screen.waitFor(/2[0-4] on\b/);
      screen.type('01\r');
      for (const [i, node] of VISITED.entries()) {
        if (i > 0) screen.type(`\x1d${node}`);
        await screen.waitFor(new RegExp(` ${node} on .*Enter wakes it`));
        if (node === PANICS) {
          await ctl('panic', { node });
          await screen.waitFor(/Kernel panic/);
        } else if (node === BUSY) await logIn(screen);
        else {
          screen.type('\r');
          await screen.waitFor(/login: *$/m);
        }
      }
      await press(screen, '\x1dd', 0.5);
      screen.type('g');
      await screen.waitFor(/FAILED/);
      await seconds(2);
    },
    after: async (_screen, { ctl, acknowledge }) => {
      await ctl('power', { node: PANICS, state: 'off' });
      await seconds(1);
      await ctl('power', { node: PANICS, state: 'on' });
      await acknowledge();
    },
  },
  {
    ...{ name: 'detail', title: 'Map and detail, 200x60', theme: 'dark', cols: 200, rows: 60 },
    play: async (screen) => {
      await fiveMinutes(screen);
      screen.type('07');
      await screen.waitFor(/dependents[\s\S]*k8s-worker-05/);
      await seconds(1);
    },
  },
  {
    ...{ name: 'heat', title: 'Cells coloured by their fans', theme: 'colourblind', cols: 120, rows: 40 },
    play: async (screen) => {
      await fiveMinutes(screen);
      screen.type('HH');
      await screen.waitFor(/colours by fan/);
    },
  },
  {
    ...{ name: 'power', title: 'What switching off means, before it happens', theme: 'contrast', cols: 100, rows: 30 },
    play: async (screen) => {
      await fiveMinutes(screen);
      screen.type('07');
      screen.type('p');
      await screen.waitFor(/Force off/);
      screen.type('s');
      await screen.waitFor(/To confirm type/);
    },
  },
  {
    ...{ name: 'emergency', title: 'A plan before it starts', theme: 'dark', cols: 120, rows: 40 },
    play: async (screen) => {
      await fiveMinutes(screen);
      screen.type('!');
      await screen.waitFor(/a ARMS shed/);
      await seconds(1);
    },
  },
  {
    ...{ name: 'alarms', title: 'Alarms', theme: 'dark', cols: 120, rows: 36 },
    play: async (screen, { ctl }) => {
      await fiveMinutes(screen);
      await ctl('silent', { node: '05' });
      await ctl('disabled', { node: '16' });
      await screen.waitFor(/▲ [2-9] alarms/);
      await screen.waitFor(/1 lost/);
      screen.type('a');
      await screen.waitFor(/─ alarms[\s\S]*its BMC reports disabled/);
      await seconds(1);
    },
  },
  ...['dark', 'light', 'contrast', 'colourblind', 'mono', 'pulse'].map(gallery),
  {
    ...{ name: 'table', title: 'What is wrong first', theme: 'light', cols: 120, rows: 36 },
    play: async (screen) => {
      await fiveMinutes(screen);
      screen.type('T');
      await screen.waitFor(/trend/);
      await seconds(1);
    },
    after: async (_screen, { ctl, acknowledge }) => {
      await ctl('silent', { node: '05', on: false });
      await ctl('disabled', { node: '16', on: false });
      await acknowledge();
    },
  },
  {
    ...{
      name: 'shutdown',
      title: 'A plan under way: the development cluster ends',
      theme: 'dark',
      cols: 160,
      rows: 50,
    },
    play: async (screen, { ctl }) => {
      await ctl('time-scale', { factor: 3 });
      await fiveMinutes(screen);
      screen.type('!');
      await screen.waitFor(/a ARMS shed-dev/);
      screen.type('a');
      await screen.waitFor(/and press Enter:/);
      const words = /Type (.+) and press Enter:/.exec(screen.text())?.[1] ?? '';
      await seconds(1);
      await press(screen, words, 0.1);
      screen.type('\r');
      await screen.waitFor(HALF_WAY, 'a plan that is half way', 180_000);
    },
  },
];
