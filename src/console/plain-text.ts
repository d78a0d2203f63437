/**
 * Console output without its terminal sequences: what the patterns of {@link markers} may read. A node's colours must
 * not hide a marker, and a sequence may be split over any two reads. Pure.
 */

type State =
  | { in: 'text' }
  | { in: 'escape' }
  /** After ESC and an intermediate (`ESC ( B`): one final character follows. */
  | { in: 'intermediate' }
  | { in: 'csi'; length: number }
  /** OSC, DCS, SOS, PM, APC: text up to BEL or ST. */
  | { in: 'string'; length: number };

/**
 * Longest sequences, characters. Terminals take strings of kilobytes (systemd's OSC 3008 has 250 to 400, a window title or
 * an OSC 8 link more); a line end stops an unfinished one, so that a lost terminator costs one line at most.
 */
const CSI_LIMIT = 256;
const STRING_LIMIT = 64 * 1024;

/** Nothing to be taken out: by far the most of what a console brings. */
const PLAIN = /^[\x20-\x7e\n\r\t]*$/;

export class PlainText {
  readonly #keep: string;
  #state: State = { in: 'text' };

  /** `keep`: control characters that the reader wants to see, too. */
  constructor(keep = '') {
    this.#keep = keep;
  }

  /** Takes the next piece of output; returns its visible characters, tabs, CR and LF. */
  feed(text: string): string {
    if (this.#state.in === 'text' && PLAIN.test(text)) return text;
    let plain = '';
    for (const char of text) {
      // A line's end also ends whatever a broken or hostile sequence left open.
      if (char === '\n' || char === '\r') this.#state = { in: 'text' };
      else if (char === '\x1b') {
        this.#state = { in: 'escape' };
        continue;
      }
      plain += this.#step(char);
    }
    return plain;
  }

  #step(char: string): string {
    const state = this.#state;
    switch (state.in) {
      case 'text':
        return isVisible(char) || this.#keep.includes(char) ? char : '';
      case 'escape':
        if (char === '[') this.#state = { in: 'csi', length: 0 };
        else if (']P^_X'.includes(char)) this.#state = { in: 'string', length: 0 };
        else if (char >= ' ' && char <= '/') this.#state = { in: 'intermediate' };
        else this.#state = { in: 'text' };
        return '';
      case 'intermediate':
        this.#state = { in: 'text' };
        return '';
      case 'csi':
        if ((char >= '@' && char <= '~') || ++state.length > CSI_LIMIT) this.#state = { in: 'text' };
        return '';
      case 'string':
        if (char === '\x07' || ++state.length > STRING_LIMIT) this.#state = { in: 'text' };
        return '';
    }
  }
}

function isVisible(char: string): boolean {
  return (char >= ' ' && !(char >= '\x7f' && char <= '\x9f')) || char === '\n' || char === '\r' || char === '\t';
}
