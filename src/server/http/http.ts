/**
 * The HTTP interface of one rack for programs: listens as configured, for callers with a token. A place
 * or a token that cannot be used is an alarm, is tried again, and disturbs nothing else.
 */
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import type { HttpConfig } from '../../config/reporting-schema.ts';
import { readCertificate, readKey } from '../../config/secrets.ts';
import { steadyNow } from '../../lib/clock.ts';
import type { Address } from '../../rack/address.ts';
import type { CallAuditEntry } from '../../power/ports.ts';
import { Outlets, onPort, onSocket } from '../outlets.ts';
import { Sessions, Tokens } from './authentication.ts';
import { CallLog, gated, limited } from './gate.ts';
import { addMaas } from './maas.ts';
import { addRedfish, openRedfish } from './redfish.ts';
import { addResources, type RestPorts } from './rest.ts';
import { Switching } from './switching.ts';

/** Time for a caller to send its headers, its whole request, and to read an answer, ms. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;
const IDLE_MS = 60_000;
/** Interval of checks of these times, ms. */
const CHECK_MS = 1_000;
const CONNECTIONS = 64;

const LIMITS: ServerOptions = {
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: REQUEST_MS,
  connectionsCheckingInterval: CHECK_MS,
  maxHeaderSize: 8 * 1024,
};

export interface HttpPorts extends RestPorts {
  /** Group of the Unix socket; null: the owner's. */
  gid: number | null;
  stateDir: string;
  /** Asks a node for its status now. */
  fresh(addr: Address): Promise<unknown>;
  audit(entry: CallAuditEntry): Promise<void>;
  /** Adds a warning to the event log. */
  warn(text: string): void;
  /** Logs a fault of the server. */
  failed(text: string): void;
  /** Raises the alarm with this predicate of a sentence about the server; null clears it. */
  alarm(text: string | null): void;
}

export class Http {
  readonly #outlets: Outlets;
  readonly #calls: CallLog;

  constructor({ address, port, socket, tls, tokens: configs, rate }: HttpConfig, ports: HttpPorts) {
    const tokens = new Tokens(configs);
    const gate = { ...ports, tokens, sessions: new Sessions(steadyNow), rate, now: steadyNow };
    this.#calls = new CallLog(gate);
    const app = gated(gate, this.#calls, openRedfish(gate));
    const switching = new Switching(ports);
    addResources(app, switching, ports);
    addRedfish(app, switching, gate);
    addMaas(app, switching, ports);
    const listener = getRequestListener(app.fetch);
    const admits = limited(gate, this.#calls);
    const answering = (server: Server): Server => {
      server.on('request', (incoming, outgoing) => {
        if (admits(incoming, outgoing)) void listener(incoming, outgoing);
      });
      server.timeout = IDLE_MS;
      server.maxConnections = CONNECTIONS;
      // A connection that cannot be accepted is lost; the server continues.
      server.on('error', () => undefined);
      return server;
    };
    const create = async (): Promise<Server> => {
      if (tls === undefined) return answering(createServer(LIMITS));
      const cert = await readCertificate(tls.certificate);
      const key = await readKey(tls.key, cert);
      return answering(createTlsServer({ ...LIMITS, cert, key, minVersion: 'TLSv1.2' }));
    };
    this.#outlets = new Outlets(
      [
        tokens.outlet(),
        ...(port === undefined ? [] : [onPort(create, address, port)]),
        ...(socket === undefined ? [] : [onSocket(answering(createServer(LIMITS)), socket, ports.gid)]),
      ],
      (troubles) => ports.alarm(troubles === null ? null : `cannot provide all of its HTTP interface: ${troubles}`),
    );
  }

  async close(): Promise<void> {
    await this.#outlets.close();
    this.#calls.close();
  }
}
