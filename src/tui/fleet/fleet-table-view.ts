/** Paints the table of all racks: sums, titles, the visible rows, and the selected node in words. Pure. */
import type { Frame, Rect } from '../canvas/frame.ts';
import type { Glyphs } from '../canvas/glyphs.ts';
import type { Place } from '../model/overlays.ts';
import type { State } from '../model/state.ts';
import type { FleetColumnId } from '../model/table.ts';
import { orderSpans, paintCell, paintEdge, paintTitles, placeColumns, visibleRows } from '../table/table-view.ts';
import { fleetColumns, type FleetRow, placeOf, rowAt } from './fleet-rows.ts';
import { whyLost } from './overview-layout.ts';
import { FOOT, HEAD, paintFoot, paintHead } from './overview-view.ts';
import { nameOfRack } from './racks.ts';
import { type Search, searchProblem } from './search.ts';

/** Lines above and below the rows, with that of the titles. */
export const ROUND = HEAD + 1 + FOOT;

export interface ShownTable {
  fleet: readonly State[];
  rows: readonly FleetRow[];
  search: Search;
  column: FleetColumnId;
}

export function paintFleetTable(frame: Frame, rect: Rect, state: State, shown: ShownTable, g: Glyphs): void {
  const { fleet, rows, search, column } = shown;
  frame.clear(rect);
  // The panes below it cannot be clicked.
  frame.target(rect, null);
  const area = areaOf(rect);
  const index = Math.max(0, rowAt(rows, search.at));
  const visible = visibleRows(rows.length, index, area.height);
  const { sort } = state.view.table;
  const title = fleetColumns(state, fleet).find(({ id }) => id === sort?.column)?.title ?? null;
  const found = search.filter === '' ? null : rows.filter(({ row }) => row !== null).length;
  const head = { ...rect, height: HEAD };
  paintHead(frame, head, { fleet, search, found }, []);
  const placement = placementOf(area, state, shown);
  paintTitles(frame, area, { sort, selected: column }, placement);
  if (rows.length === 0) {
    const why = searchProblem(fleet, search.filter) ?? 'No node of any rack matches the search.';
    frame.text(area.x + 1, area.y + 1, why, 'dim', area.width - 2);
  }
  rows.slice(visible.from, visible.from + visible.count).forEach(({ of, row }, i) => {
    const line = { ...area, y: area.y + 1 + i, height: 1 };
    const selected = visible.from + i === index;
    paintEdge(frame, line, { selected, marked: row !== null && of.marks.has(row.node.addr) }, g);
    frame.target(line, { rows: visible.from + i - index });
    const [rack, ...others] = placement.placed;
    if (row === null) {
      if (rack === undefined) return;
      const why = whyLost(of) ?? 'no node is known';
      frame.text(rack.x, line.y, nameOfRack(of), 'dim', rack.width);
      const x = rack.x + rack.width + 1;
      frame.spans(
        x,
        line.y,
        [
          ['? ', 'unknown'],
          [why, 'fault'],
        ],
        area.x + area.width - x,
      );
      return;
    }
    for (const one of [...(rack === undefined ? [] : [rack]), ...others])
      paintCell(frame, line.y, one, one.column.cell(row, { state: of, g, width: one.width }));
  });
  const order = orderSpans(title, rows.length, visible);
  paintFoot(
    frame,
    { ...rect, y: rect.y + rect.height - FOOT, height: FOOT },
    { fleet, at: search.at, notice: state.notice },
    order,
    g,
  );
}

/** Returns the nodes whose last lines are on the screen. */
export function linesShown(rect: Rect, state: State, shown: ShownTable): Place[] {
  const { rows, search } = shown;
  const area = areaOf(rect);
  if (!placementOf(area, state, shown).placed.some(({ column }) => column.id === 'line')) return [];
  const { from, count } = visibleRows(rows.length, rowAt(rows, search.at), area.height);
  return rows.slice(from, from + count).map(placeOf);
}

const areaOf = (rect: Rect): Rect => ({ ...rect, y: rect.y + HEAD, height: rect.height - HEAD - FOOT });

function placementOf(
  area: Rect,
  state: State,
  { fleet, column }: ShownTable,
): ReturnType<typeof placeColumns<FleetColumnId>> {
  const columns = fleetColumns(state, fleet);
  const parts = { fixed: columns.slice(0, 2), others: columns.slice(2), selected: column };
  return placeColumns(area, parts, (one) => Math.max(...fleet.map((of) => one.width(of))));
}
