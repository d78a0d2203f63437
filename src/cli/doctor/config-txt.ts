/**
 * Reads config.txt, and the EEPROM's configuration in the same syntax: returns the settings that hold on this
 * board. Filters of one kind replace each other, filters of different kinds must all hold, `[all]` resets them,
 * `[none]` excludes everything until then; `include FILE` stands for the file's lines. Also the Raspberry Pi boards
 * by their names in the device tree, with their filters and UARTs. Pure.
 */

export interface Board {
  name: string;
  /** Generation of the chip: 1 to 5; 0 for the boards called Zero. */
  generation: number;
  /** Model filters of config.txt that hold on this board, without brackets. */
  filters: ReadonlySet<string>;
  /** True where Bluetooth uses the full UART (ttyAMA0), so that GPIO 14/15 get the mini UART (ttyS0). */
  bluetooth: boolean;
}

/**
 * The first pattern that matches counts. A more general filter of the same family holds too: a Pi 400 also reads
 * [pi4], a Zero 2 W also [pi0] and [pi0w], by the vendor's documentation of config.txt.
 */
const BOARDS: readonly (readonly [RegExp, generation: number, filters: string, bluetooth: boolean])[] = [
  [/^Zero 2 W/, 3, 'pi0 pi0w pi02', true],
  [/^Zero W/, 0, 'pi0 pi0w', true],
  [/^Zero/, 0, 'pi0', false],
  [/^Compute Module Zero|^Compute Module 0/, 3, 'cm0 pi02 pi0w pi0', true],
  [/^Compute Module 5/, 5, 'pi5 cm5', false],
  [/^Compute Module 4S/, 4, 'pi4 cm4s', false],
  [/^Compute Module 4/, 4, 'pi4 cm4', true],
  [/^Compute Module 3 Plus|^Compute Module 3\+/, 3, 'pi3 cm3 cm3+', false],
  [/^Compute Module 3/, 3, 'pi3 cm3', false],
  [/^Compute Module/, 1, 'pi1 cm1', false],
  [/^500/, 5, 'pi5 pi500', false],
  [/^400/, 4, 'pi4 pi400', true],
  [/^5/, 5, 'pi5', false],
  [/^4/, 4, 'pi4', true],
  [/^3 Model [AB] Plus/, 3, 'pi3 pi3+', true],
  [/^3/, 3, 'pi3', true],
  [/^2/, 2, 'pi2', false],
  [/^Model/, 1, 'pi1', false],
];

/** Names the filters of all boards: another board's filter is known not to hold here. */
const MODEL_FILTERS: ReadonlySet<string> = new Set(BOARDS.flatMap(([, , filters]) => filters.split(' ')));

/**
 * Returns the board. @param model as in /proc/device-tree/model; null where it is no Raspberry Pi. A newer board
 * has its own number only.
 */
export function boardOf(model: string): Board | null {
  const kind = /^Raspberry Pi (.+)$/.exec(model)?.[1];
  if (kind === undefined) return null;
  const known = BOARDS.find(([pattern]) => pattern.test(kind));
  if (known) {
    const [, generation, filters, bluetooth] = known;
    return { name: model, generation, filters: new Set(filters.split(' ')), bluetooth };
  }
  const generation = Number(/\d+/.exec(kind)?.[0] ?? 1);
  return { name: model, generation, filters: new Set([`pi${generation}`]), bluetooth: false };
}

export interface Setting {
  key: string;
  value: string;
  /** The file with the setting. */
  file: string;
  /** Filters that hold only perhaps, as written: a GPIO's level, a monitor. '' where the setting surely holds. */
  perhaps: string;
}

export interface BoardFacts {
  board: Board;
  /** Lower-case hex without leading zeros, or null where the machine does not report it. */
  serial: string | null;
  /** Bits 4 to 11 of the revision code, or null. */
  boardType: number | null;
}

/** Returns the text of a file, or null where there is none. */
export type ReadFile = (path: string) => string | null;

type Holds = true | false | 'perhaps';

/** Depth to which included files are followed; a file that includes itself ends there. */
const DEPTH = 8;

/** Returns the settings of `file` that hold on this board, in order; without those that surely do not. */
export function settingsOf(file: string, read: ReadFile, facts: BoardFacts): Setting[] {
  const settings: Setting[] = [];
  let filters = new Map<string, { text: string; holds: Holds }>();
  const folder = file.replace(/[^/]+$/, '');
  const readLines = (path: string, depth: number): void => {
    for (const raw of (read(path) ?? '').split(/\r?\n/)) {
      const line = raw.replace(/#.*/, '').trim();
      const filter = /^\[(.+)\]$/.exec(line)?.[1]?.trim();
      if (filter !== undefined) {
        if (filter.toLowerCase() === 'all') filters = new Map();
        else filters.set(kindOf(filter), { text: `[${filter}]`, holds: evaluateFilter(filter, facts) });
        continue;
      }
      const all = [...filters.values()];
      if (line === '' || all.some(({ holds }) => holds === false)) continue;
      const included = /^include\s+(\S+)$/.exec(line)?.[1];
      if (included !== undefined) {
        if (depth < DEPTH) readLines(included.startsWith('/') ? included : folder + included, depth + 1);
        continue;
      }
      const [key = '', ...value] = line.split('=');
      const perhaps = all.filter(({ holds }) => holds === 'perhaps').map(({ text }) => text);
      settings.push({ key: key.trim(), value: value.join('=').trim(), file: path, perhaps: perhaps.join('') });
    }
  };
  readLines(file, 0);
  return settings;
}

/** Returns the last value of `key` that surely holds. */
export function valueOf(settings: readonly Setting[], key: string): string | undefined {
  return settings.findLast((setting) => setting.key === key && setting.perhaps === '')?.value;
}

/** Returns the kind of a filter: filters of one kind replace each other. */
function kindOf(filter: string): string {
  const name = filter.toLowerCase();
  if (MODEL_FILTERS.has(name) || /^(pi|cm)\d/.test(name)) return 'model';
  if (/^0x[0-9a-f]+$/.test(name)) return 'serial';
  return /^gpio\d+/.exec(name)?.[0] ?? name.split(/[=:]/)[0] ?? name;
}

function evaluateFilter(filter: string, { board, serial, boardType }: BoardFacts): Holds {
  const name = filter.toLowerCase();
  if (name === 'none' || name === 'tryboot') return false;
  if (kindOf(filter) === 'model') return board.filters.has(name);
  const given = /^0x0*([0-9a-f]+)$/.exec(name)?.[1];
  if (given !== undefined) return serial === null ? 'perhaps' : serial.endsWith(given);
  const type = /^board-type=(?:0x)?([0-9a-f]+)$/.exec(name)?.[1];
  if (type !== undefined) return boardType === null ? 'perhaps' : Number.parseInt(type, 16) === boardType;
  return 'perhaps';
}

/**
 * Returns the command that adds settings so that they hold: after `[all]`, whatever filter the file ends with, and
 * on a line of their own, even if its last line has no end.
 */
export function addCommand(file: string, ...lines: string[]): string {
  return `printf '\\n[all]\\n${lines.join('\\n')}\\n' | sudo tee -a ${file}`;
}

/** Returns the command that turns a setting into a comment in any place of the file. */
export function commentOutCommand(file: string, pattern: string): string {
  return `sudo sed -i -E 's/^[ \\t]*(${pattern})/#\\1/' ${file}`;
}
