/** What an operator's keys mean at a bare console: everything goes to the node, except the prefix and Ctrl-G. Pure. */

/** Ctrl-], as telnet and the interface have it. */
const PREFIX = 0x1d;
/** The one byte the master interprets while a pipe is open: it would close the console under the next keys. */
const BELL = 0x07;

export type KeyAction =
  | { do: 'send'; bytes: Uint8Array }
  | { do: 'detach' }
  | { do: 'take' }
  | { do: 'sample' }
  | { do: 'who' }
  /** Into the node's log. */
  | { do: 'note'; text: string }
  /** Something for the status line. */
  | { do: 'say'; text: string };

const KEYS_HELP =
  'Ctrl-] then: d or . leaves, w takes the keyboard, s samples, l notes, i who is here, Ctrl-] sends Ctrl-] itself';

const ESCAPE = 0x1b;
const INTERRUPT = 0x03;
const ENTER = 0x0d;
const ERASE: readonly number[] = [0x7f, 0x08];
/** What the server takes as a note. */
const NOTE_LIMIT = 500;

/** Understands keys across reads: the prefix and its key may come apart. */
export class ConsoleKeys {
  #prefixed = false;
  /** The bytes of a note that is being written, or null. */
  #note: number[] | null = null;

  /** What these bytes ask for, in order; nothing after a detach. */
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
        if (byte === PREFIX) {
          pending.push(PREFIX);
          continue;
        }
        flush();
        if (byte === NOTE_KEY) {
          this.#note = [];
          actions.push(SAY_NOTE);
          continue;
        }
        const action = chord(byte);
        actions.push(action);
        if (action.do === 'detach') return actions;
      } else if (byte === PREFIX) this.#prefixed = true;
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
      // A character of several bytes goes as a whole.
      while (((note.pop() ?? 0) & 0xc0) === 0x80);
    } else if (byte >= 0x20 && note.length < NOTE_LIMIT) note.push(byte);
    return { do: 'say', text: `note: ${Buffer.from(note).toString('utf8')}` };
  }
}

const NOTE_KEY = 0x6c;
const SAY_NOTE: KeyAction = { do: 'say', text: 'note into the log (Enter writes it, Esc does not): ' };

function chord(byte: number): KeyAction {
  switch (String.fromCharCode(byte)) {
    case 'd':
    case '.':
      return { do: 'detach' };
    case 'w':
      return { do: 'take' };
    case 's':
      return { do: 'sample' };
    case 'i':
      return { do: 'who' };
    default:
      return { do: 'say', text: KEYS_HELP };
  }
}
