/** Paints plans over several racks: the list, what each rack says of one, and the state of a run by rack. */
import { fleetObstacles } from '../../../client/fleet-record.ts';
import { count, wrap } from '../../../lib/words.ts';
import { type FleetPart, type FleetPartState, partName } from '../../../rack/fleet-plan.ts';
import { centred, paintBox, paintScrolled, progressSpans } from '../../canvas/box.ts';
import type { Frame, InkRole, Rect, Span } from '../../canvas/frame.ts';
import { formatDuration, type Glyphs } from '../../canvas/glyphs.ts';
import type { FleetPartPreview, FleetPreviewState, FleetRunState } from '../../model/fleet-plans.ts';
import type { State } from '../../model/state.ts';
import { refusalLines } from '../power/dialog-view.ts';
import { paintQuestion } from '../question.ts';
import { type FleetMode, type FleetPlansPanel, runOf } from './panel.ts';

const WIDTH = 120;

export function paintFleetPlans(frame: Frame, state: State, panel: FleetPlansPanel, g: Glyphs): void {
  const { mode } = panel;
  if (mode.is === 'choose') paintList(frame, state, panel, g);
  else if (mode.is === 'preview') paintPreview(frame, panel, mode, g);
  else paintRun(frame, state, panel, mode, g);
}

const widthOf = (frame: Frame): number => Math.min(WIDTH, frame.cols - 2) - 4;

/** Ink of a state; nothing that is not done is green. */
const INK: Record<FleetPartState, InkRole> = {
  ...{ waiting: 'dim', asked: 'text', running: 'text', held: 'warn', lost: 'fault', unreached: 'fault' },
  ...{ refused: 'fault', done: 'ok', incomplete: 'fault', skipped: 'dim', aborted: 'dim' },
};

function paintList(frame: Frame, state: State, panel: FleetPlansPanel, g: Glyphs): void {
  const { fleet } = state.racks;
  const width = widthOf(frame);
  const none =
    fleet === undefined
      ? 'reading the plans …'
      : 'No plan of several racks is configured: "plans:" in the list of racks puts plans of racks in an order (docs/fleet.md).';
  const rows: { spans: Span[]; head: string | null }[] = [
    ...(fleet?.plans ?? []).map(({ name, order, description }, i) => ({
      head: i === 0 ? 'plans' : null,
      spans: [
        [name.padEnd(14), 'title'],
        [` ${order}`, 'text'],
        [description === null ? '' : `  ${description}`, 'dim'],
      ] as Span[],
    })),
    ...(fleet?.runs ?? [])
      .map((run) => run)
      .reverse()
      .map((run, i) => ({ head: i === 0 ? 'runs' : null, spans: runSpans(run) })),
  ];
  const lines: { spans: Span[]; of: number | null }[] = rows.flatMap(({ spans, head }, of) => [
    ...(head === null
      ? []
      : [...(of === 0 ? [] : [{ spans: [], of: null }]), { spans: [[head, 'dim']] as Span[], of: null }]),
    { spans, of },
  ]);
  if (fleet === undefined || fleet.plans.length === 0)
    lines.unshift(...wrap(none, width).map((line) => ({ spans: [[line, 'text']] as Span[], of: null })));
  const foot = panel.remark === null ? [] : wrap(panel.remark, width);
  const box = paintBox(
    frame,
    centred(frame, width + 4, lines.length + 2 + (foot.length === 0 ? 0 : foot.length + 1)),
    'plans of several racks',
    g,
  );
  const room = Math.max(1, box.height - (foot.length === 0 ? 0 : foot.length + 1));
  const index = Math.max(0, Math.min(panel.index, rows.length - 1));
  const selected = lines.findIndex(({ of }) => of === index);
  const from = Math.max(0, Math.min(lines.length - room, selected - Math.floor(room / 2)));
  lines.slice(from, from + room).forEach(({ spans, of }, i) => {
    const row = { x: box.x - 1, y: box.y + i, width: box.width + 2, height: 1 };
    if (of === index) frame.ground(row, 'selected');
    frame.spans(
      box.x,
      row.y,
      of === null ? spans : [[of === index ? `${g.selected} ` : '  ', 'key'], ...spans],
      box.width,
    );
    if (of !== null) frame.target(row, { rows: of - index });
  });
  foot.forEach((line, i) => frame.text(box.x, box.y + box.height - foot.length + i, line, 'warn', box.width));
}

function runSpans(run: FleetRunState): Span[] {
  const { record } = run;
  const parts = record.steps.flatMap((one) => one.parts);
  const done = parts.filter(({ state }) => state === 'done').length;
  const [words, ink] = stateWords(run);
  return [
    [record.plan.padEnd(14), 'title'],
    [` ${words}`, ink],
    [`, ${done} of ${count(parts.length, 'part')} done`, 'text'],
    [`  ${record.id}, by ${record.by}`, 'dim'],
    [record.detail === '' ? '' : `  ${record.detail}`, 'dim'],
  ];
}

function stateWords({ record: { state }, driver }: FleetRunState): [string, InkRole] {
  if (state === 'ended') return ['ended', 'text'];
  if (state === 'paused') return ['waits: resume or abort it', 'warn'];
  if (driver === 'here') return ['runs', 'text'];
  return driver === 'elsewhere'
    ? ['runs, driven by another rackui', 'text']
    : ['no program drives it: resume or abort it', 'fault'];
}

function paintPreview(
  frame: Frame,
  panel: FleetPlansPanel,
  mode: Extract<FleetMode, { is: 'preview' }>,
  g: Glyphs,
): void {
  const width = widthOf(frame);
  const { preview } = mode;
  const title = mode.run === null ? `start ${mode.plan}` : `resume ${mode.plan} (${mode.run})`;
  const body: Span[][] =
    preview.kind === 'running'
      ? [[['asking the racks; one that cannot be reached may take a while …', 'aging']]]
      : preview.kind === 'failed'
        ? wrap(preview.why, width).map((line): Span[] => [[line, 'fault']])
        : previewLines(preview.answer, width, g);
  const foot = footLines(panel, mode, width);
  const box = paintBox(frame, centred(frame, width + 4, body.length + foot.length + 3), title, g, 'fault');
  const y = Math.max(box.y, box.y + box.height - foot.length);
  paintScrolled(frame, { ...box, height: y - box.y - 1 }, body, panel.scroll);
  foot.forEach(({ spans, field }, i) => {
    if (field !== undefined) {
      frame.ground({ x: box.x, y: y + i, width: Math.min(box.width, field.width), height: 1 }, 'field');
      const at = frame.text(box.x + 1, y + i, mode.text, field.wrong ? 'fault' : 'text', field.width - 2);
      if (!mode.sent) frame.cursor = { x: at, y: y + i };
    } else frame.spans(box.x, y + i, spans, box.width);
  });
}

interface FootLine {
  spans: Span[];
  /** The field of the typed words. */
  field?: { width: number; wrong: boolean };
}

/** The words, their field, and what keys do: always in sight, however long the preview is. */
function footLines(panel: FleetPlansPanel, mode: Extract<FleetMode, { is: 'preview' }>, width: number): FootLine[] {
  const way: Span[] = [
    ['Esc', 'key'],
    [' cancel', 'text'],
  ];
  const remark = (panel.remark === null ? [] : wrap(panel.remark, width)).map((line): FootLine => ({
    spans: [[line, 'warn']],
  }));
  if (mode.preview.kind !== 'done') return [...remark, { spans: way }];
  const { confirm, confirmedBefore } = mode.preview.answer;
  const act = mode.run === null ? 'start' : 'resume';
  if (mode.sent) return [...remark, { spans: [[act === 'start' ? 'starting …' : 'resuming …', 'text']] }];
  if (confirm === '')
    return [
      ...remark,
      { spans: [['Enter', 'key'], [` ${act} it: `, 'text'], cutAtEnter(confirmedBefore), ['   ', 'text'], ...way] },
    ];
  return [
    {
      spans: [
        ['To confirm type ', 'text'],
        [confirm, 'danger'],
        [` and press Enter to ${act} it:`, 'text'],
      ],
    },
    { spans: [], field: { width: Math.max(24, confirm.length + 6), wrong: !confirm.startsWith(mode.text) } },
    ...remark,
    { spans: way },
  ];
}

function cutAtEnter(confirmedBefore: number): Span {
  if (confirmedBefore === 0) return ['nothing is cut by what it begins', 'text'];
  return [`${count(confirmedBefore, 'node')} OFF as confirmed before`, 'danger'];
}

function previewLines({ summary, steps }: FleetPreviewState, width: number, g: Glyphs): Span[][] {
  return [
    ...wrap(summary, width).map((line): Span[] => [[line, 'title']]),
    ...steps.flatMap(({ name, onFail, parts }): Span[][] => [
      [],
      [
        [name, 'title'],
        [`; if a part fails: ${onFail === 'pause' ? 'no further step starts' : 'the next step starts'}`, 'dim'],
      ],
      ...parts.flatMap((part) => partLines(part, width, g)),
    ]),
  ];
}

function partLines(part: FleetPartPreview, width: number, g: Glyphs): Span[][] {
  const name: Span = [`  ${part.name}  `, 'text'];
  if (part.unreached !== null)
    return [
      [name, ['not reached: nothing is begun there', 'fault']],
      ...wrap(part.unreached, width - 4).map((line): Span[] => [[`    ${line}`, 'fault']]),
    ];
  const cut = part.cut === 0 ? 'no node loses power' : `${part.cut} of ${count(part.nodes, 'node')} OFF`;
  const time = part.predictedMs === null || part.predictedMs === 0 ? '' : `, about ${formatDuration(part.predictedMs)}`;
  return [
    [name, [cut, part.cut === 0 ? 'text' : 'fault'], [time, 'text']],
    ...part.warnings.flatMap((text) =>
      wrap(`Will not work: ${text}`, width - 4).map((line): Span[] => [[`    ${line}`, 'warn']]),
    ),
    ...part.refusals.flatMap((refusal) =>
      refusalLines(refusal, width - 2, g).map((line): Span[] => [['  ', 'text'], ...line]),
    ),
  ];
}

const BAR = 12;

function paintRun(
  frame: Frame,
  state: State,
  panel: FleetPlansPanel,
  mode: Extract<FleetMode, { is: 'run' }>,
  g: Glyphs,
): void {
  const width = widthOf(frame);
  const run = runOf(state, mode.id);
  const body = run === null ? [[['reading the run …', 'aging']] as Span[]] : runLines(run, width, g);
  const remark = panel.remark === null ? [] : wrap(panel.remark, width);
  const height = body.length + 2 + (remark.length === 0 ? 0 : remark.length + 1);
  const box: Rect = paintBox(frame, centred(frame, width + 4, height), run?.record.plan ?? mode.id, g);
  const room = box.height - (remark.length === 0 ? 0 : remark.length + 1);
  paintScrolled(frame, { ...box, height: room }, body, panel.scroll);
  remark.forEach((line, i) => frame.text(box.x, box.y + box.height - remark.length + i, line, 'warn', box.width));
  if (mode.asks === null || run === null) return;
  const text = `Abort ${run.record.plan} on all racks? Commands already sent cannot be undone.`;
  paintQuestion(frame, 'abort', text, 'y', 'abort', g);
}

function runLines(run: FleetRunState, width: number, g: Glyphs): Span[][] {
  const { record } = run;
  const [words, ink] = stateWords(run);
  const obstacles = fleetObstacles(record);
  return [
    [
      [words, ink],
      [`  run ${record.id}, by ${record.by}`, 'dim'],
    ],
    ...(record.detail === '' ? [] : wrap(record.detail, width).map((line): Span[] => [[line, 'text']])),
    ...record.steps.flatMap(({ name, parts }): Span[][] => [
      [],
      [[name, 'title']],
      ...parts.flatMap((part) => runPartLines(part, run.nodes[partName(part)], width, g)),
    ]),
    ...(record.state === 'paused' && obstacles.length > 0 ? ['', ...obstacles] : []).flatMap((text) =>
      text === '' ? [[]] : wrap(text, width).map((line): Span[] => [[line, 'warn']]),
    ),
    ...(run.driver === 'here' && record.state === 'running'
      ? [
          [],
          ...wrap(
            'This interface drives it: when it is left, what runs on the racks continues, and the rest waits for a resume.',
            width,
          ).map((line): Span[] => [[line, 'dim']]),
        ]
      : []),
  ];
}

function runPartLines(
  part: FleetPart,
  nodes: FleetRunState['nodes'][string] | undefined,
  width: number,
  g: Glyphs,
): Span[][] {
  const bar: Span[] =
    nodes === undefined
      ? []
      : [
          ['  ', 'text'],
          ...progressSpans(nodes.total === 0 ? 0 : nodes.ended / nodes.total, BAR, INK[part.state], g),
          [`  ${nodes.done} of ${count(nodes.total, 'node')} done`, 'text'],
        ];
  return [
    [
      [`  ${partName(part)}  `, 'text'],
      [part.state, INK[part.state]],
      [part.run === null ? '' : ` (run ${part.run})`, 'dim'],
      ...bar,
    ],
    ...(part.detail === '' || (part.state === 'done' && nodes !== undefined)
      ? []
      : wrap(part.detail, width - 4).map((line): Span[] => [[`    ${line}`, 'dim']])),
  ];
}
