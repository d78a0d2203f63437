/** A small rack with plans as a UPS's software meets it: a running server, and `rackui` as a program without arguments. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM, sweptStand, type Stand } from '../support/stand.ts';

export const UPS = fileURLToPath(new URL('../../docs/ups', import.meta.url));

const CONFIG = `
name: ups
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: dev1 }
  - { addr: "02", name: prod1 }
  - { addr: "03", name: spare }
shutdown: { settle: 0.3 }
login: { user: pi, password: { command: [echo, raspberry] } }
plans:
  shed-dev: { steps: [{ name: dev, action: off, selector: dev1 }] }
  shed-all: { steps: [{ name: all, action: off, selector: "dev1 prod1 spare" }] }
  bring-up: { steps: [{ name: all, action: on, selector: "dev1 prod1 spare", stagger: 0 }] }
`;

/** `policy`: more lines of the configuration. What the scripts' `RACKUI` is to be is `program`. */
export async function upsStand(policy: string): Promise<Stand & { program: string }> {
  const place = await sweptStand({ sim: ['--time-scale', '30', '--no-loss'], config: CONFIG + policy });
  const program = join(place.folder, 'rackui');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' --socket '${place.socket}' "$@"\n`);
  chmodSync(program, 0o755);
  return Object.assign(place, { program });
}
