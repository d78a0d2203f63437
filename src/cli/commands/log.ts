/** Reads a console's log: as lines, as bytes, as a recording to be played, or as a page. */
import type { LogRequest, TimedEvent } from '../../api/node.ts';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { readLogLine } from '../../console/log-lines.ts';
import type { Address } from '../../rack/address.ts';
import { type InventoryNode, nodeLabel } from '../../rack/inventory.ts';
import type { CastWriter } from '../console/cast.ts';
import type { PageWriter } from '../console/page.ts';
import { type GlobalOptions, knownRack, openClient, targetOf } from '../server-connection.ts';
import { Failure, hint, print, printJson, UsageFailure } from '../terminal-output.ts';

interface LogOptions extends GlobalOptions {
  follow?: boolean;
  since?: string;
  until?: string;
  search?: string;
  raw?: boolean;
  /** The version where one was given. */
  cast?: string | true;
  idle?: string;
  html?: boolean;
  boots?: boolean;
  changes?: boolean;
  json?: boolean;
}

type ReplayForm = { is: 'page' } | { is: 'cast'; version: 2 | 3; idleS: number | null };
type LogForm = { is: 'lines' | 'raw' | 'boots' | 'boots-json' | 'changes' } | ReplayForm;

/** What a log lacks that has nothing to print. */
const MISSING: Partial<Record<LogForm['is'], string>> = {
  boots: 'no boot',
  'boots-json': 'no boot',
  changes: 'no two boots to compare',
};

/** Interval of requests while a log is followed, ms: a person does not notice it. */
const FOLLOW_MS = 200;

export async function logCommand(word: string, options: LogOptions): Promise<number> {
  const form = readForm(options);
  const now = Date.now();
  const range = { since: readTime('since', options.since, now), until: readTime('until', options.until, now) };
  const client = await openClient(options, 'log', { autostart: true });
  try {
    const node = targetOf(word, await knownRack(client));
    const printed =
      form.is === 'cast' || form.is === 'page'
        ? await replay(client, node, form, range)
        : form.is === 'lines' || form.is === 'raw'
          ? await printLog(client, node.addr, form.is, range, options)
          : await printBoots(client, node, form.is, range);
    const all = range.since === null && range.until === null && !options.search;
    if (!printed)
      hint(`rackui: the log of ${node.name} holds ${MISSING[form.is] ?? 'nothing'}${all ? ' yet' : ' of that'}`);
    return EXIT.done;
  } finally {
    client.close();
  }
}

interface Range {
  since: number | null;
  until: number | null;
}

/** Prints the log as text or bytes; returns whether there was any. */
async function printLog(
  client: RackClient,
  addr: Address,
  kind: 'lines' | 'raw',
  { since, until }: Range,
  options: LogOptions,
): Promise<boolean> {
  const over: { why: string | null; stopped: boolean } = { why: null, stopped: false };
  client.onClose((why) => (over.why = why));
  process.once('SIGINT', () => (over.stopped = true));
  const request: LogRequest = { addr, kind, cursor: null, since, search: options.search ?? null };
  let printed = false;
  for (;;) {
    const { data, cursor, end } = await client.request('log.read', request);
    // A log that does not exist yet has no cursor either.
    request.cursor = cursor === '' ? null : cursor;
    if (kind === 'raw') process.stdout.write(Buffer.from(data, 'base64'));
    else
      for (const line of data.split('\n').slice(0, -1)) {
        if (until !== null && (readLogLine(line)?.at ?? 0) > until) return printed;
        print(line);
        printed = true;
      }
    printed ||= data !== '';
    if (!end) continue;
    // All later text is younger, whatever the clock's time then; a log that begins later has no cursor yet.
    request.since = null;
    if (options.follow !== true) return printed;
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    if (over.why !== null) throw new Failure(EXIT.unavailable, over.why);
    if (over.stopped) return true;
  }
}

/** Prints the boots in the log, or the changes between the last two of them; returns whether there were any. */
async function printBoots(
  client: RackClient,
  node: InventoryNode,
  what: 'boots' | 'boots-json' | 'changes',
  { since, until }: Range,
): Promise<boolean> {
  const { BootReader, bootChanges, bootJson, bootTable, bootTitle } = await import('../console/boots.ts');
  const reader = new BootReader();
  const request: LogRequest = { addr: node.addr, kind: 'lines', cursor: null, since, search: null };
  for (let end = false; !end;) {
    const piece = await client.request('log.read', request);
    request.cursor = piece.cursor === '' ? null : piece.cursor;
    const lines = piece.data.split('\n').slice(0, -1);
    const late = until === null ? -1 : lines.findIndex((line) => (readLogLine(line)?.at ?? 0) > until);
    for (const line of late < 0 ? lines : lines.slice(0, late)) reader.line(line);
    end = piece.end || late >= 0;
  }
  const { boots } = reader;
  if (what === 'boots') bootTable(boots).forEach((line) => print(line));
  if (what === 'boots-json') boots.forEach((boot) => printJson(bootJson(boot)));
  const [before, after] = boots.slice(-2);
  if (what === 'changes' && before !== undefined && after !== undefined) {
    const changes = bootChanges(before, after);
    print(`- ${bootTitle(before)}`);
    print(`+ ${bootTitle(after)}`);
    print('');
    if (changes.length === 0) print('  no line differs but in times, addresses and process numbers');
    changes.forEach((line) => print(line));
  }
  return boots.length > (what === 'changes' ? 1 : 0);
}

/** Prints the log as a recording or a page; returns whether there was an event. */
async function replay(
  client: RackClient,
  node: InventoryNode,
  form: ReplayForm,
  { since, until }: Range,
): Promise<boolean> {
  const title = `console of ${nodeLabel(node)}`;
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const flush = async (): Promise<void> => {
    if (lines.length > 0 && !process.stdout.write(`${lines.splice(0).join('\n')}\n`))
      await new Promise((resolve) => process.stdout.once('drain', resolve));
  };
  const request: LogRequest = { addr: node.addr, kind: 'timed', cursor: null, since, search: null };
  let writer: CastWriter | PageWriter | null = null;
  for (;;) {
    const { data, cursor, end } = await client.request('log.read', request);
    request.cursor = cursor === '' ? null : cursor;
    const events = data
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as TimedEvent);
    writer ??= await openWriter(form, title, events, write);
    const late = until === null ? -1 : events.findIndex(({ at }) => at > until);
    for (const event of late < 0 ? events : events.slice(0, late)) await writer.feed(event);
    await flush();
    if (!end && late < 0) continue;
    const complete = writer.end();
    await flush();
    return complete;
  }
}

async function openWriter(
  form: ReplayForm,
  title: string,
  events: readonly TimedEvent[],
  write: (line: string) => void,
): Promise<CastWriter | PageWriter> {
  if (form.is === 'page') return new (await import('../console/page.ts')).PageWriter(title, write);
  const size = events.find((event): event is Extract<TimedEvent, { cols: number }> => 'cols' in event) ?? null;
  return new (await import('../console/cast.ts')).CastWriter({ title, ...form }, size, write);
}

/** @throws UsageFailure */
function readForm({ raw, cast, html, boots, changes, follow, since, until, search, idle, json }: LogOptions): LogForm {
  const forms = [
    raw && '--raw',
    cast !== undefined && '--cast',
    html && '--html',
    boots && '--boots',
    changes && '--changes',
  ].filter((form) => form);
  if (forms.length > 1) throw new UsageFailure(`${forms.join(' and ')}: one at a time`);
  if (json && !boots) throw new UsageFailure('--json is for --boots');
  if (idle !== undefined && cast === undefined) throw new UsageFailure('--idle is for --cast');
  if (raw) {
    if (since !== undefined || until !== undefined || search !== undefined)
      throw new UsageFailure('--raw is bytes without times and lines: not with --since, --until or --search');
    if (process.stdout.isTTY) throw new UsageFailure('--raw prints unfiltered output: redirect it to a file or a pipe');
    return { is: 'raw' };
  }
  if (forms.length === 0) return { is: 'lines' };
  if (follow || search !== undefined) throw new UsageFailure(`${forms.join()}: not with --follow or --search`);
  if (html) return { is: 'page' };
  if (boots) return { is: json ? 'boots-json' : 'boots' };
  if (changes) return { is: 'changes' };
  if (cast !== true && cast !== '2' && cast !== '3')
    throw new UsageFailure(`--cast ${cast ?? ''}: the format is version 3, or 2 for players before asciinema 3`);
  const idleS = idle === undefined ? null : Number(idle);
  if (idleS !== null && !(idleS > 0)) throw new UsageFailure(`--idle ${idle ?? ''}: seconds`);
  return { is: 'cast', version: cast === '2' ? 2 : 3, idleS };
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses a time: `90s`, `10m`, `2h`, `3d` ago, or ISO 8601; null: none was given. @throws UsageFailure */
function readTime(option: 'since' | 'until', text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now - Number(count) * UNITS[unit as keyof typeof UNITS];
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new UsageFailure(`--${option} ${text}: write 90s, 10m, 2h or 3d, or a time like 2026-07-14T12:00Z`);
  return at;
}
