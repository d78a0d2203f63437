/** Beside the map stands the last screen of the node under the cursor, with the time at which its console was left. */
import { expect, test } from 'vitest';
import { Scene } from '../screens/scene.ts';

const lines = (scene: Scene): Promise<string> =>
  scene.frame().then((frame) => {
    const rows = Array.from({ length: frame.rows }, (_, y) => frame.chars.slice(y * frame.cols, (y + 1) * frame.cols));
    return rows.map((row) => row.join('')).join('\n');
  });

/** Two consoles were opened one after the other and left. */
function leftTwo(): Scene {
  const scene = new Scene({ cols: 160, rows: 40 });
  scene.keys('03', '\r').attached('screen of three').keys('\x1d04').attached('screen of four').keys('\x1dd');
  return scene;
}

test('of each node that was left, as one goes over the map', async () => {
  const three = await lines(leftTwo().keys('03'));
  expect(three).toContain('screen of three');
  expect(three).toMatch(/─ \S+ A-3 03 on left \d\d:\d\d:\d\d/);
  expect(three).not.toContain('screen of four');
  expect(await lines(leftTwo().keys('04'))).toContain('screen of four');
});

test('a node without one leaves the last console in the pane', async () => {
  expect(await lines(leftTwo().keys('05'))).toContain('screen of four');
});

test('an open console stays', async () => {
  const scene = new Scene({ cols: 160, rows: 40 });
  scene.keys('03', '\r').attached('screen of three').keys('\x1d04').attached('screen of four');
  scene.state = { ...scene.state, focus: 'map', cursor: 3 };
  expect(await lines(scene)).toContain('screen of four');
});
