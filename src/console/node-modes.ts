/**
 * What a node's program has set and the serializer leaves out: cursor, mouse encoding, scrolling region. Whoever joins
 * late gets it too; a program that scrolls a part of the screen would otherwise look different to them from then on.
 */
import type headless from '@xterm/headless';

type Terminal = InstanceType<typeof headless.Terminal>;

export class NodeModes {
  readonly #terminal: Terminal;
  #cursorHidden = false;
  #cursorShape = 0;
  #sgrMouse = false;
  /** First and last row from 1; null: the whole screen. Each screen has its own, as the emulator keeps it. */
  readonly #region: Record<'normal' | 'alternate', readonly [number, number] | null> = {
    normal: null,
    alternate: null,
  };

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    const { parser } = terminal;
    const first = (params: readonly (number | number[])[], i: number): number => {
      const param = params[i];
      return typeof param === 'number' ? param : 0;
    };
    const set = (params: readonly (number | number[])[], on: boolean): false => {
      if (params.includes(25)) this.#cursorHidden = !on;
      if (params.includes(1006)) this.#sgrMouse = on;
      // False: the emulator goes on to carry it out.
      return false;
    };
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => set(params, true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, (params) => set(params, false));
    parser.registerCsiHandler({ intermediates: ' ', final: 'q' }, (params) => {
      this.#cursorShape = first(params, 0) <= 6 ? first(params, 0) : 0;
      return false;
    });
    parser.registerCsiHandler({ final: 'r' }, (params) => {
      const top = first(params, 0) || 1;
      const bottom = Math.min(first(params, 1) || terminal.rows, terminal.rows);
      if (bottom > top)
        this.#region[terminal.buffer.active.type] = top === 1 && bottom === terminal.rows ? null : [top, bottom];
      return false;
    });
    // Soft and full reset. A new size takes the regions back, too.
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => this.#reset());
    parser.registerEscHandler({ final: 'c' }, () => this.#reset());
    terminal.onResize(() => (this.#region.normal = this.#region.alternate = null));
  }

  /** Sequences for an emulator that has been given the serializer's. */
  restore(): string {
    const region = this.#region[this.#terminal.buffer.active.type];
    return [
      // Setting a region moves the cursor home: it is kept over that.
      region === null ? '' : `\x1b7\x1b[${region[0]};${region[1]}r\x1b8`,
      this.#cursorHidden ? '\x1b[?25l' : '',
      this.#cursorShape > 0 ? `\x1b[${this.#cursorShape} q` : '',
      this.#sgrMouse ? '\x1b[?1006h' : '',
    ].join('');
  }

  #reset(): false {
    this.#cursorHidden = this.#sgrMouse = false;
    this.#cursorShape = 0;
    this.#region.normal = this.#region.alternate = null;
    return false;
  }
}
