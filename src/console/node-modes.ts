/**
 * Modes that a node's program set and the emulator keeps to itself: cursor and mouse encoding. Heard by the emulator's
 * own parser, on the way to where they are carried out.
 */
import type { IParser } from '@xterm/headless';

export type MouseEncoding = 'x10' | 'sgr';

export class NodeModes {
  cursorVisible = true;
  /** DECSCUSR, 0 to 6; 0 is whatever the operator's terminal has. */
  cursorShape = 0;
  mouseEncoding: MouseEncoding = 'x10';

  constructor(parser: IParser) {
    const set = (params: readonly (number | number[])[], on: boolean): false => {
      if (params.includes(25)) this.cursorVisible = on;
      if (params.includes(1006)) this.mouseEncoding = on ? 'sgr' : 'x10';
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
