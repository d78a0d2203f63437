/** What the operator's configuration says of the interface. Plain data. */

/** `map power` → the keys that the operator wants for it (see bindings.ts). */
export type KeyOverrides = ReadonlyMap<string, readonly string[]>;

/** The operator's own wishes, from the configuration. */
export interface Settings {
  keys: KeyOverrides;
  /** The terminal reports its mouse to us; a key switches it. */
  mouse: boolean;
  /** The terminal rings for new alarms. */
  bell: boolean;
  /** The rack is simulated, and its mains are ours to switch. */
  demo: boolean;
}

export const DEFAULT_SETTINGS: Settings = { keys: new Map(), mouse: false, bell: false, demo: false };
