/** A small rack with plans as a UPS's software meets it: a running server, and `rackui` as a program without arguments. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';

export const UPS = fileURLToPath(new URL('../../docs/ups', import.meta.url));

const CONFIG = `
name: ups
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: dev1 }
  - { addr: "02", name: prod1 }
shutdown: { settle: 0.3 }
plans:
  shed-dev: { steps: [{ name: dev, action: off, selector: dev1 }] }
  shed-all: { steps: [{ name: all, action: off, selector: "dev1 prod1" }] }
  bring-up: { steps: [{ name: all, action: on, selector: "dev1 prod1", stagger: 0 }] }
`;

/** `program`: what the scripts' `RACKUI` is to be. */
export async function upsStand(): Promise<Stand & { program: string }> {
  const place = await stand({ sim: ['--time-scale', '30', '--no-loss'], config: CONFIG });
  const { folder } = place;
  const password = join(folder, 'password');
  writeFileSync(password, 'raspberry\n', { mode: 0o600 });
  writeFileSync(join(folder, 'rack.yaml'), `${CONFIG}login: { user: pi, password: { file: ${password} } }\n`);
  await place.killServer('SIGTERM');
  await place.startServer();
  const program = join(folder, 'rackui');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' --socket '${place.socket}' "$@"\n`);
  chmodSync(program, 0o755);
  return Object.assign(place, { program });
}
