/**
 * Every key, once: what it does, what the footer and the `?` overlay say of it, and why it cannot be used now. Keys
 * become commands by this table and nowhere else.
 */
import { CONSOLE_BINDINGS } from '../console/console-keys.ts';
import { LOOK_BINDINGS } from '../console/copy-mode-keys.ts';
import { VIEW_BINDINGS } from '../layout/layout-keys.ts';
import { MAP_BINDINGS } from '../map/map-keys.ts';
import type { KeyOverrides, State } from '../model/state.ts';
import { ALARM_BINDINGS } from '../overlays/alarms-keys.ts';
import { BUS_BINDINGS } from '../overlays/bus-log-keys.ts';
import { PANEL_BINDINGS } from '../overlays/panels-keys.ts';
import { PLAN_BINDINGS } from '../overlays/plans-keys.ts';
import { RACK_BINDINGS } from '../overlays/racks-keys.ts';
import { SUPPLY_BINDINGS } from '../ups/ups-keys.ts';
import { keyLabel } from './key-names.ts';

export type Context =
  | 'map'
  | 'console'
  | 'left'
  | 'prefix'
  | 'help'
  | 'filter'
  | 'palette'
  | 'menu'
  | 'operations'
  | 'alarms'
  | 'bus'
  | 'supply'
  | 'look'
  | 'look-search'
  | 'consoles'
  | 'people'
  | 'note'
  | 'emergency'
  | 'armed'
  | 'plan-run'
  | 'racks';

export type Command =
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
  | 'racks'
  | 'filter'
  | 'palette'
  | 'power'
  | 'operations'
  | 'alarms'
  | 'bus'
  | 'supply'
  | 'mains-fail'
  | 'mains-return'
  | 'by-hand'
  | 'by-hand-master'
  | 'acknowledge'
  | 'acknowledge-all'
  | 'past'
  | 'emergency'
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
  | 'help'
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
  | 'people'
  | 'note'
  | 'consoles'
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

export interface Binding {
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
  disabled?: (state: State) => string | null;
}

export const BINDINGS: readonly Binding[] = [
  ...MAP_BINDINGS,
  ...CONSOLE_BINDINGS,
  ...PANEL_BINDINGS,
  ...ALARM_BINDINGS,
  ...BUS_BINDINGS,
  ...SUPPLY_BINDINGS,
  ...LOOK_BINDINGS,
  ...PLAN_BINDINGS,
  ...VIEW_BINDINGS,
  ...RACK_BINDINGS,
];

const made = new WeakMap<KeyOverrides, readonly Binding[]>();

/** The table with the operator's own keys in it. */
export function bindingsWith(keys: KeyOverrides): readonly Binding[] {
  const before = made.get(keys);
  if (before !== undefined) return before;
  const changed = BINDINGS.map((binding) => {
    const own = keys.get(bindingId(binding));
    return own === undefined ? binding : { ...binding, keys: own };
  });
  // The prefix twice is the prefix itself, whatever it is.
  const prefix = keys.get('console prefix');
  const all = changed.map((one) =>
    prefix !== undefined && one.command === 'send-prefix' && !keys.has(bindingId(one)) ? { ...one, keys: prefix } : one,
  );
  made.set(keys, all);
  return all;
}

/** `map power`: how overrides and the palette call a binding. */
export function bindingId({ context, command }: Pick<Binding, 'context' | 'command'>): string {
  return `${context} ${command}`;
}

/** The binding of a key in a context. */
export function bindingOf(state: State, context: Context, key: string): Binding | null {
  return (
    bindingsWith(state.settings.keys).find((binding) => binding.context === context && binding.keys.includes(key)) ??
    null
  );
}

/** Why a binding cannot be used now, or null. */
export function disabledReason(binding: Binding, state: State): string | null {
  return binding.disabled?.(state) ?? null;
}

/** The key of a command as the tokenizer names it. */
export function keyNameOf(state: State, context: Context, command: Command): string {
  const all = bindingsWith(state.settings.keys);
  return all.find((one) => one.context === context && one.command === command)?.keys[0] ?? '';
}

/** The key of a command as people call it, for sentences: `o`; behind the prefix `Ctrl-] w`. */
export function keyOf(state: State, context: Context, command: Command): string {
  const label = keyLabel(keyNameOf(state, context, command));
  return context === 'prefix' ? `${keyOf(state, 'console', 'prefix')} ${label}` : label;
}
