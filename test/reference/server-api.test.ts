/** docs/reference/server-api.md is what the sources say, and its client works. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { API_VERSION } from '../../src/api/methods.ts';
import { eightNodes, sweptStand } from '../support/stand.ts';
import { page, PAGE, SINCE, sinceOf } from './page.ts';

const CLIENT = fileURLToPath(new URL('client.js', import.meta.url));

test('the page on the API is what npm run reference writes', async () => {
  expect(await page('not recorded')).toBe(readFileSync(PAGE, 'utf8'));
});

test('every method has the version since which it exists', () => {
  expect(sinceOf('not recorded')).toEqual(JSON.parse(readFileSync(SINCE, 'utf8')));
});

test('the client on the page prints each node, on either socket, and speaks the number of this API', async () => {
  expect(readFileSync(CLIENT, 'utf8')).toContain(`api: ${API_VERSION},`);
  await using stand = await sweptStand({ config: eightNodes() });
  for (const [socket, access] of [
    [stand.socket, 'control'],
    [stand.viewSocket, 'view'],
  ] as const) {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLIENT, socket]);
    expect(stderr).toBe('');
    const [first, ...nodes] = stdout.trimEnd().split('\n');
    expect(first).toMatch(new RegExp(`^server \\d+\\.\\d+\\.\\d+, access ${access}$`));
    expect(nodes).toHaveLength(8);
    expect(nodes[0]).toBe('n0: on');
  }
});
