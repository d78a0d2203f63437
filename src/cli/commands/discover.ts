/**
 * `rackui discover`: lists the nodes on the bus with UID and host name, as a configuration to begin with. Changes
 * nothing.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BusLook } from '../../api/bus.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { messageOf } from '../../lib/errors.ts';
import { count } from '../../lib/words.ts';
import { type Address, formatAddress, formatPosition, MAX_ADDRESS, SLOTS_PER_BLADE } from '../../rack/address.ts';
import { type Found, rackFile } from '../format/discovered-config.ts';
import { type GlobalOptions, openClient } from '../server-connection.ts';
import { Failure, print, printJson, Progress, writeWhole } from '../terminal-output.ts';

export interface DiscoverOptions extends GlobalOptions {
  write?: string;
  force?: boolean;
  /** False: consoles are not opened. */
  hosts?: boolean;
  json?: boolean;
}

export async function discoverCommand(options: DiscoverOptions): Promise<number> {
  const file = options.write === undefined ? null : resolve(options.write);
  if (file !== null && options.force !== true && existsSync(file))
    throw new Failure(EXIT.refused, `${file} exists and is not overwritten: name another, or add --force`);
  const client = await openClient(options, 'discover', { autostart: true });
  const progress = new Progress();
  try {
    const looks = await scan(client, progress);
    const found = await withHosts(client, looks, options.hosts !== false, progress);
    progress.end();
    const { port } = await client.request('server.info', {});
    const text = rackFile(found, { port, at: Date.now() });
    if (options.json === true)
      for (const { addr, power, master, uid, host, why } of found)
        printJson({ addr: formatAddress(addr), pos: formatPosition(addr), power, master, uid, host, why });
    else if (file === null) for (const line of text.trimEnd().split('\n')) print(line);
    if (file !== null) {
      writeWhole(file, text);
      print(
        `${count(found.length, 'node')} written to ${file}; look it over, then: rackui config check, rackui verify`,
      );
    }
    return found.length === 0 ? EXIT.unavailable : EXIT.done;
  } finally {
    progress.end();
    client.close();
  }
}

/** Scans all addresses, blade by blade; blades are rarely half empty, so silence beside an answer is asked twice. */
async function scan(client: RackClient, progress: Progress): Promise<BusLook[]> {
  const found: BusLook[] = [];
  for (let first = 0; first <= MAX_ADDRESS; first += SLOTS_PER_BLADE) {
    progress.show(
      `looking at ${formatAddress(first)} of ${formatAddress(MAX_ADDRESS)}: ${count(found.length, 'node')} so far`,
    );
    const addrs = Array.from({ length: SLOTS_PER_BLADE }, (_, slot) => first + slot);
    const looks = await client.request('bus.look', { addrs, patient: false });
    const silent = looks.filter(({ power }) => power === null).map(({ addr }) => addr);
    const some = silent.length > 0 && silent.length < looks.length;
    const again = some ? await client.request('bus.look', { addrs: silent, patient: true }) : [];
    found.push(...[...looks, ...again].filter(({ power }) => power !== null).sort((a, b) => a.addr - b.addr));
  }
  return found;
}

async function withHosts(
  client: RackClient,
  looks: readonly BusLook[],
  wanted: boolean,
  progress: Progress,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const [index, look] of looks.entries()) {
    if (wanted) progress.show(`reading host names: ${formatAddress(look.addr)}, ${index} of ${looks.length} done`);
    found.push({ ...look, ...(wanted ? await hostOf(client, look.addr) : { host: null, why: 'not asked' }) });
  }
  return found;
}

/**
 * Reads a node's host name from its console; a failure is returned as `why`, so that the other consoles are still
 * read.
 */
export async function hostOf(client: RackClient, addr: Address): Promise<{ host: string | null; why: string }> {
  try {
    const { host, why } = await client.request('host.read', { addr });
    return { host, why };
  } catch (error) {
    return { host: null, why: messageOf(error) };
  }
}
