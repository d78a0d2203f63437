/** The directions in which the folders of src/ may depend on each other, as docs/dev/architecture.md states them. */
import { type Import, imports, isOwn } from './imports.ts';

/** What clients share with the server of a node's console: the emulator, how its cells are shown, the log's lines. */
const EMULATOR = [
  'console/cells.ts',
  'console/emulator.ts',
  'console/input-filter.ts',
  'console/line-times.ts',
  'console/line-patterns.ts',
  'console/log-lines.ts',
  'console/printed-lines.ts',
  'console/sequence-parser.ts',
  'console/unicode.ts',
  'console/widths.ts',
];

/** Which folders (or single files) of src/ each folder may import. `type`: only types; `lazy`: only when it is needed. */
export const MAY: Record<string, readonly string[]> = {
  lib: [],
  rack: ['lib/words.ts'],
  api: ['rack'],
  config: ['lib', 'rack'],
  bmc: ['lib', 'rack'],
  console: ['lib/control-chars.ts', 'lib/errors.ts', 'lib/words.ts', 'rack'],
  power: ['lib', 'rack', 'api', 'console', 'bmc/types.ts', 'config (type)'],
  server: ['lib', 'rack', 'api', 'config', 'bmc', 'console', 'power'],
  client: ['lib', 'rack', 'api', 'config'],
  tui: ['lib', 'rack', 'api', 'client', ...EMULATOR],
  cli: [
    'lib',
    'rack',
    'api',
    'config',
    'client',
    ...EMULATOR,
    'tui (lazy)',
    'tui (type)',
    'server (lazy)',
    'sim (lazy)',
  ],
  sim: [],
  'main.ts': ['cli'],
  'launch.ts': [],
};

/** The top folder of a path below src/, or the file itself where it lies in none. */
export const room = (path: string): string => path.split('/')[0] ?? path;

/** Imports against the directions. */
export function directionFaults(): Import[] {
  return imports
    .filter((one) => isOwn(one) && room(one.file) !== room(one.target))
    .filter(({ file, target, kind }) => {
      const may = MAY[room(file)] ?? [];
      return !may.includes(room(target)) && !may.includes(target) && !may.includes(`${room(target)} (${kind})`);
    });
}
