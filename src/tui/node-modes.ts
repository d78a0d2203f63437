/**
 * What a node's program asked of its terminal and the emulator keeps to itself: heard by the emulator's own parser, on
 * the way to where it is carried out.
 */
import type headless from '@xterm/headless';

type Terminal = InstanceType<typeof headless.Terminal>;

export type MouseEncoding = 'x10' | 'sgr';

export class NodeModes {
  cursorVisible = true;
  /** DECSCUSR, 0 to 6; 0 is whatever the operator's terminal has. */
  cursorShape = 0;
  mouseEncoding: MouseEncoding = 'x10';

  constructor(terminal: Terminal) {
    const { parser } = terminal;
    const set = (params: readonly (number | number[])[], on: boolean): false => {
      for (const param of params) {
        if (param === 25) this.cursorVisible = on;
        if (param === 1006) this.mouseEncoding = on ? 'sgr' : 'x10';
      }
      // False: the emulator goes on to carry it out.
      return false;
    };
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => set(params, true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, (params) => set(params, false));
    parser.registerCsiHandler({ intermediates: ' ', final: 'q' }, ([shape]) => {
      this.cursorShape = typeof shape === 'number' && shape <= 6 ? shape : 0;
      return false;
    });
    // Soft and full reset.
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => this.#reset());
    parser.registerEscHandler({ final: 'c' }, () => this.#reset());
  }

  #reset(): false {
    this.cursorVisible = true;
    this.cursorShape = 0;
    this.mouseEncoding = 'x10';
    return false;
  }
}
