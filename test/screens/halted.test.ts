/** What has power and is not up, on map, bar and detail pane: a glyph and a letter of its own, and never green. */
import { expect, test } from 'vitest';
import { CONDITIONS, UNKNOWN_SYSTEM, type System } from '../../src/rack/system-state.ts';
import { glyphs, POWER_LETTER } from '../../src/tui/canvas/glyphs.ts';
import { lookOf, viewOf } from '../../src/tui/map/node-look.ts';
import { countWords } from '../../src/tui/screen/header.ts';
import { nodeOn, NOW, RACK, Scene } from './scene.ts';

const ADDR = 0x03;
const GREEN = ['ok', 'pulse'];

function sceneWith(system: System, cols = 160, rows = 48): Scene {
  const state = { ...UNKNOWN_SYSTEM, system, since: NOW - 720_000, why: 'printed “reboot: Power down”' };
  const nodes = RACK.nodes.map(({ addr }) => nodeOn(addr, addr === ADDR ? { system: state } : {}));
  return new Scene({ cols, rows, nodes });
}

test.each<[system: System, letter: string, word: string]>([
  ['halted', 'H', '1 halted'],
  ['going-down', 'G', '1 going down'],
  ['failed', 'E', '1 not up'],
  ['booting', 'B', '1 booting'],
])('a node that is %s is not green, and not counted as on', (system, letter, word) => {
  const { state } = sceneWith(system);
  const look = lookOf(state, viewOf(state, ADDR));
  expect(GREEN).not.toContain(look.ink);
  expect(POWER_LETTER[look.power]).toBe(letter);
  const words = countWords(state).map(([text]) => text.trim());
  expect(words).toContain(word);
  expect(words).toContain(`${RACK.nodes.length - 1} on`);
});

test.each<System>(['up', 'unknown'])('a node whose system is %s is what its BMC says', (system) => {
  const { state } = sceneWith(system);
  expect(lookOf(state, viewOf(state, ADDR)).power).toBe('on');
});

test.each([false, true])('no two conditions have one glyph or one letter (only ASCII: %s)', (ascii) => {
  const { power } = glyphs(ascii);
  expect(new Set(CONDITIONS.map((one) => power[one])).size).toBe(CONDITIONS.length);
  expect(new Set(CONDITIONS.map((one) => POWER_LETTER[one])).size).toBe(CONDITIONS.length);
  if (ascii) for (const one of CONDITIONS) expect(power[one]).toMatch(/^[\x20-\x7e]$/);
});

test.each([
  [80, 24],
  [120, 36],
  [200, 60],
])('the map has the letter in %i x %i', async (cols, rows) => {
  const { chars } = await sceneWith('halted', cols, rows).frame();
  expect(chars.join('').includes('■H')).toBe(true);
});
