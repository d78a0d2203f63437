/** Pages that comments, messages and other pages cite exist, with the sections and headings that are named. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Pages that are cited by their file's name and a section's number. */
const NUMBERED = ['bus-protocol', 'shutdown'];
const CITED = new RegExp(`\\b(${NUMBERED.join('|')})(?:\\.md)?,? sections? (\\d+(?:(?:, | and | to )\\d+)*)`, 'gi');
/** Names of papers that are not in the repository. */
const ELSEWHERE = /\b(?:PROTOCOL|SHUTDOWN|DESIGN|PRODUCT|HOUSE)(?:\.md|'s\b| (?:sections?|leaves|says|has)\b|: grade)/;

const filesOf = (folder: string, ending: RegExp): string[] =>
  readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length));
const SOURCES = ['src', 'test']
  .flatMap((folder) => filesOf(folder, /\.tsx?$/))
  .filter((file) => !file.includes('docs.test'));
const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...filesOf('docs', /\.md$/)];

/** The text with a comment's line breaks taken out: a citation may be torn by one. */
const joined = (text: string): string => text.replaceAll(/\s*\n\s*(?:\*(?!\/)|\/\/)?\s*/g, ' ');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

function sectionsCited(text: string): { page: string; section: number }[] {
  return [...joined(text).matchAll(CITED)].flatMap(([, page = '', list = '']) =>
    list.split(/, | and /).flatMap((part) => {
      const [from = 0, to = from] = part.split(' to ').map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => ({ page: page.toLowerCase(), section: from + i }));
    }),
  );
}

const sectionsOf = (page: string): number[] =>
  [...read(`docs/reference/${page}.md`).matchAll(/^## (\d+)\./gm)].map(([, number]) => Number(number));
/** A heading as the address of its place in the page. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (page: string): string[] => [
  ...[...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading)),
  ...[...read(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id),
];

test('citations are read whole: lists, ranges, and across a line break', () => {
  expect(
    sectionsCited('bus-protocol section 3, bus-protocol\n * sections 2 and 4 to 5; shutdown sections 1, 2'),
  ).toEqual([
    { page: 'bus-protocol', section: 3 },
    ...[2, 4, 5].map((section) => ({ page: 'bus-protocol', section })),
    ...[1, 2].map((section) => ({ page: 'shutdown', section })),
  ]);
});

test('every cited section stands in its page', () => {
  const known = new Map(NUMBERED.map((page) => [page, sectionsOf(page)]));
  const cited = SOURCES.flatMap((file) => sectionsCited(read(file)).map((citation) => ({ file, ...citation })));
  expect(cited.length).toBeGreaterThan(30);
  expect(cited.filter(({ page, section }) => known.get(page)?.includes(section) !== true)).toEqual([]);
});

test('comments and pages cite no paper outside of the repository', () => {
  expect([...SOURCES, ...PAGES].filter((file) => ELSEWHERE.test(joined(read(file))))).toEqual([]);
});

test('every page that comments and messages name is there', () => {
  const missing = SOURCES.flatMap((file) =>
    [...read(file).matchAll(/\bdocs\/[\w/.-]+\.md\b/g)].map(([page]) => ({ file, page })),
  ).filter(({ page }) => !existsSync(join(ROOT, page)));
  expect(missing).toEqual([]);
});

test('every link between pages leads to a file and a heading', () => {
  const links = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([, path = '', heading]) => ({
      page,
      target: path === '' ? page : join(dirname(page), path),
      heading,
    })),
  );
  expect(links.length).toBeGreaterThan(30);
  const broken = links.filter(
    ({ target, heading }) =>
      !existsSync(join(ROOT, target)) ||
      (heading !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(heading)),
  );
  expect(broken).toEqual([]);
});

test('every source file that the pages for developers name is there', () => {
  const named = PAGES.filter((page) => page.startsWith('docs/dev/') || page === 'CONTRIBUTING.md').flatMap((page) =>
    [...read(page).matchAll(/(?<![\w/.-])(?:(?:[\w-]+\/)+[\w.-]+\.tsx?|(?:[\w-]+\/){2,})(?![\w/.-])/g)].map(
      ([name]) => ({ page, name }),
    ),
  );
  expect(named.length).toBeGreaterThan(100);
  const isThere = (path: string): boolean => existsSync(join(ROOT, path));
  expect(named.filter(({ name }) => !isThere(name) && !isThere(`src/${name}`))).toEqual([]);
});
