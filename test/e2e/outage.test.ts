/** An outage as a newcomer sees it: `rackui demo` on a small rack, its mains failing and returning by keys. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROGRAM } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';

const RACK = `
name: small
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: dev1 }
  - { addr: "02", name: prod1 }
plans:
  shed-dev: { steps: [{ name: dev, action: off, selector: dev1 }] }
  shed-all: { steps: [{ name: all, action: off, selector: "dev1 prod1" }] }
  bring-up: { steps: [{ name: all, action: on, selector: "dev1 prod1", stagger: 0 }] }
`;
const F7 = '\x1b[18~';
const F8 = '\x1b[19~';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-outage-'));
  writeFileSync(join(folder, 'rack.yaml'), RACK);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIZES = [
  [80, 24],
  [120, 40],
  [200, 60],
] as const;

test('the demo: mains fail, nodes are shed, mains return, nodes are switched on again, the report; in each size', async () => {
  const args = [PROGRAM, 'demo', '--rack', join(folder, 'rack.yaml')];
  await using screen = openTerminal(process.execPath, args, {
    ...{ cols: 80, rows: 24 },
    // Nothing of this machine's user, and a layout that no other run remembers.
    env: { XDG_STATE_HOME: join(folder, 'state'), XDG_CONFIG_HOME: folder, RACKUI_CONFIG: undefined },
  });
  const header = (what: RegExp, why: string, ms = 60_000): Promise<void> =>
    screen.waitFor((s) => what.test(s.lines()[0] ?? ''), why, ms);
  /** Does this in each size, and ends in the first. */
  const inEachSize = async (look: (cols: number) => Promise<void>): Promise<void> => {
    for (const [cols, rows] of [...SIZES.slice(1), SIZES[0]]) {
      // Nothing of the former size is left on the screen then.
      screen.resize(2, 1);
      screen.resize(cols, rows);
      await look(cols);
    }
  };
  await inEachSize(() => header(/bus ready +3 on 0 off +mains(?:, battery)? 100 %/, 'three nodes on mains'));

  // By the palette, as somebody finds it who does not know the key.
  screen.type(':');
  await screen.waitFor('commands', 'the palette');
  screen.type('mains fail');
  await screen.waitFor(/mains failure \(demo\)/, 'the entry');
  screen.type('\r');
  await inEachSize(async (cols) => {
    await header(/BATTERY \d+ %, \d+:\d\d left/, 'the battery and how long it lasts');
    await header(/▲ \d/, 'an alarm');
    if (cols >= 120) await header(/left, shed-all takes \d+:\d\d/, 'what the last plan takes');
  });

  screen.type('!');
  await inEachSize(() => screen.waitFor(/BATTERY \d+ % +LEFT \d+:\d\d +│ +\S+ NEEDS \d+:\d\d/, 'both clocks'));
  screen.type('\x1b');
  await header(/2 on 1 off/, 'the node that is shed first');

  screen.type(F8);
  await header(/mains( back)?(, battery)? \d+ %/, 'the mains');
  await header(/3 on 0 off/, 'the node back');
  screen.type('u');
  await inEachSize(async () => {
    await screen.waitFor(/╭─ supply /, 'the pane of the supply');
    await screen.waitFor(/UPS rack mains, charge \d+ %, lasts \d+:\d\d, load \d+ %/, 'the UPS');
    await screen.waitFor(/outage o\w+, began [\d:]+, ended [\d:]+/, 'the report', 60_000);
    expect(screen.text()).toMatch(/dev1 +back +/);
    expect(screen.text()).toMatch(/prod1 +on +/);
    expect(screen.text()).toMatch(/charge \d+ %.*load \d+ %/);
  });
  screen.type('\x1b');
  await screen.waitFor((s) => !s.text().includes('╭─ supply'), 'the pane closed');

  // And by the key alone.
  screen.type(F7);
  await header(/BATTERY \d+ %/, 'the battery');
  screen.type('q');
  expect((await screen.exited).code).toBe(0);
}, 240_000);
