/** `rackui status --watch`: a live table on a terminal; elsewhere one line (or JSON line) for each change. */
import { EXIT } from '../api/power.ts';
import type { ServerNotes, Snapshot } from '../api/protocol.ts';
import type { RackClient } from '../client/client.ts';
import { iso } from './dates.ts';
import { print, printJson } from './output.ts';
import { conditionText } from '../rack/system.ts';
import {
  ageText,
  conditionOf,
  statusTable,
  supplySentence,
  type NodeReport,
  type StatusReport,
} from './status-report.ts';

/** Ages on a screen go on between updates. */
const REDRAW_MS = 1_000;

/** Until Ctrl-C (0) or the server's end (5). */
export async function watchStatus(
  client: RackClient,
  report: (snapshot: Snapshot) => StatusReport,
  { json = false, plain = false }: { json?: boolean; plain?: boolean },
): Promise<number> {
  let snapshot = await client.request('sweep', { addrs: null, interrupt: false });
  const current = (): StatusReport => report({ ...snapshot, now: client.now() });
  const out = json || plain || !process.stdout.isTTY ? lines(json, () => client.now()) : await liveTable(current);
  out.update(current());
  return new Promise((resolve) => {
    const timer = setInterval(() => out.update(current()), REDRAW_MS);
    const stops = [
      client.on('update', (update) => {
        snapshot = applied(snapshot, update);
        out.update(current());
      }),
      client.on('rack', ({ rack }) => {
        snapshot = { ...snapshot, rack };
        out.update(current());
      }),
      client.onClose(() => leave(EXIT.unavailable)),
    ];
    const interrupted = (): void => leave(EXIT.done);
    process.once('SIGINT', interrupted);
    function leave(code: number): void {
      clearInterval(timer);
      process.off('SIGINT', interrupted);
      for (const stop of stops) stop();
      out.end();
      if (code === EXIT.unavailable) process.stderr.write('rackui: the server went away\n');
      resolve(code);
    }
  });
}

/** The snapshot after an update. */
function applied(snapshot: Snapshot, update: ServerNotes['update']): Snapshot {
  const changed = new Map((update.nodes ?? []).map((node) => [node.addr, node]));
  const kept = snapshot.nodes.map((node) => changed.get(node.addr) ?? node);
  const known = new Set(kept.map(({ addr }) => addr));
  return {
    ...snapshot,
    now: update.now,
    bus: update.bus ?? snapshot.bus,
    outage: update.outage ?? snapshot.outage,
    nodes: [...kept, ...[...changed.values()].filter(({ addr }) => !known.has(addr))],
  };
}

interface Output {
  update(report: StatusReport): void;
  end(): void;
}

async function liveTable(first: () => StatusReport): Promise<Output> {
  const { showStatus } = await import('./views/status-view.tsx');
  return showStatus(first());
}

/** A table at first, then a line for each node (and the bus) whose state changed; values alone are no news. */
function lines(json: boolean, now: () => number): Output {
  const said = new Map<string, string>();
  let began = false;
  return {
    update(report) {
      if (!began && !json) for (const line of statusTable(report)) print(line);
      const { bus, supply, nodes } = report;
      const news = [
        { key: 'bus', state: bus.state, line: `bus ${bus.state} ${bus.detail}`, record: { bus } },
        ...supply.map((one) => ({
          key: `supply ${one.nodes}`,
          state: [one.state, one.why ?? '', one.low, one.fits, one.phase ?? ''].join('|'),
          line: `supply: ${supplySentence(one, supply.length > 1)}`,
          record: { supply: one },
        })),
        ...nodes.map((node) => ({ key: node.addr, state: stateOf(node), line: statusLine(node), record: { node } })),
      ];
      const at = iso(now());
      for (const { key, state, line, record } of news) {
        if (said.get(key) === state) continue;
        said.set(key, state);
        if (json) printJson({ at, ...record });
        else if (began) print(`${at} ${line}`);
      }
      began = true;
    },
    end: () => undefined,
  };
}

function stateOf(node: NodeReport): string {
  return [conditionOf(node), node.op ?? '', ...node.alarms].join('|');
}

function statusLine(node: NodeReport): string {
  const extra = [...(node.op === null ? [] : [`operation ${node.op}`]), ...node.alarms].join(', ');
  const { last, freshness, ageMs } = node;
  const old = freshness === 'stale' && last !== null ? ` (last ${last.power}, ${ageText(ageMs ?? 0)} ago)` : '';
  return `${node.name} (${node.pos}, ${node.addr}) ${conditionText(conditionOf(node))}${old}${extra === '' ? '' : `: ${extra}`}`;
}
