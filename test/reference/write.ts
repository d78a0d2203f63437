/** `npm run reference`: writes docs/reference/server-api.md and http.openapi.json, and notes the version of methods that are new. */
import { readFileSync, writeFileSync } from 'node:fs';
import { openApi, OPENAPI } from './openapi.ts';
import { page, PAGE, SINCE, sinceOf } from './page.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
writeFileSync(SINCE, `${JSON.stringify(sinceOf(version), null, 2)}\n`);
writeFileSync(PAGE, await page(version));
writeFileSync(OPENAPI, await openApi(version));
console.log(`${PAGE} and ${OPENAPI} written`);
