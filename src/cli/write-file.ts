/** A file written whole or not at all. */
import { mkdirSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT } from '../api/power.ts';
import { Failure } from './failure.ts';

/** Where the file is there already its mode stays, and a link stays a link. @throws Failure */
export function writeWhole(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const before = statSync(file, { throwIfNoEntry: false });
    const target = before === undefined ? file : realpathSync(file);
    writeFileSync(`${target}.new`, text, { mode: (before?.mode ?? 0o644) & 0o777 });
    renameSync(`${target}.new`, target);
  } catch (error) {
    throw new Failure(EXIT.unavailable, `${file} cannot be written: ${error instanceof Error ? error.message : ''}`);
  }
}
