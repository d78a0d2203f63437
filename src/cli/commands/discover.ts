/** Discovers the nodes on a bus, and verifies that the configured ones are those boards. */
import { resolve } from 'node:path';
import type { BusLook } from '../../api/bus.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { messageOf } from '../../lib/errors.ts';
import { count } from '../../lib/words.ts';
import { type Address, formatAddress, formatPosition, MAX_ADDRESS, SLOTS_PER_BLADE } from '../../rack/address.ts';
import { sameHost } from '../../rack/inventory.ts';
import { type Found, rackFile } from '../format/discovered-config.ts';
import { type GlobalOptions, knownRack, noNames, openClient, targetsOf } from '../server-connection.ts';
import { expectNew, print, printJson, Progress, writeWhole } from '../terminal-output.ts';

interface DiscoverOptions extends GlobalOptions {
  write?: string;
  force?: boolean;
  /** False: consoles are not opened. */
  hosts?: boolean;
  json?: boolean;
}

export async function discoverCommand(options: DiscoverOptions): Promise<number> {
  const file = options.write === undefined ? null : resolve(options.write);
  if (file !== null) expectNew(file, options.force);
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
        `${count(found.length, 'node')} written to ${file}; check it, then run: rackui config check, rackui verify`,
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
      `scanning ${formatAddress(first)} of ${formatAddress(MAX_ADDRESS)}: ${count(found.length, 'node')} so far`,
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
async function hostOf(client: RackClient, addr: Address): Promise<{ host: string | null; why: string }> {
  try {
    const { host, why } = await client.request('host.read', { addr });
    return { host, why };
  } catch (error) {
    return { host: null, why: messageOf(error) };
  }
}

interface VerifyOptions extends GlobalOptions {
  json?: boolean;
}

type Result = 'match' | 'mismatch' | 'not seen';

/** Returns exit code 0: all match; 3: one is not the machine of the map; 2: some could not be read. */
export async function verifyCommand(words: readonly string[], options: VerifyOptions): Promise<number> {
  const client = await openClient(options, 'verify', { autostart: true });
  const progress = new Progress();
  try {
    const snapshot = await knownRack(client);
    if (!snapshot.rack.configured) throw noNames('there is no configuration to compare host names with');
    const { nodes } = words.length === 0 ? snapshot.rack : targetsOf(words, snapshot);
    const results: Result[] = [];
    for (const [index, { addr, name }] of nodes.entries()) {
      progress.show(`reading ${name}, ${index} of ${nodes.length} done`);
      const { host, why } = await hostOf(client, addr);
      const result = host === null ? 'not seen' : sameHost(host, name) ? 'match' : 'mismatch';
      results.push(result);
      progress.end();
      const where = { addr: formatAddress(addr), pos: formatPosition(addr) };
      if (options.json === true) printJson({ ...where, name, result, host, why });
      else
        print(
          `${where.addr}  ${where.pos.padEnd(4)} ${name.padEnd(22)} ${result.padEnd(9)} ${resultText(result, host, why)}`.trimEnd(),
        );
    }
    const count = (wanted: Result): number => results.filter((result) => result === wanted).length;
    if (options.json !== true)
      print(`${count('match')} match, ${count('mismatch')} mismatch, ${count('not seen')} not verified`);
    if (count('mismatch') > 0) return EXIT.refused;
    return count('not seen') > 0 ? EXIT.partly : EXIT.done;
  } finally {
    progress.end();
    client.close();
  }
}

function resultText(result: Result, host: string | null, why: string): string {
  if (result === 'not seen') return why;
  return result === 'match'
    ? ''
    : `calls itself ${host ?? ''}: correct the configuration, or the cabling, before any power-off`;
}
