/** A small rack with plans as a UPS's software meets it: a running server, and `rackui` as a program without arguments. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OutageReport, OutageStatus } from '../../src/api/outage.ts';
import { PROGRAM, stand, type Stand } from '../support/stand.ts';

export const UPS = fileURLToPath(new URL('../../docs/ups', import.meta.url));

const CONFIG = `
name: ups
nodes:
  - { addr: "00", name: boss, role: master }
  - { addr: "01", name: dev1 }
  - { addr: "02", name: prod1 }
  - { addr: "03", name: spare }
shutdown: { settle: 0.3 }
plans:
  shed-dev: { steps: [{ name: dev, action: off, selector: dev1 }] }
  shed-all: { steps: [{ name: all, action: off, selector: "dev1 prod1 spare" }] }
  bring-up: { steps: [{ name: all, action: on, selector: "dev1 prod1 spare", stagger: 0 }] }
`;

export interface UpsStand extends Stand {
  /** What the scripts' `RACKUI` is to be. */
  program: string;
  /** Writes the configuration with these lines more, and starts the server with it. */
  restartWith(more: string): Promise<void>;
  status(): Promise<OutageStatus>;
  report(): Promise<OutageReport | null>;
}

export async function upsStand(more = ''): Promise<UpsStand> {
  const place = await stand({ sim: ['--time-scale', '30', '--no-loss'], config: CONFIG });
  const { folder } = place;
  const password = join(folder, 'password');
  writeFileSync(password, 'raspberry\n', { mode: 0o600 });
  const program = join(folder, 'rackui');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' --socket '${place.socket}' "$@"\n`);
  chmodSync(program, 0o755);
  const write = (text: string): void =>
    writeFileSync(join(folder, 'rack.yaml'), `${CONFIG}login: { user: pi, password: { file: ${password} } }\n${text}`);
  const status = async (): Promise<OutageStatus> => {
    const client = await place.client();
    try {
      return await client.request('outage.status', {});
    } finally {
      client.close();
    }
  };
  const restartWith = async (text: string): Promise<void> => {
    await place.killServer('SIGTERM');
    write(text);
    await place.startServer();
    const client = await place.client();
    await client.request('sweep', { addrs: null, interrupt: false });
    client.close();
  };
  await restartWith(more);
  return Object.assign(place, {
    program,
    restartWith,
    status,
    report: async () => (await status()).policies[0]?.outage ?? null,
  });
}
