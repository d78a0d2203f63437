/** Looks keys up in the table of the state: the binding of a key, the key of a command. Pure. */
import type { Command, Context, KeyBinding } from '../model/keys.ts';
import type { State } from '../model/state.ts';
import { keyLabel } from './key-names.ts';

export type Binding = KeyBinding<State>;

/** `map power`: how the configuration and the palette call a binding. */
export function bindingId({ context, command }: Pick<Binding, 'context' | 'command'>): string {
  return `${context} ${command}`;
}

/** All bindings of a context, in the order of the table. */
export function bindingsIn(state: State, context: Context | null): readonly Binding[] {
  return state.settings.keys.bindings.filter((one) => one.context === context);
}

/** The binding of a key in a context, or null. */
export function bindingOf(state: State, context: Context, key: string): Binding | null {
  return state.settings.keys.bindings.find((one) => one.context === context && one.keys.includes(key)) ?? null;
}

/** Why a binding cannot be used now, in words, or null. */
export function disabledReason(binding: Binding, state: State): string | null {
  return binding.disabled?.(state) ?? null;
}

/** The key of a command as the tokenizer names it, or an empty string. */
export function keyNameOf(state: State, context: Context, command: Command): string {
  const { bindings } = state.settings.keys;
  return bindings.find((one) => one.context === context && one.command === command)?.keys[0] ?? '';
}

/** The key of a command for sentences: `o`; behind the prefix `Ctrl-] w`. */
export function keyOf(state: State, context: Context, command: Command): string {
  const label = keyLabel(keyNameOf(state, context, command));
  return context === 'prefix' ? `${keyOf(state, 'console', 'prefix')} ${label}` : label;
}
