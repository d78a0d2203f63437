/**
 * Describes the rack in sentences without columns, for a screen reader, a Braille line or a teletype. Also reads
 * standard input line by line; between two lines another reader may use it. Pure but for that reader.
 */
import { StringDecoder } from 'node:string_decoder';
import type { ReadStream } from 'node:tty';
import { type EventRecord, silenceText, type Snapshot } from '../../api/methods.ts';
import { count } from '../../lib/words.ts';
import { formatAddress, formatPosition } from '../../rack/address.ts';
import { type Alarm, alarmOwner } from '../../rack/alarms.ts';
import { drawText } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { conditionText } from '../../rack/system-state.ts';
import {
  ageText,
  conditionCounts,
  clusterText,
  conditionOf,
  type NodeReport,
  statusReport,
  type StatusReport,
  supplySentence,
  totalCurrent,
} from '../format/status.ts';
import { clock } from '../terminal-output.ts';

/** Longest line: a file without line ends must not fill the memory. */
const MAX_LINE = 4096;

export class Lines {
  readonly #stdin: ReadStream;
  /** Decodes here, because another reader between two lines needs bytes. */
  readonly #decoder = new StringDecoder('utf8');
  readonly #waiting: string[] = [];
  #partial = '';
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(stdin: ReadStream) {
    this.#stdin = stdin;
    for (const event of ['end', 'error', 'close'] as const)
      stdin.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
  }

  /** Returns the next line without its end; null: there will be none. Listens only until then. */
  async next(): Promise<string | null> {
    const take = (bytes: Buffer): void => this.#take(this.#decoder.write(bytes));
    this.#stdin.on('data', take);
    this.#stdin.resume();
    try {
      while (this.#waiting.length === 0 && !this.#ended)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      const line = this.#waiting.shift();
      if (line !== undefined) return line;
      const last = this.#partial;
      this.#partial = '';
      return last === '' ? null : last;
    } finally {
      this.#stdin.off('data', take);
      this.#stdin.pause();
    }
  }

  /** Ends the wait of {@link next}: at an interrupt, or the server's end. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #take(text: string): void {
    const pieces = (this.#partial + text).split(/\r?\n/);
    this.#partial = (pieces.pop() ?? '').slice(0, MAX_LINE);
    this.#waiting.push(...pieces.map((piece) => piece.slice(0, MAX_LINE)));
    if (pieces.length > 0) this.#wake();
  }
}

/** Most nodes that are named, not counted: a list of twenty names is too long to listen to. */
const NAMED = 6;
/** Most news at once: more is counted, because at 300 baud a sentence takes three seconds. */
const EVENTS_AT_ONCE = 5;

/** Describes the state of the rack, the most important facts first. */
export function statusSentences(snapshot: Snapshot): string[] {
  const report = statusReport(snapshot, snapshot.rack.nodes);
  const { bus, nodes, rack, supply } = report;
  const problems = bus.state === 'ready' || bus.detail === '' ? [] : [sentence(bus.detail)];
  if (nodes.length === 0) return [`Rack ${rack}: the bus is ${bus.state}. No nodes are known.`, ...problems];
  return [
    `Rack ${rack}: the bus is ${bus.state}. ${countsOf(report)}`,
    ...problems,
    ...supply.map((one) => sentence(`Supply: ${supplySentence(one, supply.length > 1)}`)),
    ...notOn(nodes),
    ...currentOf(nodes),
    ...alarmsOf(snapshot),
    ...runningOf(snapshot),
    ...consoleOf(snapshot),
  ];
}

function countsOf({ nodes }: StatusReport): string {
  return `Of ${count(nodes.length, 'node')} ${conditionCounts(nodes).join(', ')}.`;
}

function notOn(nodes: readonly NodeReport[]): string[] {
  const others = nodes.filter((node) => conditionOf(node) !== 'on');
  if (others.length === 0 || others.length === nodes.length) return [];
  const conditions = others.slice(0, NAMED).map((node) => `${node.name} is ${conditionText(conditionOf(node))}`);
  const more = others.length > NAMED ? `, and ${others.length - NAMED} more; 'list' shows them` : '';
  return [`Not on: ${conditions.join(', ')}${more}.`];
}

function currentOf(nodes: readonly NodeReport[]): string[] {
  const total = totalCurrent(nodes);
  return total === null ? [] : [`Current: ${total} in total.`];
}

function alarmsOf({ alarms }: Snapshot): string[] {
  const unseen = alarms.filter(({ acknowledged }) => acknowledged === null).length;
  if (alarms.length === 0) return ['No alarms.'];
  const seen = unseen === 0 ? 'all acknowledged' : `${unseen} not acknowledged`;
  return [`${count(alarms.length, 'alarm')}, ${seen}; 'alarms' lists them.`];
}

function runningOf({ operations }: Snapshot): string[] {
  return operations
    .filter(({ endedAt }) => endedAt === null)
    .map(({ id, verb, label, by }) => `Running: ${verb} ${label}, operation ${id}, by ${by}.`);
}

function consoleOf({ console, rack, now }: Snapshot): string[] {
  if (console === null) return [];
  const name = rack.nodes.find(({ addr }) => addr === console.addr)?.name ?? formatAddress(console.addr);
  const silence = silenceText(console.holderSilentSince, now);
  const frozen = silence === '' ? '' : `Its program has been ${silence}: it is stopped or disconnected.`;
  return [
    `The console of ${name} is open; keyboard: ${console.holderName ?? 'no session'}.${frozen} No node is polled meanwhile.`,
  ];
}

/** Returns one sentence for each node. */
export function nodeSentences(snapshot: Snapshot, nodes: readonly InventoryNode[]): string[] {
  return statusReport(snapshot, nodes).nodes.map(nodeSentence);
}

function nodeSentence(node: NodeReport): string {
  const { name, pos, addr, last, freshness, ageMs, alarms, op, system, systemWhy } = node;
  const drawn =
    last === null
      ? ''
      : `current ${drawText({ counts: last.current, amps: last.amps }, 'counts')}, fan ${last.fan} counts`;
  const values =
    last === null || ageMs === null
      ? ''
      : freshness === 'fresh'
        ? `, ${drawn}`
        : `, last answered ${ageText(ageMs)} ago: ${last.power}, ${drawn}`;
  const power = conditionText(conditionOf(node));
  const cluster = clusterText(node);
  const known = system === 'up' || systemWhy === null || power === 'on' ? [] : [`it ${systemWhy}`];
  const extra = [
    ...known,
    ...(node.master ? ['it is the master'] : []),
    ...(op === null ? [] : [`operation ${op}`]),
    ...(cluster === null ? [] : [cluster]),
    ...alarms,
  ];
  return `${name}, ${pos}, address ${addr}: ${power}${values}${extra.map((text) => `; ${text}`).join('')}.`;
}

/** Describes one node in full. */
export function nodeDetails(snapshot: Snapshot, node: InventoryNode): string[] {
  const { role, cluster, ip, mac, chassisFan } = node;
  const facts = [
    ...(role === null ? [] : [`role ${role}`]),
    ...(cluster === null ? [] : [`cluster ${cluster}`]),
    ...(ip === null ? [] : [`IP address ${ip}`]),
    ...(mac === null ? [] : [`MAC address ${mac}`]),
    ...(node.protected ? ['protected'] : []),
    ...(chassisFan === null ? [] : [`it powers chassis fan ${chassisFan}`]),
  ];
  const events = snapshot.events.filter(({ addr }) => addr === node.addr).slice(-3);
  return [
    ...nodeSentences(snapshot, [node]),
    ...(facts.length > 0 ? [`${capital(facts.join(', '))}.`] : []),
    ...(events.length > 0 ? ['Its last events:', ...events.map(eventSentence)] : []),
  ];
}

export function alarmSentences({ alarms, rack }: Pick<Snapshot, 'alarms' | 'rack'>): string[] {
  if (alarms.length === 0) return ['No alarms.'];
  return alarms.map((alarm) => {
    const node = rack.nodes.find(({ addr }) => addr === alarm.addr);
    const who =
      alarm.addr === null
        ? alarmOwner(alarm.kind) === 'server'
          ? 'the server '
          : ''
        : `${node?.name ?? formatAddress(alarm.addr)} (${formatPosition(alarm.addr)}) `;
    return `Alarm ${alarm.id}, since ${clock(alarm.since)}: ${who}${alarm.text}${standing(alarm)}.`;
  });
}

function standing({ clearedAt, acknowledged }: Alarm): string {
  const over = clearedAt === null ? '' : `; over since ${clock(clearedAt)}`;
  return `${over}; ${acknowledged === null ? 'not acknowledged' : `acknowledged by ${acknowledged.by}`}`;
}

export function eventSentence({ at, level, text }: EventRecord): string {
  const urgent = level === 'alarm' || level === 'warning' ? `${level}: ` : '';
  return `${clock(at)} ${urgent}${sentence(text)}`;
}

/** Returns whether an event is worth an interruption; sessions that come and go are not. */
export function isNews({ level, topic }: EventRecord): boolean {
  return topic !== 'session' && (level !== 'info' || topic === 'power' || topic === 'node');
}

/** Describes simultaneous news; only some of many. */
export function eventSentences(events: readonly EventRecord[]): string[] {
  if (events.length <= EVENTS_AT_ONCE) return events.map(eventSentence);
  // Alarms are left out last.
  const rank = ({ level }: EventRecord): number => ['alarm', 'warning', 'notice', 'info'].indexOf(level);
  const worst = [...events].sort((a, b) => rank(a) - rank(b)).slice(0, EVENTS_AT_ONCE);
  const shown = events.filter((event) => worst.includes(event));
  return [...shown.map(eventSentence), `And ${events.length - shown.length} more; 'events' lists them.`];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
