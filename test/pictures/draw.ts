/** From a scene to its files. The letters are DejaVu Sans Mono's, which comes as a package: a machine may have no fonts. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { groundOf, type Scene } from './scenes.ts';
import type { Stage } from './stage.ts';
import { screenToSvg } from './svg.ts';

const FONTS = join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf');

/** Writes `NAME.svg` and `NAME.png` into the folder. */
export async function drawScene(scene: Scene, stage: Stage, folder: string): Promise<void> {
  const { name, title, theme, cols, rows } = scene;
  await using screen = stage.open({ theme, cols, rows });
  await scene.play(screen, stage);
  const svg = screenToSvg(screen, title, groundOf(theme));
  writeFileSync(join(folder, `${name}.svg`), svg);
  writeFileSync(join(folder, `${name}.png`), render(svg).asPng());
  await scene.after?.(screen, stage);
}

export function render(svg: string): ReturnType<Resvg['render']> {
  return new Resvg(svg, {
    font: {
      loadSystemFonts: false,
      fontFiles: ['DejaVuSansMono.ttf', 'DejaVuSansMono-Bold.ttf', 'DejaVuSansMono-Oblique.ttf'].map((file) =>
        join(FONTS, file),
      ),
      defaultFontFamily: 'DejaVu Sans Mono',
    },
  }).render();
}
