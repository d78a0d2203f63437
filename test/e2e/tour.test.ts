/** The same tour through the real program at four sizes: at each stop the thing is to be seen, and nothing is cut. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceStand } from '../support/inner-stand.ts';
import { REFERENCE_RACK, type Stand } from '../support/stand.ts';
import type { TestTerminal } from '../support/terminal.ts';

let rack: Stand;
beforeAll(async () => {
  rack = await referenceStand();
});
afterAll(() => rack[Symbol.asyncDispose]());

const NAMES = Array.from(
  readFileSync(REFERENCE_RACK, 'utf8').matchAll(/addr: "\w+", name: (\S+),/g),
  ([, name = '']) => name,
);

/** Rows of the screen's own size, the header at the top. */
function wellFormed(screen: TestTerminal): void {
  const lines = screen.lines();
  expect(lines).toHaveLength(screen.rows);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(screen.cols);
  expect(lines[0]).toMatch(/^ er24a +bus /);
}

/** No half of a box, and the keys at the bottom; a frame may come in two pieces, so this is waited for. */
function whole(screen: TestTerminal): boolean {
  const text = screen.text();
  const count = (sign: string): number => text.split(sign).length - 1;
  return count('╭') === count('╰') && count('╮') === count('╯') && screen.lines().at(-1)?.trim() !== '';
}

test.each([
  [80, 24],
  [120, 40],
  [160, 50],
  [240, 70],
])('%ix%i', async (cols, rows) => {
  await using screen = rack.open({ cols, rows });
  /** Keys, then what they are to show; the screen is whole at that moment. */
  const stop = async (keys: string, what: string, seen: (text: string) => boolean): Promise<void> => {
    if (keys !== '') screen.type(keys);
    await screen.waitFor((s) => seen(s.text()) && whole(s), what);
    wellFormed(screen);
  };
  const onMap = (text: string): boolean =>
    /\b24 on\b/.test(text) && NAMES.every((name) => text.includes(name.slice(-3)));
  await stop('', 'the map', onMap);
  for (let addr = 0; addr < 24; addr++)
    expect(screen.text()).toMatch(new RegExp(`●N ?${addr.toString(16).padStart(2, '0')} `));
  await stop('07', 'the selected node', (text) => /k8s-worker-05 · B-3 07 · on|position +B-3, address 07/.test(text));
  await stop('\r', 'its console', (text) => /Enter wakes it/.test(text));
  await stop('\r', 'its prompt', (text) => /k8s-worker-05 login:/.test(text));
  await stop('\x1dc', 'the list of consoles', (text) => /╭─ .*onsoles/.test(text));
  await stop('\x1b', 'the console again', (text) => !/╭─ .*onsoles/.test(text) && /login:/.test(text));
  await stop('\x1dd', 'the map again', onMap);
  await rack.rack.ctl('silent', { node: '0a' });
  await stop('', 'an alarm in the header', (text) => /▲ \d/.test(text));
  await stop('a', 'the alarms', (text) => /╭─ .*larms/.test(text) && /does not answer/.test(text));
  await stop('A', 'all acknowledged', (text) => !/▲ \d+ alarm/.test(text));
  await rack.rack.ctl('silent', { node: '0a', on: false });
  await stop('q', 'the map without it', onMap);
  await stop('/ns0', 'the filter', (text) => /ns0/.test(text.split('\n').slice(-3).join('\n')));
  await stop('\r', 'what it finds', (text) => text.includes('ns01') && text.includes('ns02'));
  await stop('\x1b', 'the map without the filter', onMap);
  await stop('?', 'the help', (text) => /╭─ /.test(text) && /open the selected node’s console/.test(text));
  await stop('q', 'the map', (text) => !/╭─ /.test(text) && onMap(text));
  screen.type('04');
  await stop('p', 'the power menu', (text) => /Force off/.test(text));
  await stop('f', 'the dialog', (text) => /To confirm type ns01/.test(text) && /\[ Cancel \]/.test(text));
  await stop('\r', 'the dialog gone', (text) => !/To confirm type/.test(text) && onMap(text));
  await stop('!', 'the emergency panel', (text) => /EMERGENCY/.test(text) && /shed-all/.test(text));
  await stop('\x1b', 'the map', (text) => !/EMERGENCY/.test(text) && onMap(text));
  screen.type('q');
  expect((await screen.exited).code).toBe(0);
  const { bus, nodes } = await rack.rack.counters();
  expect(bus).toMatchObject({ masterCuts: 0, catastrophe: false, masterForConsole: { printable: 0 } });
  for (const node of Object.values(nodes)) expect(node).toMatchObject({ off: 0, biosForConsole: { printable: 0 } });
});
