/**
 * Reads little of a configuration without the YAML parser and the schema, which take 70 ms together: the interface needs
 * the port alone before it connects to a server, which has read and checked the whole of it.
 */
import { existsSync, readFileSync } from 'node:fs';

export const DEFAULT_PORT = '/dev/serial0';

/** Returns the configured port, the default where none is set, or null where the full parser must decide. Pure. */
export function peekPort(text: string): string | null {
  const lines = text.split(/\r?\n/);
  const mentions = lines.filter((line) => /\bport\b["']?\s*:/.test(line.replace(/#.*/, '')));
  const [only, ...others] = mentions;
  if (only === undefined) return DEFAULT_PORT;
  const match = /^port:[ \t]+(?:([^\s#"'&*!|>{}[\]%@`][^\s#]*)|"([^"\\]+)"|'([^']+)')[ \t]*(?:#.*)?$/.exec(only);
  // An indented next line would continue the value.
  const goesOn = /^\s+\S/.test(lines[lines.indexOf(only) + 1] ?? '');
  return others.length > 0 || goesOn || !match ? null : (match[1] ?? match[2] ?? match[3] ?? null);
}

/** True where the text lists the files of several racks. Pure. */
export function isRackList(text: string): boolean {
  return /^racks[ \t]*:/m.test(text);
}

/** True where the first of these files that exists lists several racks. */
export function isRackListIn(candidates: readonly Candidate[]): boolean {
  return isRackList(firstFile(candidates)?.text ?? '');
}

/** True where the first of these files has settings of the interface: keys, commands, mouse, bell. */
export function settingsIn(candidates: readonly Candidate[]): boolean {
  return /^["']?(?:keys|interface|commands)["']?[ \t]*:/m.test(firstFile(candidates)?.text ?? '');
}

/** {@link peekPort} of the first of these files that exists; null where the full loader must decide or report. */
export function peekPortIn(candidates: readonly Candidate[]): string | null {
  const file = firstFile(candidates);
  if (file === null) return DEFAULT_PORT;
  return file.text === null ? null : peekPort(file.text);
}

interface Candidate {
  path: string;
  required?: boolean;
}

/** Reads the first that exists, or must; null: none. `text` null: it cannot be read, which the full loader reports. */
function firstFile(candidates: readonly Candidate[]): { text: string | null } | null {
  const found = candidates.find(({ path, required }) => required === true || existsSync(path));
  if (found === undefined) return null;
  try {
    return { text: readFileSync(found.path, 'utf8') };
  } catch {
    return { text: null };
  }
}
