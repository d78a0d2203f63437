/** `rackui log NODE`: prints the transcript of a node's console with UTC times and marks, or as bytes. */
import type { LogRequest } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import { type GlobalOptions, knownRack, openClient, targetsOf } from '../server-connection.ts';
import { Failure, hint, print, UsageFailure } from '../terminal-output.ts';

export interface LogOptions extends GlobalOptions {
  follow?: boolean;
  since?: string;
  search?: string;
  raw?: boolean;
}

/** Interval of requests while a log is followed, ms: a person does not notice it. */
const FOLLOW_MS = 200;

export async function logCommand(word: string, options: LogOptions): Promise<number> {
  const raw = options.raw === true;
  if (raw && (options.since !== undefined || options.search !== undefined))
    throw new UsageFailure('--raw is bytes without times and lines: it goes with neither --since nor --search');
  if (raw && process.stdout.isTTY)
    throw new UsageFailure('--raw is what the node sent, byte by byte: into a file or a pipe, never onto a terminal');
  const since = options.since === undefined ? null : readSince(options.since, Date.now());
  const client = await openClient(options, 'log', { autostart: true });
  try {
    const [node, ...others] = targetsOf([word], await knownRack(client)).nodes;
    if (node === undefined || others.length > 0) throw new UsageFailure(`'${word}' means several nodes: name one`);
    const over: { why: string | null; stopped: boolean } = { why: null, stopped: false };
    client.onClose((why) => (over.why = why));
    process.once('SIGINT', () => (over.stopped = true));
    const request: LogRequest = {
      addr: node.addr,
      kind: raw ? 'raw' : 'lines',
      cursor: null,
      since,
      search: options.search ?? null,
    };
    let told = false;
    for (;;) {
      const { data, cursor, end } = await client.request('log.read', request);
      // A log that does not exist yet has no cursor either.
      request.cursor = cursor === '' ? null : cursor;
      if (raw) process.stdout.write(Buffer.from(data, 'base64'));
      else for (const line of data.split('\n').slice(0, -1)) print(line);
      told ||= data !== '';
      if (!end) continue;
      // All later text is younger, whatever the clock says then; a log that begins later has no cursor yet.
      request.since = null;
      if (options.follow !== true) break;
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
      if (over.why !== null) throw new Failure(EXIT.unavailable, over.why);
      if (over.stopped) return EXIT.done;
    }
    if (!told)
      hint(`rackui: the log of ${node.name} holds nothing${since === null && !options.search ? ' yet' : ' of that'}`);
    return EXIT.done;
  } finally {
    client.close();
  }
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses a time: `90s`, `10m`, `2h`, `3d` ago, or ISO 8601. @throws UsageFailure */
function readSince(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now - Number(count) * UNITS[unit as keyof typeof UNITS];
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new UsageFailure(`--since ${text}: write 90s, 10m, 2h or 3d, or a time like 2026-07-14T12:00Z`);
  return at;
}
