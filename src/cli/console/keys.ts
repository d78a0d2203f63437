/** Interprets an operator's keys at a bare console: everything goes to the node, except the prefix and Ctrl-G. Pure. */

/** Ctrl-], as in telnet and the interface; Ctrl-5 is the same on a keyboard where ] needs AltGr. */
export const DEFAULT_PREFIX = 'C-]';
/** The one byte the master interprets while a pipe is open: it would close the console before the next keys. */
const BELL = 0x07;

export type KeyAction =
  | { do: 'send'; bytes: Uint8Array }
  | { do: 'detach' }
  | { do: 'take' }
  | { do: 'sample' }
  | { do: 'who' }
  /** Resets the modes that a dead program left in the node's screen. */
  | { do: 'reset' }
  /** Writes a note into the node's log. */
  | { do: 'note'; text: string }
  /** Shows a message on the status line. */
  | { do: 'say'; text: string };

/** Returns the key's label for people: `Ctrl-A`. */
export function prefixLabel(prefix: string): string {
  return `Ctrl-${prefix.slice(2).toUpperCase()}`;
}

const ESCAPE = 0x1b;
const INTERRUPT = 0x03;
const ENTER = 0x0d;
const ERASE: readonly number[] = [0x7f, 0x08];
/** Most characters of a note that the server takes. */
const NOTE_LIMIT = 500;

/** Interprets keys across reads: the prefix and the key after it may arrive separately. */
export class ConsoleKeys {
  readonly #prefix: number;
  readonly #help: string;
  #prefixed = false;
  /** Bytes of a note that is being typed, or null. */
  #note: number[] | null = null;

  /** `prefix`: a control key, `C-a`. */
  constructor(prefix = DEFAULT_PREFIX) {
    this.#prefix = prefix.toUpperCase().charCodeAt(2) & 0x1f;
    const label = prefixLabel(prefix);
    const also = prefix === DEFAULT_PREFIX ? ' (or Ctrl-5; --prefix sets another)' : '';
    this.#help = `${label}${also} then: d or . leaves, w takes the keyboard, s samples, l notes, i sessions, r resets a stuck screen, ${label} sends ${label} itself`;
  }

  /** True while a note is being typed: pasted text belongs to it. */
  get writing(): boolean {
    return this.#note !== null;
  }

  /** Returns the actions of these bytes in order; none after a detach. */
  read(bytes: Uint8Array): KeyAction[] {
    const actions: KeyAction[] = [];
    let pending: number[] = [];
    const flush = (): void => {
      if (pending.length > 0) actions.push({ do: 'send', bytes: Uint8Array.from(pending) });
      pending = [];
    };
    for (const byte of bytes) {
      if (this.#note !== null) {
        actions.push(this.#write(this.#note, byte));
        continue;
      }
      if (this.#prefixed) {
        this.#prefixed = false;
        if (byte === this.#prefix) {
          pending.push(byte);
          continue;
        }
        flush();
        if (byte === NOTE_KEY) {
          this.#note = [];
          actions.push(SAY_NOTE);
          continue;
        }
        const action = this.#chord(byte);
        actions.push(action);
        if (action.do === 'detach') return actions;
      } else if (byte === this.#prefix) this.#prefixed = true;
      else if (byte === BELL) {
        flush();
        actions.push({ do: 'say', text: 'Ctrl-G was not sent: on this bus it closes the console' });
      } else pending.push(byte);
    }
    flush();
    return actions;
  }

  #write(note: number[], byte: number): KeyAction {
    if (byte === ESCAPE || byte === INTERRUPT) {
      this.#note = null;
      return { do: 'say', text: 'no note was written' };
    }
    if (byte === ENTER) {
      this.#note = null;
      const text = Buffer.from(note).toString('utf8').trim();
      return text === '' ? { do: 'say', text: 'no note was written' } : { do: 'note', text };
    }
    if (ERASE.includes(byte)) {
      // A character of several bytes is removed as a whole.
      while (((note.pop() ?? 0) & 0xc0) === 0x80);
    } else if (byte >= 0x20 && note.length < NOTE_LIMIT) note.push(byte);
    return { do: 'say', text: `note: ${Buffer.from(note).toString('utf8')}` };
  }

  #chord(byte: number): KeyAction {
    switch (String.fromCharCode(byte)) {
      case 'd':
      case '.':
        return { do: 'detach' };
      case 'w':
        return { do: 'take' };
      case 's':
        return { do: 'sample' };
      case 'r':
        return { do: 'reset' };
      case 'i':
        return { do: 'who' };
      default:
        return { do: 'say', text: this.#help };
    }
  }
}

const NOTE_KEY = 0x6c;
const SAY_NOTE: KeyAction = { do: 'say', text: 'note for the log (Enter writes it, Esc cancels): ' };
