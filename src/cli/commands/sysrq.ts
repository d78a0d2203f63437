/** Writes a key of magic SysRq to /proc/sysrq-trigger of a node, by ssh where it is configured, otherwise over its console. */
import { EXIT } from '../../api/power.ts';
import { nodeLabel } from '../../rack/inventory.ts';
import { confirmation } from '../confirm.ts';
import { type GlobalOptions, knownRack, openClient, targetOf } from '../server-connection.ts';
import { Failure, hint, NODE_FAILED, print, UsageFailure } from '../terminal-output.ts';

interface SysrqOptions extends GlobalOptions {
  confirm?: string;
  console?: boolean;
}

/** Limit of the command on the node, s: SysRq answers at once, or never. */
const LIMIT_S = 20;

/** Keys that end or change what runs on the node: they are confirmed with its name. */
const CHANGING: Readonly<Record<string, string>> = {
  e: 'ends all processes but init (SIGTERM)',
  f: 'kills a process that uses much memory',
  i: 'kills all processes but init (SIGKILL)',
  j: 'thaws frozen file systems',
  k: 'kills the programs on its console',
  n: 'makes real-time tasks nice',
  u: 'remounts all file systems read-only',
};
/** Keys that print, or do no harm. */
const HARMLESS: Readonly<Record<string, string>> = {
  h: 'prints the keys',
  l: 'prints what all processors do',
  m: 'prints the memory',
  p: 'prints the registers',
  q: 'prints the timers',
  r: 'takes the keyboard out of raw mode',
  s: 'writes all file systems to their disks',
  t: 'prints all tasks',
  w: 'prints blocked tasks',
};
/** Keys that end the system without its proof, and the command that does it with one. */
const CUTS: Readonly<Record<string, string>> = {
  b: 'restarts at once, without a shutdown: use rackui cycle, or cycle --force',
  c: 'crashes the kernel, which may restart it: use rackui cycle --force',
  o: 'switches off at once, without a shutdown: use rackui off, or off --force',
};

export async function sysrqCommand([word = '', key = '']: readonly string[], options: SysrqOptions): Promise<number> {
  const cut = CUTS[key];
  if (cut !== undefined) throw new Failure(EXIT.refused, `sysrq ${key} was not sent: it ${cut}`);
  const does = CHANGING[key] ?? HARMLESS[key];
  if (does === undefined)
    throw new UsageFailure(
      `sysrq '${key}': give one of ${Object.entries({ ...HARMLESS, ...CHANGING })
        .map(([one, what]) => `${one} (${what})`)
        .join(', ')}`,
    );
  const client = await openClient(options, 'sysrq', { autostart: true });
  try {
    const node = targetOf(word, await knownRack(client));
    if (key in CHANGING) {
      hint(`sysrq ${key} at ${nodeLabel(node)} ${does}`);
      await confirmation(options.confirm, node.name, `sysrq ${key} ${node.name} ${does}`, options.plain);
    }
    const trigger = '/proc/sysrq-trigger';
    const command = `{ echo ${key} >${trigger}; } 2>/dev/null||echo ${key}|sudo -n tee ${trigger} >/dev/null`;
    const by = options.console === true ? 'console' : 'configured';
    const request = { addr: node.addr, command, by, limitS: LIMIT_S } as const;
    const { code, output, why } = await client.request('node.run', request);
    if (code === null)
      throw new Failure(
        EXIT.unavailable,
        `sysrq ${key} was sent to ${nodeLabel(node)}, and its shell gave no answer: ${why}`,
      );
    if (code !== 0)
      throw new Failure(
        NODE_FAILED,
        `${nodeLabel(node)} did not take sysrq ${key}: ${output.trim() || `exit code ${code}`}`,
      );
    print(
      `sysrq ${key} was sent to ${nodeLabel(node)}: it ${does}; its answer is on its console and in its kernel log`,
    );
    return EXIT.done;
  } finally {
    client.close();
  }
}
