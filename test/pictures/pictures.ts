/** `npm run pictures [folder] [name…]`: the pictures of the README, anew, from the program as it is. Takes six minutes. */
import { mkdirSync } from 'node:fs';
import { drawScene } from './draw.ts';
import { openStage, passTime, SCENES } from './scenes.ts';

const [folder = 'docs/pictures', ...names] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
await using stage = await openStage();
await passTime(stage);
for (const scene of SCENES) {
  if (names.length > 0 && !names.includes(scene.name)) continue;
  process.stderr.write(`${scene.name} …\n`);
  await drawScene(scene, stage, folder);
}
