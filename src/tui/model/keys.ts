/** Key bindings as plain data: the context of a key, its command, and its text in help and footer. */
import type { Overlay } from './overlays.ts';

/** Contexts of the panes; `prefix`: after the console's prefix, `left`: a console that was left, `look`: copy mode. */
export type PaneContext = 'map' | 'table' | 'glance' | 'console' | 'prefix' | 'left' | 'look' | 'look-search';

/** Contexts of the panes whose keys are commands for rackui, and can open overlays. */
export type CommandContext = Exclude<PaneContext, 'console' | 'look-search'>;

/** A set of keys in force together. Most overlays have one, by their own name. */
export type Context = PaneContext | Overlay['kind'] | 'armed' | 'plan-run' | 'fleet-run' | 'run-table' | 'run-output';

/** Effect of a key. An overlay's own name is the command that opens it. */
export type Command =
  | Overlay['kind']
  /** A command of the operator's own, by its number in the configuration. */
  | `own-${number}`
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'show-map'
  | 'show-table'
  | 'show-glance'
  | 'sort'
  | 'level'
  | 'accept'
  | 'cancel'
  | 'attach'
  | 'mark'
  | 'mark-blade'
  | 'mark-all'
  | 'mark-range'
  | 'unmark-all'
  | 'next-marked'
  | 'previous-marked'
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
  | 'window'
  | 'scale'
  | 'heat'
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
  | 'quiet-reads'
  | 'scroll-up'
  | 'scroll-down'
  | 'tty-size'
  | 'take'
  | 'look'
  | 'save-screen'
  | 'times'
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
  /** Names from the tokenizer; the first is the one to show. */
  keys: readonly string[];
  command: Command;
  /** Text in the footer, a word or two; null: only in the help. */
  hint: string | null;
  help: string;
  /** Leads to a change of the rack: disabled in view-only sessions. */
  dangerous?: true;
  /** Only where the rack is simulated (`rackui demo`); not shown elsewhere. */
  demo?: true;
  /** Returns the reason why it is disabled now, for display; null: it is enabled. */
  disabled?: (state: S) => string | null;
}

/** Text of a context, and of keys outside its table. */
export interface KeySection {
  context: Context;
  /** Context whose keys are in force too, unless they have another meaning here. */
  base?: Context;
  /** Heading in the help and in docs/keys.md. */
  title: string;
  /** After "only", for a command that works there and not here: `on the map`. */
  where: string;
  /** Its keys cannot be configured, and the mouse has no effect there. */
  fixed?: true;
  /** Characters are text there: none can be the key of a command. */
  typed?: true;
  /** Keys with another meaning, which no command may have. */
  reserved?: readonly (readonly [keys: RegExp, meaning: string])[];
  /** Lines of the help about keys outside the table. */
  also?: readonly (readonly [keys: string, help: string])[];
}

/** All keys in force: those of the features, replaced by the operator's own. */
export interface KeyTable<S> {
  sections: readonly KeySection[];
  bindings: readonly KeyBinding<S>[];
}

/** A command of the operator's own, as configured. */
export interface OwnCommand {
  key: string;
  name: string;
  /** Argument vector with fields in braces. */
  run: readonly string[];
  scope: 'node' | 'marked' | 'rack';
  confirm: boolean;
  /** Seconds after which it is ended. */
  limit: number;
}
