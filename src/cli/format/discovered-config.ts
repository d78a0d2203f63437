/**
 * Formats bus exchanges as text and JSON, with unprintable bytes named, and a discovered rack as a commented
 * configuration file. Pure.
 */
import type { BusLogEntry, BusLook } from '../../api/bus.ts';
import { spellBytes } from '../../lib/control-chars.ts';
import { formatAddress, formatPosition, rowOf } from '../../rack/address.ts';
import { clock, iso, wallOf } from '../terminal-output.ts';

/** Formats one exchange on one line. */
export function exchangeLine({ at, out, in: input, ms, note }: BusLogEntry): string {
  const time = `${clock(at)}.${String(wallOf(at) % 1000).padStart(3, '0')}`;
  if (note !== null) return `${time}  -- ${note}`;
  const took = ms === null ? '      ' : `${ms.toFixed(0).padStart(4)} ms`;
  return `${time} ${took.padStart(7)}  > ${spellBytes(out).padEnd(14)} < ${input === '' ? '(nothing)' : spellBytes(input)}`;
}

/** Returns the documented JSON of an exchange. */
export function exchangeJson({ seq, at, out, in: input, ms, note }: BusLogEntry): Record<string, unknown> {
  return { seq, at: iso(at), out, in: input, ms, note };
}

export interface Found extends BusLook {
  host: string | null;
  /** Reason why no host name could be read. */
  why: string;
}

/** Names that the configuration accepts (config/schema.ts has the exact rule). */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/;

export function rackFile(found: readonly Found[], about: { port: string; at: number }): string {
  const lines = [
    `# Written by 'rackui discover' at ${new Date(about.at).toISOString()}: the nodes on the bus, with the host names`,
    '# each machine called itself on its console. Look it over, then: rackui config check, rackui verify.',
    '# Worth adding a node: role, cluster, ip, protected: true, chassisFan: N (docs/configuration.md).',
    'name: rack',
    `port: ${about.port}`,
    'nodes:',
  ];
  const taken = new Set<string>();
  let row = -1;
  for (const node of found) {
    if (rowOf(node.addr) !== row) {
      row = rowOf(node.addr);
      lines.push(
        `  # blade ${formatPosition(node.addr).split('-')[0] ?? ''}${row === 0 ? ' (top)' : ''}, slots 0 (right) to 3 (left)`,
      );
    }
    lines.push(nodeLine(node, taken));
  }
  if (found.length === 0) lines.push('  []  # no node answered');
  return `${lines.join('\n')}\n`;
}

function nodeLine({ addr, master, host, why, uid, power }: Found, taken: Set<string>): string {
  const name = host !== null && NAME.test(host) && !taken.has(host.toLowerCase()) ? host : null;
  if (name !== null) taken.add(name.toLowerCase());
  const fields = [`pos: ${formatPosition(addr)}`, `addr: "${formatAddress(addr)}"`];
  if (name !== null) fields.push(`name: "${name}"`);
  if (master) fields.push('role: master');
  if (uid !== null && /^[\x20-\x7e]{1,80}$/.test(uid)) fields.push(`uid: ${JSON.stringify(uid)}`);
  const remarks = [
    ...(host === null ? [`no name: ${why}`] : name === null ? [`host name ${host} is used twice, or not valid`] : []),
    ...(power === 'on' ? [] : [`is ${power ?? 'unknown'}`]),
  ];
  const remark = remarks.length === 0 ? '' : `  # ${remarks.join('; ').replace(/[^\x20-\x7e]/g, '?')}`;
  return `  - { ${fields.join(', ')} }${remark}`;
}
