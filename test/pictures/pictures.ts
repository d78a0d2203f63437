/** `npm run pictures [folder] [name…]`: the pictures of the pages, anew, from the program as it is. Takes some minutes. */
import { mkdirSync } from 'node:fs';
import { buildOwnPrograms } from '../support/build-program.ts';
import { drawScene } from './draw.ts';
import { drawFilm, FILM } from './film.ts';
import { SCENES } from './scenes.ts';
import { openStage } from './stage.ts';

const [folder = 'docs/pictures', ...names] = process.argv.slice(2);
const wanted = (name: string): boolean => names.length === 0 || names.includes(name);
mkdirSync(folder, { recursive: true });
await buildOwnPrograms();
if (wanted(FILM.name)) {
  await using stage = await openStage();
  process.stderr.write(`${FILM.name} …\n`);
  await drawFilm(stage, folder);
}
await using stage = await openStage();
for (const scene of SCENES) {
  if (!wanted(scene.name)) continue;
  process.stderr.write(`${scene.name} …\n`);
  await drawScene(scene, stage, folder);
}
