/** The layout from one run to the next, also where the file is broken. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { USUAL_VIEW } from '../../src/tui/model/state.ts';
import { rememberedView, rememberView } from '../../src/tui/rack-session.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-view-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('what was chosen is there in the next run, and nothing else lies beside it', async () => {
  const path = join(folder, 'state', 'rackui', 'interface.json');
  const view = { ...USUAL_VIEW, preset: 'detail', cells: 'line' } as const;
  await rememberView(path, view);
  expect(rememberedView(path)).toEqual(view);
  expect(readdirSync(join(folder, 'state', 'rackui'))).toEqual(['interface.json']);
});

test('of many changes at once the last one stays, and none of them fails', async () => {
  const path = join(folder, 'interface.json');
  const views = Array.from({ length: 20 }, (_, split) => ({ ...USUAL_VIEW, split }));
  await Promise.all(views.map((view) => rememberView(path, view)));
  expect(rememberedView(path).split).toBe(19);
});

test.each(['', '{', 'null', '[]', '"map"', '{"preset":"cinema","cells":7}', '\0\0\0'])(
  'a file that says %j means the usual view',
  (text) => {
    const path = join(folder, 'interface.json');
    writeFileSync(path, text);
    expect(rememberedView(path)).toEqual(USUAL_VIEW);
  },
);

test('of a file that is half right the right half is taken', () => {
  const path = join(folder, 'interface.json');
  writeFileSync(path, '{"preset":"map","cells":"huge"}');
  expect(rememberedView(path)).toEqual({ ...USUAL_VIEW, preset: 'map' });
});

test('a directory where the file should be means the usual view, and cannot be written', async () => {
  const path = join(folder, 'interface.json');
  mkdirSync(path);
  expect(rememberedView(path)).toEqual(USUAL_VIEW);
  await expect(rememberView(path, USUAL_VIEW)).rejects.toThrow();
});
