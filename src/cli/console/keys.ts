/** What an operator's keys mean at a bare console: everything goes to the node, except the prefix and Ctrl-G. Pure. */

/** Ctrl-], as telnet and the interface have it. */
const PREFIX = 0x1d;
/** The one byte the master interprets while a pipe is open: it would close the console under the next keys. */
const BELL = 0x07;

export type KeyAction =
  | { do: 'send'; bytes: Uint8Array }
  | { do: 'detach' }
  | { do: 'take' }
  /** Something for the status line. */
  | { do: 'say'; text: string };

export const KEYS_HELP = 'Ctrl-] then: d or . leaves, w takes the keyboard, Ctrl-] sends Ctrl-] itself';

/** Understands keys across reads: the prefix and its key may come apart. */
export class ConsoleKeys {
  #prefixed = false;

  /** What these bytes ask for, in order; nothing after a detach. */
  read(bytes: Uint8Array): KeyAction[] {
    const actions: KeyAction[] = [];
    let pending: number[] = [];
    const flush = (): void => {
      if (pending.length > 0) actions.push({ do: 'send', bytes: Uint8Array.from(pending) });
      pending = [];
    };
    for (const byte of bytes) {
      if (this.#prefixed) {
        this.#prefixed = false;
        if (byte === PREFIX) {
          pending.push(PREFIX);
          continue;
        }
        flush();
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
}

function chord(byte: number): KeyAction {
  switch (String.fromCharCode(byte)) {
    case 'd':
    case '.':
      return { do: 'detach' };
    case 'w':
      return { do: 'take' };
    default:
      return { do: 'say', text: KEYS_HELP };
  }
}
