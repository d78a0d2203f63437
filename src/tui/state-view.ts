/** How the operator wants to look at the rack: which panes, how large the cells. Kept across runs. Pure. */

/** Which panes stand beside the map; `auto`: as many as the terminal has room for. */
export const PRESETS = ['auto', 'map', 'console', 'detail', 'all'] as const;
export type Preset = (typeof PRESETS)[number];

/** How much of a node the map shows; `auto`: as much as lets the whole rack be seen. */
export const CELL_SIZES = ['auto', 'full', 'line', 'glyph'] as const;
export type CellSize = (typeof CELL_SIZES)[number];

/** Of the charts in the detail pane. */
export const SPANS = ['minutes', 'hour', 'day'] as const;
export type Span = (typeof SPANS)[number];
export const SPAN_MS: Record<Span, number> = { minutes: 300_000, hour: 3_600_000, day: 86_400_000 };

export interface View {
  preset: Preset;
  cells: CellSize;
  /** Columns of a console beside the map, as it was dragged; null: as the layout has it. */
  split: number | null;
  /** Rows of a console below the map, as it was dragged; null: as the layout has it. */
  splitRows: number | null;
  span: Span;
}

export const USUAL_VIEW: View = { preset: 'auto', cells: 'auto', split: null, splitRows: null, span: 'minutes' };

export const PRESET_WORDS: Record<Preset, string> = {
  auto: 'as the terminal has room',
  map: 'map',
  console: 'map and console',
  detail: 'map and detail',
  all: 'map, console and detail',
};

/** What a file of an earlier run says, as far as it can be understood. */
export function viewFrom(json: unknown): View {
  const said = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  return {
    preset: PRESETS.find((one) => one === said['preset']) ?? USUAL_VIEW.preset,
    cells: CELL_SIZES.find((one) => one === said['cells']) ?? USUAL_VIEW.cells,
    split: wholeNumber(said['split']),
    splitRows: wholeNumber(said['splitRows']),
    span: SPANS.find((one) => one === said['span']) ?? USUAL_VIEW.span,
  };
}

const wholeNumber = (said: unknown): number | null => (Number.isInteger(said) ? Number(said) : null);
