/** A line for consoles: what is sent when, and what stops the rest. */
import { expect, test } from 'vitest';
import { Scene } from '../screens/scene.ts';

const typing = (): Scene => new Scene({}).keys('03', ' ', '06', ' ', '07', ' ', '$').typed('uptime');
const sent = (scene: Scene): unknown[] =>
  scene.effects.flatMap((effect) => (effect.do === 'run-line' ? [[effect.addr, effect.line]] : []));
const states = (scene: Scene): unknown[] => scene.state.lineRun?.rows.map(({ is, why }) => [is, why]) ?? [];

function answer(scene: Scene, addr: number): Scene {
  const run = { addr, by: 'console', code: 0, output: 'ok\n', truncated: false, why: '', ms: 900 } as const;
  return scene.dispatch({ type: 'line-ran', id: scene.state.lineRun?.id ?? 0, addr, run });
}

test('the line goes to the next node only when the one before has answered', () => {
  const scene = typing().keys('\r');
  expect(sent(scene)).toEqual([[3, 'uptime']]);
  answer(scene, 3);
  expect(sent(scene)).toEqual([3, 6].map((addr) => [addr, 'uptime']));
  answer(answer(scene, 6), 7);
  expect(sent(scene)).toEqual([3, 6, 7].map((addr) => [addr, 'uptime']));
  expect(states(scene)).toEqual([3, 6, 7].map(() => ['done', '']));
});

test('Enter together with other keys sends nothing, and neither does a paste of several lines', () => {
  const scene = typing().keys('x\r');
  expect(scene.state.notice?.text).toContain('nothing was sent: Enter came together with other keys');
  scene.keys('\x1b[200~one\ntwo\n\x1b[201~');
  expect(scene.state.overlay).toMatchObject({ kind: 'run', shows: 'line', text: 'uptimex' });
  scene.keys('\x1b[200~ -p\n\x1b[201~');
  expect(scene.state.overlay).toMatchObject({ text: 'uptimex -p' });
  expect(sent(scene)).toEqual([]);
});

test('a lost server leaves out the nodes that wait, also after it is back', () => {
  const scene = typing().keys('\r').dispatch({ type: 'link-lost', why: 'it ended' });
  const { id = 0 } = scene.state.lineRun ?? {};
  const error = { code: 2, message: 'the server closed the connection', data: undefined };
  scene.dispatch({ type: 'line-failed', id, addr: 3, error });
  const left = ['left-out', 'the connection to the server was lost before its turn'];
  expect(states(scene)).toEqual([['failed', 'the server closed the connection'], left, left]);
  expect(scene.effects.map((effect) => effect.do)).toContain('stop-line');
  expect(sent(scene)).toHaveLength(1);
});

test('while a line runs $ shows its table, and after an end that was seen it asks for a new line', () => {
  const scene = typing().keys('\r');
  // As a choice of a node in the list of all racks closes it.
  scene.dispatch({ type: 'go', addr: 4, attach: false }).keys('$');
  expect(scene.state.overlay).toMatchObject({ kind: 'run', shows: 'table' });
  scene.dispatch({ type: 'go', addr: 4, attach: false });
  for (const addr of [3, 6, 7]) answer(scene, addr);
  expect(scene.state.notice?.text).toBe('uptime: exit code 0 on 3 of 3 nodes: $ on the map shows it');
  scene.keys('$');
  expect(scene.state.overlay).toMatchObject({ kind: 'run', shows: 'table' });
  scene.keys('\x1b', '$');
  expect(scene.state.overlay).toMatchObject({ kind: 'run', shows: 'line' });
});

test('an answer of an earlier line changes nothing', () => {
  const scene = typing().keys('\r');
  const run = { addr: 3, by: 'console', code: 0, output: '', truncated: false, why: '', ms: 1 } as const;
  scene.dispatch({ type: 'line-ran', id: 99, addr: 3, run });
  expect(states(scene)[0]).toEqual(['running', '']);
});
