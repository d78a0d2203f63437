/** Interprets an operator's keys at a bare console: everything goes to the node, except the prefix and Ctrl-G. Pure. */
import type { Command, KeyBinding } from '../../tui/model/keys.ts';

/** The one byte the master interprets while a pipe is open: it would close the console before the next keys. */
const BELL = 0x07;
/** Ctrl-5 is the same key on a keyboard where ] needs AltGr. */
const USUAL_PREFIX = 'C-]';

/** The keys of the interface's consoles, of which a bare console has a part. */
export interface ConsoleKeyTable {
  /** A control key by its tokenizer name, `C-]`. */
  prefix: string;
  /** Keys after the prefix. */
  bindings: readonly Pick<KeyBinding<never>, 'keys' | 'command' | 'help'>[];
  /** Returns a key's label for display. */
  label: (key: string) => string;
}

export type KeyAction =
  | { do: 'send'; bytes: Uint8Array }
  | { do: 'detach' }
  | { do: 'take' }
  | { do: 'sample' }
  | { do: 'who' }
  /** Resets the modes that a dead program left in the node's screen. */
  | { do: 'reset' }
  /** Sets the size of the node's terminal to this terminal's. */
  | { do: 'size' }
  /** Writes a note into the node's log. */
  | { do: 'note'; text: string }
  /** Shows a message on the status line. */
  | { do: 'show'; text: string };

/** Commands of the interface's consoles that a bare one has too, in the order of its help, with their effect there. */
const SHARED: readonly (readonly [command: Command, help: string, action: KeyAction | null])[] = [
  ['detach', 'leaves', { do: 'detach' }],
  ['take', 'takes the keyboard', { do: 'take' }],
  ['sample', 'samples', { do: 'sample' }],
  ['note', 'writes a note', null],
  ['people', 'lists sessions', { do: 'who' }],
  ['reset-screen', 'resets a stuck screen', { do: 'reset' }],
  ['tty-size', 'sets the size of the node’s terminal (types stty)', { do: 'size' }],
];

const ESCAPE = 0x1b;
const INTERRUPT = 0x03;
const ENTER = 0x0d;
const ERASE: readonly number[] = [0x7f, 0x08];
/** Most characters of a note that the server takes. */
const NOTE_LIMIT = 500;
const SHOW_NOTE: KeyAction = { do: 'show', text: 'note for the log (Enter writes it, Esc cancels): ' };

/** Returns the key of a command after the prefix for display: `Ctrl-] w`. */
export function chordLabel({ prefix, bindings, label }: ConsoleKeyTable, command: Command): string {
  return `${label(prefix)} ${label(bindings.find((one) => one.command === command)?.keys[0] ?? '')}`;
}

/** Interprets keys one by one: the prefix and the key after it may arrive separately. */
export class ConsoleKeys {
  readonly #table: ConsoleKeyTable;
  #prefixed = false;
  /** Bytes of a note that is being typed, or null. */
  #note: number[] | null = null;

  constructor(table: ConsoleKeyTable) {
    this.#table = table;
  }

  /** True while a note is being typed: pasted text belongs to it. */
  get writing(): boolean {
    return this.#note !== null;
  }

  /** Returns the actions of a key, or of a paste into a note, in order. `name`: the tokenizer's. */
  read(name: string, bytes: Uint8Array): KeyAction[] {
    if (this.#note !== null) return Array.from(bytes, (byte) => this.#write(byte));
    if (this.#prefixed) {
      this.#prefixed = false;
      return name === this.#table.prefix ? [{ do: 'send', bytes }] : this.#chord(name);
    }
    if (name === this.#table.prefix) {
      this.#prefixed = true;
      return [];
    }
    const sent = bytes.filter((byte) => byte !== BELL);
    return [
      ...(sent.length > 0 ? [{ do: 'send', bytes: sent } as const] : []),
      ...(sent.length < bytes.length
        ? [{ do: 'show', text: 'Ctrl-G was not sent: on this bus it closes the console' } as const]
        : []),
    ];
  }

  #write(byte: number): KeyAction {
    const note = this.#note ?? [];
    if (byte === ESCAPE || byte === INTERRUPT) {
      this.#note = null;
      return { do: 'show', text: 'no note was written' };
    }
    if (byte === ENTER) {
      this.#note = null;
      const text = Buffer.from(note).toString('utf8').trim();
      return text === '' ? { do: 'show', text: 'no note was written' } : { do: 'note', text };
    }
    if (ERASE.includes(byte)) {
      // A character of several bytes is removed as a whole.
      while (((note.pop() ?? 0) & 0xc0) === 0x80);
    } else if (byte >= 0x20 && note.length < NOTE_LIMIT) note.push(byte);
    return { do: 'show', text: `note: ${Buffer.from(note).toString('utf8')}` };
  }

  #chord(name: string): KeyAction[] {
    const binding = this.#table.bindings.find(({ keys }) => keys.includes(name));
    if (binding?.command === 'cancel') return [];
    const shared = SHARED.find(([command]) => command === binding?.command);
    if (shared !== undefined) {
      const [, , action] = shared;
      if (action === null) this.#note = [];
      return [action ?? SHOW_NOTE];
    }
    const elsewhere = binding !== undefined && binding.command !== 'help';
    const key = `${this.#table.label(this.#table.prefix)} ${this.#table.label(name)}`;
    return [{ do: 'show', text: elsewhere ? `${key} (${binding.help}) is only in the interface` : this.#help() }];
  }

  #help(): string {
    const { prefix, bindings, label } = this.#table;
    const keysOf = (command: Command): readonly string[] =>
      bindings.find((binding) => binding.command === command)?.keys ?? [];
    const commands = SHARED.map(([command, help]) => `${keysOf(command).map(label).join(' or ')} ${help}`).join(', ');
    const also = prefix === USUAL_PREFIX ? ' (or Ctrl-5)' : '';
    return `${label(prefix)}${also} then: ${commands}, ${label(prefix)} sends ${label(prefix)} itself`;
  }
}
