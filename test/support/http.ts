/**
 * A stand whose server answers programs by HTTP, with tokens in files of its own; rack and server are in this process, unless
 * the server's own process is the subject.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from './nut.ts';
import { innerStand } from './inner-stand.ts';
import { eightNodes, sweptStand, type Stand } from './stand.ts';

/** Tokens of the stand: each sees and may do what its configuration says. */
const TOKENS = [
  'name: looker, verbs: [look]',
  'name: graceful, verbs: [look, on, graceful]',
  'name: cutter, verbs: [look, on, graceful, cut]',
  'name: part, verbs: [look, on, graceful, cut], nodes: "n4 n5"',
  'name: blind, verbs: [on]',
] as const;
export type TokenName = 'looker' | 'graceful' | 'cutter' | 'part' | 'blind';

/** What a shutdown on the console needs. */
const LOGIN = 'login: { user: pi, password: { command: [echo, raspberry] } }\nshutdown: { settle: 1 }';

/** The token in the file of this name. */
export const secretOf = (name: TokenName): string => `secret-of-${name}-0123456789`;

export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

export interface CallOptions {
  method?: string;
  token?: TokenName | null;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface HttpStand extends AsyncDisposable {
  readonly stand: Stand;
  readonly port: number;
  readonly folder: string;
  /** One call, by default a GET, or a POST where it has a body. */
  call(path: string, options?: CallOptions): Promise<Answer>;
  /** Number of power cuts that the simulated BMCs executed. */
  cuts(): Promise<number>;
}

export interface HttpOptions {
  /** With a certificate for 127.0.0.1 in `certificate.pem` of the folder; {@link HttpStand.call} cannot be used. */
  tls?: boolean;
  rate?: number;
  /** More of the configuration. */
  config?: string;
  /** Keys of nodes by their numbers, as for {@link eightNodes}. */
  nodes?: Readonly<Record<number, string>>;
  /** The server has a process of its own. */
  ownProcess?: boolean;
}

export async function httpStand({
  tls = false,
  rate = 1000,
  config = '',
  nodes,
  ownProcess = false,
}: HttpOptions = {}): Promise<HttpStand> {
  const folder = mkdtempSync(join(tmpdir(), 'rackui-test-http-'));
  const port = await freePort();
  const file = (name: string): string => join(folder, name);
  const tokens = TOKENS.map((token) => {
    const name = /name: (\w+)/.exec(token)?.[1] as TokenName;
    writeFileSync(file(name), `${secretOf(name)}\n`, { mode: 0o600 });
    return `    - { ${token}, file: ${file(name)} }`;
  });
  if (tls) makeCertificate(folder);
  const section = [
    'http:',
    `  port: ${port}`,
    `  rate: ${rate}`,
    ...(tls ? [`  tls: { certificate: ${file('certificate.pem')}, key: ${file('key.pem')} }`] : []),
    '  tokens:',
    ...tokens,
  ].join('\n');
  const stand = await (ownProcess ? sweptStand : innerStand)({
    sim: ['--time-scale', '20'],
    config: `name: r1\n${eightNodes({ 0: 'role: master', 1: 'protected: true', ...nodes })}\n${LOGIN}\n${section}\n${config}`,
  });
  const call: HttpStand['call'] = async (path, { method, token = 'looker', body, headers = {} } = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${secretOf(token)}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: /json/.test(answer.headers.get('content-type') ?? '') ? (JSON.parse(text) as unknown) : text,
    };
  };
  if (!tls) await until(async () => (await call('/v1/nodes')).status === 200);
  return {
    ...{ stand, port, folder, call },
    async cuts() {
      const counters = await stand.rack.counters();
      return counters.bus.masterCuts + Object.values(counters.nodes).reduce((sum, node) => sum + node.off, 0);
    },
    async [Symbol.asyncDispose]() {
      await stand[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Writes `certificate.pem` and `key.pem`, for 127.0.0.1, into the folder. */
export function makeCertificate(folder: string): void {
  const out = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')];
  const about = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...key, ...out, ...about], { stdio: 'ignore' });
}
