/** That the script for the README's pictures still works: two of them are drawn anew, and every one that is shown is there. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { drawScene, render } from './draw.ts';
import { openStage, SCENES } from './scenes.ts';
import { pictureSize } from './svg.ts';

const SHIPPED = join(import.meta.dirname, '../../docs/pictures');

/** Width and height from a PNG's header. */
function pngSize(png: Buffer): { width: number; height: number } {
  expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
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
    // Letters were found in a font: a page of boxes, or none, has neither so many colours nor so much ink.
    const { pixels } = render(svg);
    const colours = new Map<string, number>();
    for (let i = 0; i < pixels.length; i += 4) {
      const colour = `${pixels[i]} ${pixels[i + 1]} ${pixels[i + 2]}`;
      colours.set(colour, (colours.get(colour) ?? 0) + 1);
    }
    expect(colours.size).toBeGreaterThan(50);
    expect(Math.max(...colours.values())).toBeLessThan(0.99 * (pixels.length / 4));
  }
  rmSync(folder, { recursive: true });
});

test('every scene’s picture is there, of its size, and all of them are less than a megabyte', () => {
  let sum = 0;
  for (const { name, cols, rows } of SCENES) {
    expect(pngSize(readFileSync(join(SHIPPED, `${name}.png`)))).toEqual(pictureSize(cols, rows));
    for (const kind of ['png', 'svg']) sum += statSync(join(SHIPPED, `${name}.${kind}`)).size;
  }
  expect(sum).toBeLessThan(1_000_000);
  for (const [, name = ''] of readFileSync('README.md', 'utf8').matchAll(/docs\/pictures\/(\w+)\.(?:png|svg)/g))
    expect(SCENES.map((scene) => scene.name)).toContain(name);
});
