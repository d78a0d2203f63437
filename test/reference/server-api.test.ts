/** The references of both APIs are what the sources say, and the client on the page works. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { API_VERSION } from '../../src/api/methods.ts';
import { eightNodes, sweptStand } from '../support/stand.ts';
import { openApi, OPENAPI } from './openapi.ts';
import { page, PAGE, SINCE, sinceOf } from './page.ts';

const CLIENT = fileURLToPath(new URL('client.js', import.meta.url));

test('the page on the API is what npm run reference writes', async () => {
  expect(await page('not recorded')).toBe(readFileSync(PAGE, 'utf8'));
});

test('the OpenAPI document is what npm run reference writes', async () => {
  const written = readFileSync(OPENAPI, 'utf8');
  const { info, paths, components } = JSON.parse(written) as {
    info: { version: string };
    paths: Record<string, object>;
    components: { schemas: Record<string, object> };
  };
  expect(await openApi(info.version)).toBe(written);
  expect(Object.keys(paths)).toContain('/v1/operations/{id}');
  for (const [, name = ''] of written.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    expect(Object.keys(components.schemas)).toContain(name);
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
