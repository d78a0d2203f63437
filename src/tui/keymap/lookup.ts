/** Looks keys up in the table of the state: the binding of a key, the key of a command. Pure. */
import type { Command, Context, KeyBinding, KeyTable } from '../model/keys.ts';
import type { State } from '../model/state.ts';
import { keyLabel } from './key-names.ts';

export type Binding = KeyBinding<State>;

/** Returns a binding's name in the configuration and the palette: `map power`. */
export function bindingId({ context, command }: Pick<Binding, 'context' | 'command'>): string {
  return `${context} ${command}`;
}

const inForce = new WeakMap<KeyTable<State>, Map<Context | null, readonly Binding[]>>();

/** Returns all bindings in force in a context: its own in the order of the table, then those of its base. */
export function bindingsIn(state: State, context: Context | null): readonly Binding[] {
  const table = state.settings.keys;
  let known = inForce.get(table);
  if (known === undefined) inForce.set(table, (known = new Map<Context | null, readonly Binding[]>()));
  let bindings = known.get(context);
  if (bindings === undefined) known.set(context, (bindings = collect(table, context)));
  return bindings;
}

function collect(table: KeyTable<State>, context: Context | null): readonly Binding[] {
  const { bindings, sections } = table;
  const own = bindings.filter((one) => one.context === context);
  const base = sections.find((one) => one.context === context)?.base;
  if (base === undefined) return own;
  const taken = new Set(own.flatMap(({ keys }) => keys));
  return [...own, ...collect(table, base).filter(({ keys }) => !keys.every((key) => taken.has(key)))];
}

/** Returns the binding of a key in a context, or null. */
export function bindingOf(state: State, context: Context, key: string): Binding | null {
  return bindingsIn(state, context).find((one) => one.keys.includes(key)) ?? null;
}

/** Returns the reason why a binding is disabled now, or null. */
export function disabledReason(binding: Binding, state: State): string | null {
  return binding.disabled?.(state) ?? null;
}

/** Returns the key of a command by its tokenizer name, or an empty string. */
export function keyNameOf(state: State, context: Context, command: Command): string {
  return bindingsIn(state, context).find((one) => one.command === command)?.keys[0] ?? '';
}

/** Returns the key of a command for sentences: `o`; after the prefix `Ctrl-] w`. */
export function keyOf(state: State, context: Context, command: Command): string {
  const label = keyLabel(keyNameOf(state, context, command));
  return context === 'prefix' ? `${keyOf(state, 'console', 'prefix')} ${label}` : label;
}
