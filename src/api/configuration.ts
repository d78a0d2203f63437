/** State of the configuration that a server uses, compared with its file. Pure. */

export interface ConfigStatus {
  /** Path of the file; null: none. */
  path: string | null;
  /** Time when the configuration in force was read. */
  readAt: number;
  /** Settings whose value in the file differs from the one in force; a reload applies them. */
  changed: string[];
  /** Settings that differ too, and that a reload does not apply. */
  later: LaterSetting[];
  /** Reason why the file cannot be used now, with places; null: it can. */
  problem: string | null;
}

export interface LaterSetting {
  setting: string;
  /** The action that applies it. */
  when: string;
}

/** Number of settings named before the rest is counted. */
const NAMED = 4;

/** Formats `alarms.after, plans.night and 3 more`. */
function nameSettings(settings: readonly string[]): string {
  const named = settings.slice(0, NAMED).join(', ');
  return settings.length > NAMED ? `${named} and ${settings.length - NAMED} more` : named;
}

/**
 * Returns sentences for operators, each with what to do next; empty where the file and the configuration in force
 * agree.
 */
export function configSentences({ path, changed, later, problem }: ConfigStatus): string[] {
  const file = path ?? 'the configuration file';
  if (problem !== null)
    return [
      `the server still uses its previous configuration: ${problem}; correct the file, then run: rackui server reload`,
    ];
  const first =
    changed.length === 0
      ? []
      : [`${file} differs from the configuration in force (${nameSettings(changed)}): rackui server reload`];
  const reasons = [...new Set(later.map(({ when }) => when))];
  return [
    ...first,
    ...reasons.map((when) => {
      const settings = later.filter((one) => one.when === when).map(({ setting }) => setting);
      return `not in force yet: ${nameSettings(settings)}: ${when}`;
    }),
  ];
}

/** Returns the same in two words, for a line with little room; null: they agree. */
export function configWords({ changed, later, problem }: ConfigStatus): string | null {
  if (problem !== null) return 'config broken';
  if (changed.length > 0) return 'config changed';
  return later.length > 0 ? 'config: restart' : null;
}
