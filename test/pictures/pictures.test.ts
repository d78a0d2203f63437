/** The script of the pictures still works: two scenes are drawn anew; and every picture of the pages is there. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import xterm from '@xterm/headless';
import { expect, test } from 'vitest';
import { drawScene, render } from './draw.ts';
import { FILM } from './film.ts';
import { SCENES } from './scenes.ts';
import { openStage } from './stage.ts';
import { pictureSize } from './svg.ts';

const SHIPPED = join(import.meta.dirname, '../../docs/pictures');

/** Width and height from a PNG's header. */
function pngSize(png: Buffer): { width: number; height: number } {
  expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}

/** Number of cells' worth of pixels of each colour. */
function coloursOf(svg: string): Map<string, number> {
  const { pixels } = render(svg);
  const colours = new Map<string, number>();
  for (let i = 0; i < pixels.length; i += 4) {
    const colour = `${pixels[i]} ${pixels[i + 1]} ${pixels[i + 2]}`;
    colours.set(colour, (colours.get(colour) ?? 0) + 1);
  }
  return colours;
}

/** Letters were found in a font: a page of boxes, or none, has neither so many colours nor so much ink. */
function expectLetters(svg: string): void {
  const counts = [...coloursOf(svg).values()];
  expect(counts.length).toBeGreaterThan(50);
  expect(Math.max(...counts)).toBeLessThan(0.99 * counts.reduce((sum, count) => sum + count, 0));
}

test('the map and the emergency panel are drawn: their size, their words, their colours', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-pictures-'));
  await using stage = await openStage();
  for (const name of ['map', 'emergency']) {
    const scene = SCENES.find((one) => one.name === name);
    if (scene === undefined) throw new Error(`no scene ${name}`);
    await drawScene(scene, stage, folder);
    const svg = readFileSync(join(folder, `${name}.svg`), 'utf8');
    const words = svg.replace(/<[^>]*>/g, ' ');
    for (const word of name === 'map' ? ['er24a', 'mcp01', 'ns02', 'k8s-worker-09'] : ['shed-all', 'bring-up'])
      expect(words).toContain(word);
    expect(pngSize(readFileSync(join(folder, `${name}.png`)))).toEqual(pictureSize(scene.cols, scene.rows));
    expectLetters(svg);
  }
  rmSync(folder, { recursive: true });
});

test('every scene’s picture is there, of its size, and all of them are less than four megabytes', () => {
  let sum = 0;
  for (const { name, cols, rows } of SCENES) {
    expect(pngSize(readFileSync(join(SHIPPED, `${name}.png`)))).toEqual(pictureSize(cols, rows));
    for (const kind of ['png', 'svg']) sum += statSync(join(SHIPPED, `${name}.${kind}`)).size;
  }
  for (const kind of ['cast', 'svg']) sum += statSync(join(SHIPPED, `${FILM.name}.${kind}`)).size;
  expect(sum).toBeLessThan(4_000_000);
  const names = [FILM.name, ...SCENES.map(({ name }) => name)];
  for (const page of ['README.md', 'docs/themes.md'])
    for (const [, name = ''] of readFileSync(page, 'utf8').matchAll(/pictures\/([\w-]+)\.(?:png|svg|cast)/g))
      expect(names).toContain(name);
});

test('the moving picture shows the map first and the proven shutdown last', () => {
  const svg = readFileSync(join(SHIPPED, `${FILM.name}.svg`), 'utf8');
  const places = Array.from(svg.matchAll(/%\{transform:translateX\((-?\d+)px\)\}/g), ([, place]) => Number(place));
  expect(places.length).toBeGreaterThan(30);
  expect(places).toEqual([...places].sort((left, right) => right - left));
  const rows = new Map(Array.from(svg.matchAll(/<g id="(r\d+)">(.*)<\/g>\n/g), ([, name, row]) => [name, row]));
  const frames = Array.from(svg.matchAll(/^<g transform="translate\(\d+ 0\)">(.*)<\/g>$/gm), ([, uses = '']) =>
    Array.from(uses.matchAll(/href="#(r\d+)"/g), ([, name]) => rows.get(name))
      .join(' ')
      .replace(/<[^>]*>/g, ' '),
  );
  // The last step stands for the end, too.
  expect(frames).toHaveLength(new Set(places).size);
  expect(frames[0]).toContain('mcp01');
  expect(frames.at(-1)).toContain('confirmed by two status replies');
});

test('the asciicast plays: its times ascend, and its last screen is the proven shutdown', async () => {
  const [header = '', ...lines] = readFileSync(join(SHIPPED, `${FILM.name}.cast`), 'utf8')
    .trimEnd()
    .split('\n');
  expect(JSON.parse(header)).toMatchObject({ version: 2, width: FILM.cols, height: FILM.rows });
  const screen = new xterm.Terminal({ cols: FILM.cols, rows: FILM.rows, allowProposedApi: true });
  let before = 0;
  for (const line of lines) {
    const [at, kind, data] = JSON.parse(line) as [number, string, string];
    expect(kind).toBe('o');
    expect(at).toBeGreaterThanOrEqual(before);
    before = at;
    await new Promise<void>((resolve) => screen.write(data, resolve));
  }
  const buffer = screen.buffer.active;
  const text = Array.from({ length: FILM.rows }, (_, y) => buffer.getLine(y)?.translateToString() ?? '').join('\n');
  expect(text).toContain('confirmed by two status replies');
  screen.dispose();
});
