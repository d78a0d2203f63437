/**
 * Keeps the time at which each line of a terminal's normal screen and scrollback began to arrive. The times follow
 * their lines when these are scrolled, inserted, deleted or wrapped again. The alternate screen has none.
 */
import type { IBufferLine, Terminal } from '@xterm/headless';

/** A known time, ms of the server's clock; null: the line is older than what is known. */
export type LineTime = number | null;

/** The part of the emulator's list of lines that its API lacks; the version is pinned, and a test checks it. */
interface Lines {
  onTrim(listener: (amount: number) => void): void;
  onInsert(listener: (change: { index: number; amount: number }) => void): void;
  onDelete(listener: (change: { index: number; amount: number }) => void): void;
  /** Moves lines within a scrolling region by `offset` rows, without an event. */
  shiftElements(start: number, count: number, offset: number): void;
}

export class LineTimes {
  readonly #terminal: Terminal;
  /** The list that is followed: a full reset makes a new one. */
  #lines: Lines | null = null;
  /** Times from the oldest line on; undefined: the line has not begun. */
  #times: (LineTime | undefined)[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#follow();
    const restart = (from: number, to: number): false => {
      if (terminal.buffer.active.type === 'normal')
        for (let y = Math.max(0, from); y < Math.min(to, this.#times.length); y++) this.#times[y] = undefined;
      // False: the emulator carries the sequence out.
      return false;
    };
    // An erased line begins again.
    terminal.parser.registerCsiHandler({ final: 'J' }, ([what]) => {
      const { baseY, cursorX, cursorY } = terminal.buffer.active;
      if (what !== 0 && what !== 2) return false;
      return restart(what === 0 ? baseY + cursorY + (cursorX > 0 ? 1 : 0) : baseY, Infinity);
    });
    terminal.parser.registerCsiHandler({ final: 'K' }, ([what]) => {
      const { baseY, cursorX, cursorY } = terminal.buffer.active;
      const whole = what === 2 || (what === 0 && cursorX === 0);
      return whole && restart(baseY + cursorY, baseY + cursorY + 1);
    });
  }

  /** Stamps the lines that began with what has been parsed since the last call. */
  stamp(at: LineTime): void {
    this.#follow();
    const { normal, active } = this.#terminal.buffer;
    if (active.type !== 'normal') return;
    // A smaller screen has lost the lines at its end.
    this.#times.length = Math.min(this.#times.length, normal.length);
    const cursor = normal.baseY + normal.cursorY;
    for (let y = Math.min(this.#times.length, normal.baseY); y <= cursor; y++)
      // A line that is still empty begins with its first character.
      if (this.#times[y] === undefined && (y < cursor || hasText(normal.getLine(y)))) this.#times[y] = at;
    for (let y = cursor + 1; y < normal.length; y++)
      if (hasText(normal.getLine(y))) this.#times[y] ??= at;
      else if (y < this.#times.length) this.#times[y] = undefined;
  }

  /** Takes the times of the last lines, in their order, of the terminal of which this one is a copy. */
  restore(times: readonly LineTime[]): void {
    this.#follow();
    const { normal } = this.#terminal.buffer;
    const { length } = normal;
    const missing = Array.from({ length: Math.max(0, length - times.length) }, () => null);
    this.#times = [...missing, ...times.slice(-length)];
    for (let y = normal.baseY + normal.cursorY; y < length; y++)
      if (!hasText(normal.getLine(y))) this.#times[y] = undefined;
  }

  /** Returns the times of the screen and of the last `scrollback` lines above it. */
  last(scrollback: number): LineTime[] {
    this.#follow();
    const { length } = this.#terminal.buffer.normal;
    const from = Math.max(0, length - this.#terminal.rows - scrollback);
    return Array.from({ length: length - from }, (_, y) => this.#times[from + y] ?? null);
  }

  /**
   * Returns the time of a line, counted from the oldest: null where it is not known; undefined where there is none,
   * because the line is empty, or continues from the one above, or stands on the alternate screen.
   */
  of(y: number): LineTime | undefined {
    const { normal, active } = this.#terminal.buffer;
    if (active.type !== 'normal') return undefined;
    const line = normal.getLine(y);
    return line === undefined || line.isWrapped || !hasText(line) ? undefined : (this.#times[y] ?? null);
  }

  /** Returns the time since the last line above that has one; null: not known; undefined: there is none above. */
  sinceLast(y: number): LineTime | undefined {
    const at = this.of(y);
    if (at === undefined || at === null) return at;
    for (let above = y - 1; above >= 0; above--) {
      const before = this.of(above);
      if (before !== undefined) return before === null ? null : at - before;
    }
    return undefined;
  }

  #follow(): void {
    const { _core: core } = this.#terminal as unknown as { _core: { buffers: { normal: { lines: Lines } } } };
    const { lines } = core.buffers.normal;
    if (lines === this.#lines) return;
    this.#lines = lines;
    this.#times = [];
    const current = (act: () => void): void => {
      if (this.#lines === lines) act();
    };
    lines.onTrim((amount) => current(() => void this.#times.splice(0, amount)));
    lines.onDelete(({ index, amount }) => current(() => void this.#times.splice(index, amount)));
    lines.onInsert(({ index, amount }) =>
      current(() => {
        if (index < this.#times.length)
          this.#times.splice(index, 0, ...Array.from({ length: amount }, () => undefined));
      }),
    );
    const shift = lines.shiftElements.bind(lines);
    lines.shiftElements = (start, count, offset) => {
      shift(start, count, offset);
      current(() => this.#shift(start, count, offset));
    };
  }

  #shift(start: number, count: number, offset: number): void {
    const moved = this.#times.slice(start, start + count);
    for (let i = 0; i < count; i++) this.#times[start + i + offset] = moved[i];
    // The emulator puts empty lines where no line moved to.
    const [from, to] = offset < 0 ? [start + count + offset, start + count] : [start, start + offset];
    for (let y = from; y < to; y++) this.#times[y] = undefined;
  }
}

function hasText(line: IBufferLine | undefined): boolean {
  return line !== undefined && line.translateToString(true).trim() !== '';
}
