/**
 * Mains fail, nobody is there: the real upsmon and upssched of Debian's NUT, on a dummy UPS on loopback, run the scripts of
 * docs/ups, which shut nodes of a simulated rack down through a real server.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { UPS, upsStand } from './ups-stand.ts';

const TOOLS = ['/usr/sbin/upssched', '/lib/nut/upsmon', '/lib/nut/upsd', '/lib/nut/dummy-ups', '/bin/upsrw'];
const missing = TOOLS.filter((tool) => !existsSync(tool));
const run = promisify(execFile);

const nut = missing.length > 0 ? `NUT (missing here: ${missing.join(', ')})` : 'NUT';
test.skipIf(missing.length > 0)(
  `${nut}: on battery sheds, low battery sheds the rest and ends this machine last`,
  async () => {
    await using place = await upsStand();
    const { folder, rack, program } = place;
    const conf = join(folder, 'nut');
    mkdirSync(conf, { mode: 0o700 });
    const port = await freePort();
    const last = join(folder, 'last');
    for (const [name, text] of Object.entries(nutFiles(conf, port, last)))
      writeFileSync(join(conf, name), text, { mode: 0o600 });
    const env = { ...process.env, NUT_CONFPATH: conf, NUT_STATEPATH: conf, NUT_ALTPIDPATH: conf, RACKUI: program };
    const daemons: ChildProcess[] = [];
    const said: string[] = [];
    const start = (tool: string, args: string[]): void => {
      const child = spawn(tool, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      daemons.push(child);
    };
    const status = async (text: string): Promise<void> => {
      await run('/bin/upsrw', ['-s', `ups.status=${text}`, '-u', 'admin', '-p', 'x', `dummy@127.0.0.1:${port}`], {
        env,
      });
    };
    try {
      start('/lib/nut/dummy-ups', ['-a', 'dummy', '-D', '-u', 'root']);
      start('/lib/nut/upsd', ['-D', '-u', 'root']);
      await until(
        async () => (await run('/bin/upsc', [`dummy@127.0.0.1:${port}`, 'ups.status'], { env })).stdout.trim() === 'OL',
        said,
      );
      start('/lib/nut/upsmon', ['-D', '-p']);
      await until(() => Promise.resolve(/UPS: dummy/.test(said.join(''))), said);
      await status('OB');
      await rack.until(({ nodes }) => nodes[1]?.power === 'off', 60_000);
      expect((await rack.node('02')).power).toBe('on');
      await status('OB LB');
      await rack.until(({ nodes }) => nodes[2]?.power === 'off', 60_000);
      await until(() => Promise.resolve(existsSync(last)), said);
      const { nodes, bus } = await rack.counters();
      expect([bus.masterCuts, nodes['01']?.cutAlive, nodes['02']?.cutAlive]).toEqual([0, 0, 0]);
      expect(readFileSync(join(folder, 'events.jsonl'), 'utf8')).toMatch(
        /plan shed-dev .*armed[^]*plan shed-all .*armed/,
      );
    } finally {
      for (const child of daemons.reverse()) child.kill('SIGTERM');
    }
  },
  180_000,
);

/** One UPS that says what it is told, upsd on loopback, upsmon that asks each second, our scripts. */
function nutFiles(conf: string, port: number, last: string): Record<string, string> {
  const dev = join(conf, 'dummy.dev');
  return {
    'dummy.dev': 'ups.status: OL\nbattery.charge: 100\n',
    'ups.conf': `[dummy]\n  driver = dummy-ups\n  port = ${dev}\n  mode = dummy-once\n`,
    'upsd.conf': `LISTEN 127.0.0.1 ${port}\n`,
    'upsd.users': '[admin]\n  password = x\n  actions = SET\n  instcmds = ALL\n  upsmon primary\n',
    'upsmon.conf': [
      `MONITOR dummy@127.0.0.1:${port} 1 admin x primary`,
      'MINSUPPLIES 1\nPOLLFREQ 1\nPOLLFREQALERT 1\nHOSTSYNC 1\nFINALDELAY 0\nRUN_AS_USER root',
      'NOTIFYCMD /sbin/upssched\nNOTIFYFLAG ONBATT EXEC\nNOTIFYFLAG ONLINE EXEC',
      `POWERDOWNFLAG ${join(conf, 'killpower')}`,
      // Stands in for the power-off of this machine.
      `SHUTDOWNCMD "${join(UPS, 'rackui-shutdown')} 60 touch ${last}"`,
      '',
    ].join('\n'),
    // As docs/ups/upssched.conf has it, quicker.
    'upssched.conf': readFileSync(join(UPS, 'upssched.conf'), 'utf8')
      .replace('/usr/local/sbin/rackui-upssched', join(UPS, 'rackui-upssched'))
      .replaceAll('/run/nut/', `${conf}/`)
      .replace('shed-dev 60', 'shed-dev 1'),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Generous: two cores may be busy. */
async function until(holds: () => Promise<boolean>, said: readonly string[]): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`it did not come to that:\n${said.join('').slice(-4000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
