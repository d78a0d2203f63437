/** No number without a label: each one on every view has a unit, a word beside it, a title above it, or the legend. */
import { describe, expect, test } from 'vitest';
import type { Frame } from '../../src/tui/canvas/frame.ts';
import type { Scene } from './scene.ts';
import { SIZES, VIEWS } from './views.ts';

/** Numbers, but for those within names. */
const NUMBER = /(?<![\w.:…~-])(?:\d+:\d\d(?::\d\d)?(?:-\d+:\d\d)?|\d[\da-f]*(?:\.\d+)*)(?![\w:…~])/g;
/** Units, and what is counted: after the number, with or without a blank. */
const UNITS =
  /^(?:ct|%|s|m|h|d|ms|min|hour|A|counts?|nodes?|alarms?|on|off|disabled|unknown|lost|old|other|lines?|more|marked|done|running|unit|at once)\b|^%/;
/** Words that name the number after them. */
const NAMES = /(?:^| )(?:current|fan|total|last|address|sweep|about|scale|at|unit|peak|ip|from|nodes|consoles|in|≥)$/;
/** Numbers that belong together: `1 to 18 of 24`, `24-48`, and the ramp between its ends. */
const JOINTS = /^ ?(?:to|of|-|▁▂▄▅▆|\.:\+%#) ?$/;
const TIME = /^\d+:\d\d/;
const POSITION = /(?:^|[ (])[A-Z]-\d,?$/;
/** Blocks of a strip, in Unicode and in ASCII; gaps. */
const STRIP = /[▁-█·_.=+#-]{2} {0,40}$/;

/** A node's name and its signs, before its value. */
const NAMED = /[\w…~][✢★▲WM!]? {1,2}$/;

/** What the nodes of the views print. */
const PRINTED =
  /\[ *\d+\.\d+\] systemd\[1\](?::(?: Sta[a-z]*(?: unit \d+)?)?)?|Linux k8s-worker-04 .*$|up \d+ days.*$/g;

/** Numbers that mean what they are; each with its reason. */
const EXCEPTIONS: readonly { what: RegExp; before: RegExp; after: RegExp; reason: string }[] = [
  {
    what: /^[0-3]$/,
    before: /(?:[━=]+|[┏+][━=]+ A [━=]+) $|^ (?:ct)? {2,4}$|^ct {3}$/,
    after: /^ /,
    reason: 'slots are numbered as on the metal',
  },
  {
    what: /^[0-9a-f]{2}$/,
    before: /(?<!\w)[●○⊘?·*ox.▌>◐✓/-][N?FD-]? ?$/,
    after: /^ /,
    reason: 'addresses stand before names',
  },
  { what: /^\d+$/, before: /H current [━=]+ \d $/, after: /^[▁.]/, reason: 'the name of a ramp stands before it' },
  { what: /^\d+$/, before: /[│|] $/, after: /^ [a-z][a-z-]+ o(?:n|ff)[:,]? /, reason: 'steps of a plan are numbered' },
];

interface Place {
  frame: Frame;
  lines: readonly string[];
  row: number;
  from: number;
  text: string;
}

/** Returns the numbers of a frame that nothing explains, with their lines. */
function unlabelled(scene: Scene, ascii: boolean): string[] {
  const frame = scene.seen(ascii);
  const lines = frame.lines().map((line) => line.replace(PRINTED, (words) => words.replace(/\d/g, 'x')));
  const covered = scene.state.overlay !== null;
  const found: string[] = [];
  lines.forEach((line, row) => {
    for (const { 0: text, index: from } of line.matchAll(NUMBER)) {
      // What a dialog leaves of the map is its surroundings.
      if (covered && frame.groundAt(row * frame.cols + from) === 'screen') continue;
      if (!isLabelled({ frame, lines, row, from, text }))
        found.push(`${text} in line ${row}, ${from}: ${line.trimEnd()}`);
    }
  });
  return found;
}

function isLabelled({ frame, lines, row, from, text }: Place, way: 'both' | 'left' | 'right' = 'both'): boolean {
  const line = lines[row] ?? '';
  const before = line.slice(0, from);
  const after = line.slice(from + text.length);
  if (TIME.test(text) || POSITION.test(before.trimEnd())) return true;
  if (UNITS.test(after.replace(/^ /, '')) || NAMES.test(before.trimEnd())) return true;
  if (EXCEPTIONS.some((one) => one.what.test(text) && one.before.test(before) && one.after.test(after))) return true;
  if (way !== 'left') {
    const [, joint = '', next = ''] = /^( ?(?:[a-z▁-█-]+|\.:\+%#) ?)(\d+)/.exec(after) ?? [];
    const at = from + text.length + joint.length;
    if (JOINTS.test(joint) && isLabelled({ frame, lines, row, from: at, text: next }, 'right')) return true;
  }
  if (way !== 'right') {
    const [, last = '', joint = ''] = /(\d+)( ?(?:[a-z▁-█-]+|\.:\+%#) ?)$/.exec(before) ?? [];
    const at = from - joint.length - last.length;
    if (JOINTS.test(joint) && isLabelled({ frame, lines, row, from: at, text: last }, 'left')) return true;
  }
  return isOfMap(lines, row, before) || isBelowTitle({ frame, lines, row, from, text });
}

/** A blade's sum below its unit; a value after its strip, or after a name without one, where the map's legend is in sight. */
function isOfMap(lines: readonly string[], row: number, before: string): boolean {
  if (before === '') return /^ct +3 /.test(lines[1] ?? '');
  const legend = lines.join('\n');
  if (STRIP.test(before)) return /upper current/.test(legend) && /lower fan/.test(legend);
  return row > 1 && NAMED.test(before) && /3 current/.test(legend);
}

/** The next text above is a column's title or a chart's heading, over numbers of the same column. */
function isBelowTitle({ frame, lines, row, from, text }: Place): boolean {
  let blank = false;
  for (let y = row - 1; y >= 1; y--) {
    const line = lines[y] ?? '';
    const at = Array.from({ length: text.length }, (_, i) => from + i).find((x) =>
      /[a-z]{2}/i.test(line.slice(x, x + 2)),
    );
    if (at === undefined) {
      blank ||= line.slice(Math.max(0, from - 3), from + text.length + 3).trim() === '';
      continue;
    }
    const [word = ''] = /[a-z]+$/i.exec(line.slice(0, at)) ?? [];
    const whole = word + (/^[a-z]+/i.exec(line.slice(at))?.[0] ?? '');
    if (whole === 'ct') continue;
    return frame.inkAt(y * frame.cols + at) === 'title' ? !blank : /^(?:current|fan)$/.test(whole);
  }
  return false;
}

describe.each(Object.entries(VIEWS))('%s', (_name, make) => {
  test.each(SIZES.flatMap(([cols, rows]) => [false, true].map((ascii) => ({ cols, rows, ascii }))))(
    'at $cols x $rows, ASCII $ascii, no number is without a label',
    ({ cols, rows, ascii }) => {
      expect(unlabelled(make({ cols, rows }), ascii)).toEqual([]);
    },
  );
});
