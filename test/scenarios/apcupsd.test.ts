/**
 * The scripts for apcupsd: with the arguments that its apccontrol gives them, against a program that notes what it was
 * asked; and through the real apccontrol, against a simulated rack and a real server.
 */
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UPS, upsStand } from './ups-stand.ts';

const SCRIPTS = join(UPS, 'apcupsd');
const run = promisify(execFile);
/** As apccontrol hands on what apcupsd gave it: the UPS's name, whether it is connected, whether powered. */
const ARGUMENTS = ['rack-ups', '1', '0'];
/** From the package, taken apart by the check of a whole checkout (nothing is installed), or from an installed one. */
const APCCONTROL = [
  fileURLToPath(new URL('../../node_modules/.cache/apcupsd/etc/apcupsd/apccontrol', import.meta.url)),
  '/etc/apcupsd/apccontrol',
].find((path) => existsSync(path));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-apcupsd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

const linesOf = (name: string): string[] =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').trim().split('\n') : [];

/** A `rackui` on the PATH that ends with `code`; what the script asked of it, and how the script ended. */
async function asks(script: string, code: number, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  program('rackui', `echo "$*" >> '${join(folder, 'asked')}'\nexit ${code}`);
  await run(join(SCRIPTS, script), ARGUMENTS, { env: { PATH: `${folder}:/usr/bin:/bin`, ...env } });
  return linesOf('asked');
}

test('every script is one that a shell can read, and may be run', () => {
  const scripts = readdirSync(SCRIPTS);
  expect(scripts.sort()).toEqual(['doshutdown', 'offbattery', 'onbattery']);
  for (const script of [...scripts.map((name) => join(SCRIPTS, name)), join(UPS, 'rackui-shutdown')]) {
    execFileSync('/bin/sh', ['-n', script]);
    expect(readFileSync(script, 'utf8')).toMatch(/^#!\/bin\/sh\n/);
  }
});

// Whatever rackui says: apccontrol goes on, and a machine whose battery is empty is shut down.
test.each([0, 2, 5])('what each asks, and that it ends well, when rackui ends with %i', async (code) => {
  expect(await asks('onbattery', code)).toEqual(['outage battery --json']);
  expect((await asks('offbattery', code)).slice(1)).toEqual(['outage mains --json']);
  expect((await asks('doshutdown', code)).slice(2)).toEqual(['outage last --within 240 --json']);
});

test('seconds and program can be said otherwise; a rackui that is not there holds nothing up', async () => {
  expect(await asks('doshutdown', 0, { RACKUI_SECONDS: '90' })).toEqual(['outage last --within 90 --json']);
  await run(join(SCRIPTS, 'doshutdown'), ARGUMENTS, { env: { PATH: '/usr/bin:/bin', RACKUI: '/nowhere/rackui' } });
});

test.skipIf(APCCONTROL === undefined)(
  'the real apccontrol: on battery sheds, mains bring up, shutdown sheds the rest and ends this machine last; needs apcupsd’s package',
  { timeout: 180_000 },
  async () => {
    await using place = await upsStand('outage: { onBattery: [{ after: 0, run: shed-dev }], restore: { after: 1 } }\n');
    const { rack, program: rackui } = place;
    for (const script of readdirSync(SCRIPTS)) copyFileSync(join(SCRIPTS, script), join(folder, script));
    const wall = program('wall', 'cat > /dev/null');
    // Stands in for the power-off of this machine: when it came, and with which nodes on.
    const last = program('last', `echo "$*" >> '${join(folder, 'ended')}'`);
    const text = readFileSync(APCCONTROL ?? '', 'utf8')
      .replace(/^SCRIPTDIR=.*$/m, `SCRIPTDIR=${folder}`)
      .replace(/^SHUTDOWN=.*$/m, `SHUTDOWN=${last}`)
      .replace(/^WALL=.*$/m, `WALL=${wall}`)
      .replace(/^APCUPSD=.*$/m, 'APCUPSD=/bin/false');
    // Nothing in it may be able to end the machine that tests run on.
    expect(text).not.toMatch(/s?bin\/(shutdown|poweroff|reboot|halt)/);
    const apccontrol = program('apccontrol', text);
    const happens = (what: string): Promise<unknown> =>
      run(apccontrol, [what, ...ARGUMENTS], { env: { ...process.env, RACKUI: rackui, RACKUI_SECONDS: '60' } });

    await happens('onbattery');
    await rack.until(({ nodes }) => nodes[1]?.power === 'off', 60_000);
    expect((await rack.node('02')).power).toBe('on');
    await happens('offbattery');
    await rack.until(({ nodes }) => nodes[1]?.power === 'on' && nodes[1].guest === 'login', 60_000);
    expect(linesOf('ended')).toEqual([]);
    // The bring-up is not over yet: it is called off. And it waits for its plan: when this machine is told to end, all others are off.
    await happens('doshutdown');
    expect(linesOf('ended')).toEqual(['-h now apcupsd UPS rack-ups initiated shutdown']);
    const { nodes } = await rack.state();
    expect(nodes.slice(1, 3).map(({ power }) => power)).toEqual(['off', 'off']);
    const { bus, nodes: counted } = await rack.counters();
    expect([bus.masterCuts, counted['01']?.cutAlive, counted['02']?.cutAlive]).toEqual([0, 0, 0]);
  },
);
