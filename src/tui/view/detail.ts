/** The detail pane of wide terminals: the selected node's identity, its last minutes as charts, its events. */
import { formatAddress, formatPosition } from '../../rack/address.ts';
import type { Source } from '../../rack/reading.ts';
import type { Frame, InkRole, Rect } from '../frame.ts';
import { POWER_WORD, type Glyphs } from '../glyphs.ts';
import type { State } from '../state.ts';
import { paintEvents } from './lines.ts';
import { lookOf, viewOf } from './node-look.ts';

const CHART_ROWS = 5;
/** On whose account a reading was taken, in words. */
const READ_BY: Record<Source, string> = {
  sweep: 'by the sweep',
  request: 'because somebody asked',
  pause: 'in a pause of the console',
  operation: 'for the operation on it',
  verb: 'behind a power verb',
};

export function paintDetail(frame: Frame, rect: Rect, state: State, g: Glyphs): void {
  for (let y = rect.y; y < rect.y + rect.height; y++) frame.put(rect.x, y, g.box.v, 'border');
  const x = rect.x + 2;
  const width = rect.width - 3;
  const node = state.rack.nodes.find((one) => one.addr === state.cursor);
  if (node === undefined) return;
  const view = viewOf(state, node.addr);
  const look = lookOf(state, view);
  const reading = view?.reading.state === 'ok' ? view.reading : null;
  frame.text(x, rect.y, node.name, 'title', width);
  const facts: [string, string | null, InkRole][] = [
    ['position', `${formatPosition(node.addr)}, address ${formatAddress(node.addr)}`, 'text'],
    ['power', POWER_WORD[look.power] + (look.age === null ? '' : `, ${look.age} old`), look.ink],
    ['role', [node.role, node.cluster].filter((part) => part !== null).join(' of ') || null, 'text'],
    ['address', node.ip, 'text'],
    ['mac', node.mac, 'text'],
    ['chassis fan', node.chassisFan === null ? null : `number ${node.chassisFan} hangs on this node`, 'text'],
    ['protected', node.protected ? 'yes: no verb that cuts' : null, 'master'],
    ['round trip', reading && `${reading.sample.rttMs.toFixed(1)} ms`, 'text'],
    ['read', reading && READ_BY[reading.source], 'text'],
  ];
  let y = rect.y + 2;
  for (const [label, value, ink] of facts) {
    if (value === null) continue;
    frame.text(x, y, label.padEnd(12), 'dim', width);
    frame.text(x + 12, y, value, ink, width - 12);
    y++;
  }
  const history = view?.history ?? [];
  y = chart(
    frame,
    x,
    y + 1,
    width,
    'current',
    history.map((entry) => entry?.[0] ?? null),
    'spark',
    g,
  );
  y = chart(
    frame,
    x,
    y + 1,
    width,
    'fan',
    history.map((entry) => entry?.[1] ?? null),
    'fan',
    g,
  );
  const room = rect.y + rect.height - y - 2;
  if (room < 2) return;
  frame.text(x, y + 1, 'events', 'dim');
  const events = state.events.filter((event) => event.addr === node.addr);
  paintEvents(frame, { x: x - 1, y: y + 2, width: width + 1, height: room - 1 }, state, events);
}

/** Counts over the last sweeps, from zero, so that heights compare; returns the row after it. */
function chart(
  frame: Frame,
  x: number,
  y: number,
  width: number,
  title: string,
  values: readonly (number | null)[],
  ink: InkRole,
  g: Glyphs,
): number {
  const shown = values.slice(-width);
  const high = Math.max(8, ...shown.map((value) => value ?? 0));
  frame.text(x, y, `${title}, counts, 0 to ${high}`, 'dim', width);
  const steps = g.bars.length;
  shown.forEach((value, i) => {
    const column = x + width - shown.length + i;
    const level = value === null ? 0 : Math.round((value / high) * CHART_ROWS * steps);
    for (let row = 0; row < CHART_ROWS; row++) {
      const part = level - (CHART_ROWS - 1 - row) * steps;
      const bar =
        part >= steps
          ? g.bars[steps - 1]
          : part > 0
            ? g.bars[part - 1]
            : value === null && row === CHART_ROWS - 1
              ? g.gap
              : ' ';
      frame.put(column, y + 1 + row, bar ?? ' ', value === null ? 'dim' : ink);
    }
  });
  return y + 1 + CHART_ROWS;
}
