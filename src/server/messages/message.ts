/** Messages about a rack: text of an alarm or an event, and several of them as one. Pure. */
import type { EventRecord } from '../../api/methods.ts';
import { MESSAGE_FIELDS, type MessageHook } from '../../config/schema.ts';
import { count } from '../../lib/words.ts';
import { type Address, formatAddress } from '../../rack/address.ts';
import { type Alarm, alarmOwner } from '../../rack/alarms.ts';
import { type Inventory, nodeLabel } from '../../rack/inventory.ts';
import { compressNames, select } from '../../rack/selectors.ts';

export interface Message {
  when: MessageHook['when'];
  level: EventRecord['level'];
  /** The alarm's kind, or the event's topic. */
  kind: string;
  addr: Address | null;
  text: string;
  /** Server's clock. */
  at: number;
}

const LEVELS: readonly EventRecord['level'][] = ['info', 'notice', 'warning', 'alarm'];
/** Lines of a text of several messages; the rest is counted. */
const LINES = 30;
/** Length of a title without its count, characters: a subject, or a line on a telephone. */
const TITLE_LENGTH = 150;

/** Returns the message of an alarm that was raised, or whose cause has ended. */
export function alarmMessage(alarm: Alarm, { nodes }: Inventory): Message {
  const { kind, addr, text, since, clearedAt } = alarm;
  const node = nodes.find((one) => one.addr === addr);
  const owner = alarmOwner(kind);
  const who =
    addr !== null
      ? node === undefined
        ? formatAddress(addr)
        : nodeLabel(node)
      : owner === 'supply'
        ? null
        : owner === 'bus'
          ? 'The bus:'
          : 'The server';
  const sentence = who === null ? text : `${who} ${text}`;
  if (clearedAt === null) return { when: 'alarm', level: 'alarm', kind, addr, text: sentence, at: since };
  return { when: 'alarm-cleared', level: 'info', kind, addr, text: `Over: ${sentence}`, at: clearedAt };
}

export function eventMessage({ level, topic, addr, text, at }: EventRecord): Message {
  return { when: 'event', level, kind: topic, addr, text, at };
}

/** Reports whether the hook gets this message. */
export function isFor(hook: MessageHook, message: Message, inventory: Inventory): boolean {
  if (hook.when !== message.when) return false;
  if (hook.when === 'event' && LEVELS.indexOf(message.level) < LEVELS.indexOf(hook.level ?? 'warning')) return false;
  if (hook.nodes === 'all') return true;
  const selection = select([hook.nodes], inventory);
  return selection.ok && selection.nodes.some(({ addr }) => addr === message.addr);
}

export type Fields = Readonly<Record<(typeof MESSAGE_FIELDS)[number], string>>;

/** Returns the values of a hook's fields for messages that are sent together; `dropped` others were given up. */
export function fieldsOf(
  messages: readonly Message[],
  dropped: number,
  { inventory, wallTime }: { inventory: Inventory; wallTime: (at: number) => number },
): Fields {
  const [first] = messages;
  const names = inventory.nodes.filter(({ addr }) => messages.some((one) => one.addr === addr)).map(({ name }) => name);
  const level = LEVELS.findLast((one) => messages.some((message) => message.level === one)) ?? 'info';
  const lines = messages.slice(0, LINES).map(({ text }) => text);
  const rest = messages.length - lines.length + dropped;
  if (rest > 0) lines.push(`and ${count(rest, 'other message')}; see rackui alarms and rackui events`);
  const more = messages.length + dropped - 1;
  const headline = `${inventory.name}: ${first?.text ?? ''}`.replaceAll(/\s+/g, ' ');
  return {
    rack: inventory.name,
    when: first?.when ?? '',
    level,
    kind: [...new Set(messages.map(({ kind }) => kind))].join(','),
    node: compressNames(names),
    count: `${messages.length + dropped}`,
    time: first === undefined ? '' : new Date(wallTime(first.at)).toISOString(),
    title: `${headline.slice(0, TITLE_LENGTH)}${more > 0 ? ` (and ${more} more)` : ''}`,
    text: lines.join('\n'),
  };
}

/** Fills the braces of a hook's arguments. */
export function argumentsFor(run: readonly string[], fields: Fields): string[] {
  const values = new Map<string, string>(Object.entries(fields));
  return run.map((argument) => argument.replace(/\{(\w+)\}/g, (braces, field: string) => values.get(field) ?? braces));
}

/** Variables that a program needs to find its own programs and settings. */
const KEPT = ['PATH', 'HOME', 'USER', 'LANG', 'TZ'];

/** Returns the whole environment of a hook: a few variables of the server's, and the fields as `RACKUI_TEXT`, …. */
export function environmentFor(fields: Fields, around: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries([
    ...KEPT.map((name) => [name, around[name]] as const),
    ...MESSAGE_FIELDS.map((field) => [`RACKUI_${field.toUpperCase()}`, fields[field]] as const),
  ]);
}
