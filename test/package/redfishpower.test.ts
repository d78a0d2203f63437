/**
 * powerman's redfishpower with the shipped device file, against a running server with TLS. Debian 12's powerman has none, so
 * both come from a system of Debian 13; needs root and the network.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { httpStand, secretOf } from '../support/http.ts';
import { freePort } from '../support/nut.ts';
import { entered, freshRoot, missingFor, runIn, stopped } from './debian-root.ts';

const DEVICE = fileURLToPath(new URL('../../examples/powerman/rackui-redfish.dev', import.meta.url));
const LIMIT = { timeout: 90_000, interval: 500 };

const missing = missingFor('unshare');
test.skipIf(missing !== null)(
  `redfishpower queries nodes, switches one off gracefully and on, and knows nothing of a silent one${missing === null ? '' : ` (needs ${missing})`}`,
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'rackui-test-powerman-'));
    await freshRoot(root, ['powerman', 'dash'], '--variant=extract');
    await using http = await httpStand({ tls: true });
    const port = await freePort();
    const put = (name: string, text: string): void => writeFileSync(join(root, 'etc/powerman', name), text);
    const device = readFileSync(DEVICE, 'utf8')
      .replace('powerman:TOKEN', `graceful:${secretOf('graceful')}`)
      .replaceAll('worker-[01-08]', 'n[2-5]')
      .replace('[0,0,0,0,0,0,0,0]', '[0,0,0,0]');
    put('rackui-redfish.dev', device);
    const lines = [
      `listen "127.0.0.1:${port}"`,
      'include "/etc/powerman/rackui-redfish.dev"',
      `device "rack" "rackui-redfish" "/usr/sbin/redfishpower -h 127.0.0.1:${http.port} |&"`,
      'node "n[2-5]" "rack" "n[2-5]"',
    ];
    put('powerman.conf', `${lines.join('\n')}\n`);
    const daemon = spawn('unshare', entered(root, ['powermand'], undefined), { stdio: 'ignore' });
    const ask = async (...args: string[]): Promise<string> =>
      (await runIn(root, ['powerman', '-h', `127.0.0.1:${port}`, ...args])).said;
    try {
      await expect.poll(() => ask('-q'), LIMIT).toMatch(/^on:\s+n\[2-5\]$/m);
      expect(await ask('-0', 'n5')).toContain('Command completed successfully');
      expect(await http.stand.rack.node('05')).toMatchObject({ power: 'off' });
      expect((await http.stand.rack.counters()).nodes['05']).toMatchObject({ off: 1, cutAlive: 0 });
      expect(await ask('-q')).toMatch(/^off:\s+n5$/m);
      expect(await ask('-1', 'n5')).toContain('Command completed successfully');
      expect(await ask('-q')).toMatch(/^on:\s+n\[2-5\]$/m);
      await http.stand.rack.ctl('silent', { node: '04' });
      await expect.poll(() => ask('-q'), LIMIT).toMatch(/^unknown:\s+n4$/m);
    } finally {
      await stopped(daemon);
      rmSync(root, { recursive: true, force: true });
    }
  },
  600_000,
);
