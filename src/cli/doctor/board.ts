/** Raspberry Pi boards by the name in the device tree: which config.txt filters they match, and who uses their UARTs. Pure. */

export interface Board {
  name: string;
  /** Of the chip: 1 to 5; 0 for the boards that are called Zero. */
  generation: number;
  /** Model filters of config.txt that hold on this board, without brackets. */
  filters: ReadonlySet<string>;
  /** Bluetooth sits on the full UART (ttyAMA0), so that GPIO 14/15 get the mini UART (ttyS0). */
  bluetooth: boolean;
}

/**
 * The first pattern that matches. A later, more general filter of the same family holds too: a Pi 400 also reads [pi4], a
 * Zero 2 W also [pi0] and [pi0w], as the vendor's documentation of config.txt says.
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
export const MODEL_FILTERS: ReadonlySet<string> = new Set(BOARDS.flatMap(([, , filters]) => filters.split(' ')));

/** @param model as in /proc/device-tree/model; null where it is no Raspberry Pi. A board of tomorrow has its own number only. */
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
