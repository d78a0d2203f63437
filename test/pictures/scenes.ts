/** What the pictures show: the real program on the reference rack, brought there by keys and by the rack's own faults. */
import { readFileSync } from 'node:fs';
import { REFERENCE_RACK, stand, type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';
import type { Ground } from './svg.ts';

export interface Scene {
  name: string;
  title: string;
  theme: string;
  cols: number;
  rows: number;
  /** Keys and faults; resolves when the picture can be taken. */
  play: (screen: TestTerminal, stage: Stand) => Promise<void>;
}

const NIGHT: Ground = { text: '#d4d7dc', paper: '#0f1318' };
const DAY: Ground = { text: '#24292f', paper: '#fbfbf8' };

export function groundOf({ theme }: Scene): Ground {
  return theme === 'light' ? DAY : NIGHT;
}

/** The rack that every picture shows, with one node that somebody has switched off. */
export async function openStage(): Promise<Stand> {
  const config = `${readFileSync(REFERENCE_RACK, 'utf8')}\nlogin: { user: pi, password: { command: [echo, raspberry] } }\npoll: { interval: 0.3 }\n`;
  const stage = await stand({ config, sim: ['--seed', '7'] });
  await stage.rack.ctl('power', { node: '11', state: 'off' });
  return stage;
}

/** Nodes that come on again meanwhile: a boot is what a sparkline and a chart show best. */
const BOOTING = ['0a', '14', '02', '05', '0f', '03', '08', '12', '17', '01', '0c', '07'];

/** Five minutes, which is what the shortest chart shows, with a boot now and then. */
export async function passTime(stage: Stand): Promise<void> {
  for (const node of BOOTING) {
    process.stderr.write(`${node} boots …\n`);
    await stage.rack.ctl('power', { node, state: 'off' });
    await seconds(2);
    await stage.rack.ctl('power', { node, state: 'on' });
    await seconds(24);
  }
  // Nobody pressed a key for these: seen, they are over.
  const client = await stage.client();
  await client.request('alarms.ack', { ids: null });
}

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1_000));

const settled = async (screen: TestTerminal): Promise<void> => {
  await screen.waitFor(/23 on/);
  // Sparklines that have something to say.
  await seconds(1);
};

export const SCENES: readonly Scene[] = [
  {
    ...{ name: 'map', title: 'The whole rack at 80x24', theme: 'dark', cols: 80, rows: 24 },
    play: settled,
  },
  {
    ...{ name: 'console', title: 'Map and console, 160x50', theme: 'dark', cols: 160, rows: 50 },
    play: async (screen) => {
      await settled(screen);
      screen.type('03\r');
      await screen.waitFor(/Enter wakes it/);
      screen.type('\r');
      await screen.waitFor(/login:/);
      screen.type('pi\r');
      await screen.waitFor(/assword:/);
      const lines = ['raspberry', 'uptime', 'uname -a', 'free', 'ps'];
      for (const [n, line] of lines.entries()) {
        screen.type(`${line}\r`);
        await screen.waitFor((s) => (s.text().match(/:~ \$/g) ?? []).length > n, `the prompt after ${line}`);
      }
    },
  },
  {
    ...{ name: 'detail', title: 'Map, console and detail, 220x56', theme: 'pulse', cols: 220, rows: 56 },
    play: settled,
  },
  {
    ...{ name: 'light', title: 'The light theme', theme: 'light', cols: 120, rows: 40 },
    play: settled,
  },
  {
    ...{ name: 'power', title: 'What switching off means, before it happens', theme: 'contrast', cols: 100, rows: 30 },
    play: async (screen) => {
      await settled(screen);
      screen.type('07');
      screen.type('p');
      await screen.waitFor(/Force off/);
      screen.type('s');
      await screen.waitFor(/To confirm type/);
    },
  },
  {
    ...{ name: 'emergency', title: 'The emergency panel', theme: 'colourblind', cols: 120, rows: 40 },
    play: async (screen) => {
      await settled(screen);
      screen.type('!');
      await screen.waitFor((s) => /shed-all/.test(s.text()) && !/Asking the nodes/.test(s.text()), 'the plans');
    },
  },
  {
    ...{ name: 'alarms', title: 'Alarms', theme: 'dark', cols: 120, rows: 36 },
    play: async (screen, { rack }) => {
      await rack.ctl('silent', { node: '05' });
      await rack.ctl('disabled', { node: '16' });
      await screen.waitFor(/▲ [2-9] alarms/);
      await screen.waitFor(/1 lost/);
      screen.type('a');
      await screen.waitFor(/its BMC reports disabled[\s\S]*|does not answer/);
    },
  },
];
