/** Key bindings as plain data: where a key holds, which command it gives, and what help and footer call it. */
import type { Overlay } from './overlays.ts';

/** Contexts of the panes; `prefix`: behind the console's prefix, `left`: a console that was left, `look`: copy mode. */
export type PaneContext = 'map' | 'console' | 'prefix' | 'left' | 'look' | 'look-search';

/** Contexts of the panes whose keys are commands for rackui, and can open overlays. */
export type CommandContext = Exclude<PaneContext, 'console' | 'look-search'>;

/** A set of keys that holds together. Most overlays have one, by their own name. */
export type Context = PaneContext | Overlay['kind'] | 'armed' | 'plan-run';

/** What a key does. An overlay's own name is the command that opens it. */
export type Command =
  | Overlay['kind']
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'accept'
  | 'cancel'
  | 'attach'
  | 'mark'
  | 'mark-blade'
  | 'mark-all'
  | 'mark-range'
  | 'next-match'
  | 'previous-match'
  | 'next-rack'
  | 'previous-rack'
  | 'mains-fail'
  | 'mains-return'
  | 'by-hand'
  | 'by-hand-master'
  | 'acknowledge'
  | 'acknowledge-all'
  | 'past'
  | 'arm'
  | 'ask-again'
  | 'pause'
  | 'resume'
  | 'skip'
  | 'next-pane'
  | 'zoom'
  | 'layout'
  | 'larger'
  | 'smaller'
  | 'fit'
  | 'span'
  | 'identify'
  | 'search'
  | 'retry-bus'
  | 'dismiss'
  | 'abort'
  | 'quit'
  | 'detach'
  | 'next-node'
  | 'previous-node'
  | 'last-node'
  | 'sample'
  | 'reset-screen'
  | 'scroll-up'
  | 'scroll-down'
  | 'tty-size'
  | 'take'
  | 'look'
  | 'save-screen'
  | 'copy'
  | 'save'
  | 'older'
  | 'newer'
  | 'first'
  | 'last'
  | 'line-start'
  | 'line-end'
  | 'paste-brackets'
  | 'prefix'
  | 'send-prefix'
  | 'mouse';

/** One command of a context with its keys. `S` is the state by which `disabled` decides. */
export interface KeyBinding<S> {
  context: Context;
  /** Names as the tokenizer gives them; the first is the one to show. */
  keys: readonly string[];
  command: Command;
  /** For the footer, a word or two; null: only in the help. */
  hint: string | null;
  help: string;
  /** Leads to something that changes the rack: closed to those who may only look. */
  dangerous?: true;
  /** Only where the rack is simulated (`rackui demo`): elsewhere nothing shows it. */
  demo?: true;
  /** Why it cannot be used now, for people; null: it can. */
  disabled?: (state: S) => string | null;
}

/** A context in words, and what the keys of its table do not say. */
export interface KeySection {
  context: Context;
  /** Heading in the help and in docs/keys.md. */
  title: string;
  /** Behind "only", for a command that works there and not here: `on the map`. */
  where: string;
  /** Its keys cannot be configured, and the mouse does nothing there. */
  fixed?: true;
  /** Characters are text there: none can be the key of a command. */
  typed?: true;
  /** Keys with another meaning, which no command may have. */
  reserved?: readonly (readonly [keys: RegExp, meaning: string])[];
  /** Lines of the help about keys that stand in no table. */
  also?: readonly (readonly [keys: string, help: string])[];
}

/** All keys in force: those of the features, with the operator's own in their place. */
export interface KeyTable<S> {
  sections: readonly KeySection[];
  bindings: readonly KeyBinding<S>[];
}
