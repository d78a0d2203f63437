/** docs/reference/server-api.md, made from the sources. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { API_VERSION, CONFIRMED } from '../../src/api/methods.ts';
import { NOTE_PARAMS, REQUEST_PARAMS } from '../../src/server/rpc/params.ts';
import { formatted } from '../support/formatted.ts';
import { declarations, errorCodes, notifications, requests } from './model.ts';

export const PAGE = fileURLToPath(new URL('../../docs/reference/server-api.md', import.meta.url));
/** The first version of rackui that has each method. `npm run reference` adds what is new. */
export const SINCE = fileURLToPath(new URL('since.json', import.meta.url));
const read = (name: string): string => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8');

interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  contentEncoding?: string;
}

function range(low: number | undefined, high: number | undefined, above: number | undefined): string {
  const top = high === undefined || high >= Number.MAX_SAFE_INTEGER ? undefined : high;
  if (above !== undefined) return top === undefined ? ` above ${above}` : ` above ${above}, at most ${top}`;
  if (low !== undefined && low > -Number.MAX_SAFE_INTEGER)
    return top === undefined ? ` from ${low}` : ` ${low} to ${top}`;
  return top === undefined ? '' : ` up to ${top}`;
}

function schemaText(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(schemaText).join(' | ');
  if (schema.type === 'object') return `{ ${fields(schema).join(', ')} }`;
  if (schema.type === 'array') {
    const count = range(schema.minItems, schema.maxItems, undefined);
    return `array of${count === '' ? '' : `${count}:`} ${schemaText(schema.items ?? {})}`;
  }
  if (schema.type === 'string') {
    const length = range(schema.minLength, schema.maxLength, undefined);
    return `${schema.contentEncoding ?? 'string'}${length === '' ? '' : `, ${length.trim()} characters`}`;
  }
  const number = schema.type === 'integer' || schema.type === 'number';
  return `${schema.type ?? 'any'}${number ? range(schema.minimum, schema.maximum, schema.exclusiveMinimum) : ''}`;
}

function fields({ properties = {}, required = [] }: Schema): string[] {
  return Object.entries(properties).map(
    ([name, one]) => `${name}${required.includes(name) ? '' : '?'}: ${schemaText(one)}`,
  );
}

function parameters(schema: z.ZodType): string {
  const found = fields(z.toJSONSchema(schema, { io: 'input' }) as Schema);
  return found.length === 0 ? 'none' : found.map((one) => `\`${one}\``).join('; ');
}

const isConfirmed = (name: string): boolean => (CONFIRMED as readonly string[]).includes(name);

/** The recorded versions, with `version` for methods that are not recorded yet. */
export function sinceOf(version: string): Record<string, string> {
  const recorded = JSON.parse(readFileSync(SINCE, 'utf8')) as Record<string, string>;
  return Object.fromEntries(Object.keys(REQUEST_PARAMS).map((name) => [name, recorded[name] ?? version]));
}

function method(since: Readonly<Record<string, string>>, one: ReturnType<typeof requests>[number]): string {
  const errors = one.errors.filter((code) => code !== 'version' || one.name === 'hello');
  const rows = [
    `- access: ${one.access}${isConfirmed(one.name) ? '; _confirmed_' : ''}`,
    `- parameters: ${parameters(REQUEST_PARAMS[one.name as keyof typeof REQUEST_PARAMS])}`,
    `- result: \`${one.result.replaceAll(/\s+/g, ' ')}\``,
    `- errors: ${errors.length === 0 ? 'only the common ones' : errors.map((code) => `\`${code}\``).join(', ')}`,
    `- since: ${since[one.name] ?? ''}`,
  ];
  return [`### ${one.name}`, one.doc, rows.join('\n')].filter((part) => part !== '').join('\n\n');
}

function note(one: { name: string; doc: string; type: string }, schema?: z.ZodType): string {
  const type = /^\w+$/.test(one.type) ? `\`${one.type}\`` : `\n\n\`\`\`ts\ntype Params = ${one.type}\n\`\`\``;
  const shape = schema === undefined ? `Parameters: ${type}` : `Parameters: ${parameters(schema)}`;
  return [`### ${one.name}`, one.doc, shape].filter((part) => part !== '').join('\n\n');
}

function types(): string {
  const found = declarations();
  return [...new Set(found.map(({ file }) => file))]
    .map((file) => {
      const texts = found.filter((one) => one.file === file).map(({ text }) => text);
      return `### ${file}\n\n\`\`\`ts\n${texts.join('\n\n')}\n\`\`\``;
    })
    .join('\n\n');
}

export async function page(version: string): Promise<string> {
  const since = sinceOf(version);
  const codes = errorCodes().map(({ name, code, doc }) => `| \`${name}\` | ${code} | ${doc} |`);
  const parts = [
    read('server-api.head.md').trim(),
    `The API's number is ${API_VERSION}.`,
    '## A client',
    'A complete one in Node, without packages. It says hello, reads the rack, and prints each node:',
    `\`\`\`js\n${read('client.js').trim()}\n\`\`\``,
    '## Errors',
    [
      'Any request can be answered with `invalid`, `version` (before `hello`), `viewOnly`, and `-32603` where the server itself',
      'failed; a confirmed one with `refused`. The methods below name what else they answer. The message is written for people;',
      'programs go by the code.',
    ].join('\n'),
    ['| name | code | meaning |', '| --- | --- | --- |', ...codes].join('\n'),
    '## Requests',
    ...requests().map((one) => method(since, one)),
    '## Notifications from the client',
    ...notifications('ClientNotes').map((one) => note(one, NOTE_PARAMS[one.name as keyof typeof NOTE_PARAMS])),
    '## Notifications from the server',
    ...notifications('ServerNotes').map((one) => note(one)),
    '## Types',
    types(),
  ];
  return formatted(PAGE, `${parts.join('\n\n')}\n`);
}
