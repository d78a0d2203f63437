/** docs/reference/http.openapi.json, made from the routes of the HTTP interface and their schemas. */
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { PROBLEMS, ROUTES, type Route } from '../../src/server/http/routes.ts';
import { formatted } from '../support/formatted.ts';

export const OPENAPI = fileURLToPath(new URL('../../docs/reference/http.openapi.json', import.meta.url));

type Json = Record<string, unknown>;

/** The schemas with an id, which the others refer to. */
const components: Record<string, Json> = {};

function schemaOf(shape: z.ZodType, io: 'input' | 'output'): Json {
  const { $defs = {}, ...schema } = inPlace(z.toJSONSchema(shape, { io })) as Json & { $defs?: Record<string, Json> };
  for (const [id, one] of Object.entries($defs)) add({ ...one, id });
  return 'id' in schema ? add(schema) : without(schema, '$schema');
}

/** Makes references point to where the schemas are in this document. */
function inPlace(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/$defs/', '#/components/schemas/'));
}

/** Adds a schema with an id. Returns a reference to it. */
function add(schema: Json): Json {
  const id = String(schema['id']);
  components[id] = without(schema, 'id', '$schema');
  return { $ref: `#/components/schemas/${id}` };
}

function without(schema: Json, ...keys: string[]): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}

function answersOf(answers: Route['answers'], type: string): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, stream }]) => [
      status,
      {
        description,
        content: {
          ...(schema === undefined ? {} : { [type]: { schema: schemaOf(schema, 'output') } }),
          ...(stream ? { 'text/event-stream': { schema: { type: 'string' } } } : {}),
        },
      },
    ]),
  );
}

function operationOf(name: string, { path, summary, needs, body, query, header, answers }: Route): Json {
  const text = { type: 'string' };
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => ({ name: field, in: 'path', required: true, schema: text })),
    ...Object.entries(query?.shape ?? {}).map(([field, shape]) => ({
      ...{ name: field, in: 'query', required: false, schema: schemaOf(shape as z.ZodType, 'output') },
    })),
    ...(header === undefined ? [] : [{ ...header, in: 'header', required: false, schema: text }]),
  ];
  return {
    operationId: name,
    summary,
    description: `Verbs that the token needs: ${needs}.`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: { ...answersOf(answers, 'application/json'), ...PROBLEM_REFERENCES },
  };
}

const PROBLEM_REFERENCES = Object.fromEntries(
  Object.keys(PROBLEMS).map((status) => [status, { $ref: `#/components/responses/${status}` }]),
);

/** The document as text. `version`: of rackui. */
export async function openApi(version: string): Promise<string> {
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][])
    (paths[route.path] ??= {})[route.method] = operationOf(name, route);
  const responses = answersOf(PROBLEMS, 'application/problem+json');
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'rackui',
      version,
      description: 'The HTTP interface of one rack. Off unless configured: see docs/http.md.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:9466' }],
    security: [{ token: [] }, { password: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        password: { type: 'http', scheme: 'basic', description: 'name of the token, and the token' },
      },
      responses,
      schemas: components,
    },
  };
  return formatted(OPENAPI, JSON.stringify(document));
}
