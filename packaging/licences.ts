/** Reads the licences of packages, as their notices have to state them. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

interface Manifest {
  name: string;
  version: string;
  license?: string;
  author?: string | { name?: string };
}

const LICENCE = /^(licen[cs]e|copying|notice)[^/]*(?<!js)$/i;

/** Returns each licence's text once, below the names of the packages that come with it. */
export function licenceTexts(folders: readonly string[]): string {
  const packages = new Map<string, Set<string>>();
  for (const folder of folders) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const text = licenceText(folder, manifest);
    packages.set(text, (packages.get(text) ?? new Set()).add(`${manifest.name} ${manifest.version}`));
  }
  return [...packages].map(([text, names]) => `${[...names].sort().join('\n')}\n\n${text}`).join('\n\n\n');
}

/** @throws Error for a package that does not say its licence */
function licenceText(folder: string, { license, author }: Manifest): string {
  const files = readdirSync(folder).filter((name) => LICENCE.test(name));
  if (files.length > 0)
    return files.map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r', '').trim()).join('\n\n');
  if (license === undefined) throw new Error(`${basename(folder)} does not say its licence`);
  const holder = typeof author === 'string' ? author : author?.name;
  return `${holder === undefined ? '' : `Copyright: ${holder}\n`}License: ${license}`;
}
