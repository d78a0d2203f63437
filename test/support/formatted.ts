/** Formats pages that programs write as `npm run format` does. */
import { readFileSync } from 'node:fs';
import { format, type FormatConfig } from 'oxfmt';

const OPTIONS = JSON.parse(readFileSync(new URL('../../.oxfmtrc.json', import.meta.url), 'utf8')) as FormatConfig;

/** @param path of the page, whose ending tells its language */
export async function formatted(path: string, text: string): Promise<string> {
  const { code, errors } = await format(path, text, OPTIONS);
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`);
  return code;
}
