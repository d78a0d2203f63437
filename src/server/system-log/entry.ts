/** Entries of the system's log: events and audit entries as a sentence with fields, and the program that writes one. Pure. */
import type { EventRecord } from '../../api/methods.ts';
import type { SystemLogConfig } from '../../config/reporting-schema.ts';
import { replaceHidden } from '../../lib/control-chars.ts';
import type { AuditEntry, CallAuditEntry, RawAuditEntry } from '../../power/ports.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import type { Inventory } from '../../rack/inventory.ts';

/** One entry. Its fields have the journal's names without the prefix. */
export interface SystemLogEntry {
  text: string;
  level: EventRecord['level'];
  fields: Readonly<Record<string, string>>;
}

/** syslog's severities (RFC 5424): err, warning, notice, info. */
const PRIORITIES: Readonly<Record<EventRecord['level'], number>> = { alarm: 3, warning: 4, notice: 5, info: 6 };
const SEVERITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info'];
/** The facility `daemon`. */
const FACILITY = 3;
const LEVELS: readonly EventRecord['level'][] = ['info', 'notice', 'warning', 'alarm'];
/** Most characters of a text or a field. */
const LENGTH = 2000;
/** Most bytes of a syslog message; logger's own default of 1 KiB would split texts. */
const MESSAGE_BYTES = 16 * 1024;
/** Id of the structured data: the enterprise number for use without one of one's own (RFC 5612). */
const DATA_ID = 'rackui@32473';
const PREFIX = 'RACKUI_';

/** Time and rack of an entry. */
interface Place {
  inventory: Inventory;
  wallTime: (at: number) => number;
}

/** Returns whether an event is written. */
export function isWritten({ level }: EventRecord, config: SystemLogConfig): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(config.level);
}

export function eventEntry({ level, topic, addr, text, at }: EventRecord, place: Place): SystemLogEntry {
  const node = addr === null ? {} : nodeFields(addr, place.inventory);
  return { text, level, fields: fieldsOf(place, at, { entry: 'event', level, topic, ...node }) };
}

export function auditEntry(entry: AuditEntry | CallAuditEntry | RawAuditEntry, place: Place): SystemLogEntry {
  const { at, stage } = entry;
  if (stage === 'call') {
    const { token, from, call, status, count } = entry;
    const times = count === 1 ? '' : `, ${count} times`;
    return {
      text: `Call of ${token === null ? 'no known token' : `token ${token}`}: ${call}: ${status}${times}`,
      level: 'info',
      fields: fieldsOf(place, at, { entry: 'audit', stage, token, from, call, status, count }),
    };
  }
  const { verb, reportedBy: by, node, detail } = entry;
  const isRaw = 'raw' in entry;
  const outcome = isRaw ? null : entry.outcome;
  const what = isRaw ? `${verb} ${entry.raw}` : verb;
  return {
    text: `${what} of ${node.name} (${node.pos}, ${node.addr}) by ${by.user}: ${outcome ?? stage}${detail === '' ? '' : `: ${detail}`}`,
    level: 'notice',
    fields: fieldsOf(place, at, {
      ...{ entry: 'audit', stage, verb, outcome, node: node.name, addr: node.addr, position: node.pos },
      ...{ user: by.user, program: by.program, from: by.from, operation: isRaw ? null : entry.op },
    }),
  };
}

function nodeFields(addr: Address, { nodes }: Inventory): Record<string, string | null> {
  const node = nodes.find((one) => one.addr === addr);
  return { node: node?.name ?? null, addr: formatAddress(addr), position: formatPosition(addr) };
}

/** Leaves out what is null. */
function fieldsOf(
  { inventory, wallTime }: Place,
  at: number,
  about: Readonly<Record<string, string | number | null>>,
): Record<string, string> {
  const known = Object.entries(about).flatMap(([name, value]) => (value === null ? [] : [[name, `${value}`] as const]));
  const all = [['rack', inventory.name] as const, ...known, ['time', new Date(wallTime(at)).toISOString()] as const];
  return Object.fromEntries(all.map(([name, value]) => [name, oneLine(value)]));
}

const oneLine = (text: string): string => replaceHidden(text).slice(0, LENGTH);

/** Returns the program that writes the entry, and its standard input. */
export function commandFor(entry: SystemLogEntry, config: SystemLogConfig): { argv: string[]; input: string } {
  const { text, level, fields } = entry;
  const priority = PRIORITIES[level];
  const line = oneLine(text);
  if (config.to === 'journal') {
    const lines = [
      `MESSAGE=${line}`,
      `PRIORITY=${priority}`,
      `SYSLOG_FACILITY=${FACILITY}`,
      'SYSLOG_IDENTIFIER=rackui',
      ...Object.entries(fields).map(([name, value]) => `${PREFIX}${name.toUpperCase()}=${value}`),
    ];
    return { argv: ['logger', '--journald'], input: `${lines.join('\n')}\n` };
  }
  const common = ['logger', '--tag=rackui', `--priority=daemon.${SEVERITIES[priority] ?? 'info'}`];
  const size = `--size=${MESSAGE_BYTES}`;
  const { host, port, tcp } = config;
  // A local socket takes no structured data: most servers read it in the older form.
  if (host === undefined) {
    const data = Object.entries(fields).map(
      ([name, value]) => `${name}=${/[\s"=]/.test(value) ? JSON.stringify(value) : value}`,
    );
    return { argv: [...common, size, '--socket-errors=on'], input: `${line} [${data.join(' ')}]\n` };
  }
  const transport = tcp ? ['--tcp', '--octet-count'] : ['--udp'];
  const data = Object.entries(fields).map(
    ([name, value]) => `--sd-param=${name}="${value.replaceAll(/["\\\]]/g, String.raw`\$&`)}"`,
  );
  return {
    argv: [
      ...common,
      size,
      `--server=${host}`,
      `--port=${port}`,
      ...transport,
      '--rfc5424=notq',
      `--sd-id=${DATA_ID}`,
      ...data,
    ],
    input: `${line}\n`,
  };
}
