/** The detail pane's bars of the boots that rackui watched. Needs a build. */
import { expect, test } from 'vitest';
import { rackui } from '../cli/support.ts';
import { innerStand } from '../support/inner-stand.ts';
import { eightNodes } from '../support/stand.ts';

test('a boot that rackui watched is a bar in the detail pane, with its time', async () => {
  await using rack = await innerStand({ config: eightNodes(), sim: ['--time-scale', '20'] });
  await rack.rack.ctl('power', { node: '03', state: 'off' });
  const on = await rackui(['--socket', rack.socket, 'on', 'n3']);
  expect(on.code, on.stderr).toBe(0);
  await using screen = rack.open({ cols: 200, rows: 60 });
  await screen.waitFor(/\b8 on\b/);
  screen.type('03');
  await screen.waitFor(/boots: power to prompt, newest last *\n.* \d+\.\d s ━+ *\n/);
  screen.type('04');
  await screen.waitFor((terminal) => !terminal.text().includes('boots: power'));
}, 90_000);
