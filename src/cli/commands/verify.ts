/** `rackui verify`: compares each machine's host name with the map, by its console. Cuts and changes nothing. */
import { EXIT } from '../../api/power.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { sameHost } from '../../rack/inventory.ts';
import { type GlobalOptions, knownRack, noNames, openClient, targetsOf } from '../server-connection.ts';
import { print, printJson, Progress } from '../terminal-output.ts';
import { hostOf } from './discover.ts';

export interface VerifyOptions extends GlobalOptions {
  json?: boolean;
}

type Result = 'match' | 'mismatch' | 'not seen';

/** Returns exit code 0: all match; 3: one is not the machine of the map; 2: some could not be read. */
export async function verifyCommand(words: readonly string[], options: VerifyOptions): Promise<number> {
  const client = await openClient(options, 'verify', { autostart: true });
  const progress = new Progress();
  try {
    const snapshot = await knownRack(client);
    if (!snapshot.rack.configured) throw noNames('there is nothing to hold host names against');
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
          `${where.addr}  ${where.pos.padEnd(4)} ${name.padEnd(22)} ${result.padEnd(9)} ${said(result, host, why)}`.trimEnd(),
        );
    }
    const count = (wanted: Result): number => results.filter((result) => result === wanted).length;
    if (options.json !== true)
      print(`${count('match')} match, ${count('mismatch')} mismatch, ${count('not seen')} could not be seen`);
    if (count('mismatch') > 0) return EXIT.refused;
    return count('not seen') > 0 ? EXIT.partly : EXIT.done;
  } finally {
    progress.end();
    client.close();
  }
}

function said(result: Result, host: string | null, why: string): string {
  if (result === 'not seen') return why;
  return result === 'match' ? '' : `calls itself ${host ?? ''}: correct the map, or the cables, before any power-off`;
}
