/**
 * Prints the figures of the source tree: sizes of files and folders, circles, fan-out and the opening words of comments.
 * `npm run structure`; ends with exit code 1 for an import against the directions or a circle of values.
 */
import { dirname } from 'node:path';
import type * as ts from 'typescript/unstable/ast';
import { directionFaults } from './directions.ts';
import { circles, edgesOf, files, imports, isOwn, sources } from './imports.ts';

/** The sizes that CONTRIBUTING.md states. */
const FILE_LIMIT = 400;
const FOLDER_LIMIT = 20;
/** Folders above this are listed. */
const FOLDER_SHOWN = 15;
const SHORT = 50;
const COMMENT = /\/\/.*|\/\*[^]*?\*\//g;
const INDIRECT = /^(?:what|how|who|whoever|why|when)\b/i;

const lengths = new Map([...sources].map(([file, { text }]) => [file, text.split('\n').length - 1]));

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** The entries with the largest numbers, largest first. */
function largest(counts: ReadonlyMap<string, number>, limit: number): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a).slice(0, limit);
}

const folders = new Map<string, number>();
for (const file of files) folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1);

const fanOut = new Map<string, number>();
for (const [file] of sources)
  fanOut.set(file, new Set(imports.filter((one) => one.file === file && isOwn(one)).map(({ target }) => target)).size);

/** The texts of a file's comments, each without its marks; lines of `//` that follow each other are one comment. */
function commentsOf(source: ts.SourceFile): string[] {
  const ranges: { pos: number; end: number; line: boolean }[] = [];
  // Between the parts of a node there are words and signs of the language, blanks and comments.
  const between = (from: number, to: number): void => {
    for (const { 0: comment, index } of source.text.slice(from, to).matchAll(COMMENT))
      ranges.push({ pos: from + index, end: from + index + comment.length, line: comment.startsWith('//') });
  };
  const visit = (node: ts.Node): void => {
    let at = node.pos;
    node.forEachChild((part) => {
      between(at, part.pos);
      visit(part);
      at = part.end;
    });
    // A node without parts is an empty block or list, or a text, which may look like a comment.
    const isText = at === node.pos && !'{[('.includes(source.text.charAt(node.getStart()));
    between(at, isText ? node.getStart() : node.end);
  };
  visit(source);
  const found: string[] = [];
  let end = -1;
  for (const { pos, end: next, line } of ranges) {
    const goesOn = line && /^\n[ \t]*$/.test(source.text.slice(end, pos));
    if (!goesOn)
      found.push(
        source.text
          .slice(pos, next)
          .replace(/^\/\*\*?|^\/\//, '')
          .replace(/^[\s*]+/, ''),
      );
    end = line ? next : -1;
  }
  return found;
}

const comments = [...sources].flatMap(([file, source]) => commentsOf(source).map((text) => ({ file, text })));
const indirect = comments.filter(({ text }) => INDIRECT.test(text));
const short = [...lengths.values()].filter((lines) => lines < SHORT).length;
const valueCircles = circles(edgesOf('value'));
const allCircles = circles(edgesOf('value', 'type'));
const faults = directionFaults();

const percent = (part: number, whole: number): string => `${((part / whole) * 100).toFixed(1)} %`;
const list = (entries: readonly string[]): string => (entries.length > 0 ? entries.join(', ') : 'none');
const figures: [string, string][] = [
  ['source files', String(files.length)],
  ['lines', `${[...lengths.values()].reduce((a, b) => a + b, 0)}, median ${median([...lengths.values()])} a file`],
  [`files under ${SHORT} lines`, `${short} (${percent(short, files.length)})`],
  ['largest files', list(largest(lengths, 3).map(([file, lines]) => `${file} ${lines}`))],
  [`files over ${FILE_LIMIT} lines`, list([...lengths].filter(([, n]) => n > FILE_LIMIT).map(([file]) => file))],
  [
    `folders over ${FOLDER_SHOWN} files`,
    list(largest(folders, folders.size).flatMap(([name, n]) => (n > FOLDER_SHOWN ? [`${name} ${n}`] : []))),
  ],
  [`folders over ${FOLDER_LIMIT} files`, list([...folders].flatMap(([name, n]) => (n > FOLDER_LIMIT ? [name] : [])))],
  ['largest fan-out', list(largest(fanOut, 3).map(([file, n]) => `${file} ${n}`))],
  ['comments', `${comments.length}, ${percent(indirect.length, comments.length)} open with what/how/who/why/when`],
  ['circles of values', list(valueCircles.map((group) => `${group.length} files (${group[0] ?? ''}, …)`))],
  ['circles with types', list(allCircles.map((group) => `${group.length} files (${group[0] ?? ''}, …)`))],
  ['imports against the directions', list(faults.map(({ file, target, kind }) => `${file} → ${target} (${kind})`))],
];
const width = Math.max(...figures.map(([name]) => name.length));
for (const [name, value] of figures) console.log(`${name.padEnd(width)}  ${value}`);
// With --comments: the comments that open with such a word, each with its file.
if (process.argv.includes('--comments'))
  for (const { file, text } of indirect) console.log(`${file}: ${text.split('\n')[0] ?? ''}`);
if (faults.length > 0 || valueCircles.length > 0) process.exitCode = 1;
