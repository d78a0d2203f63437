/**
 * Provides the metrics of one rack as configured: on a port, on a Unix socket, in a file for node_exporter; as
 * OpenMetrics or as the older text format. What fails is an alarm, is tried again, and disturbs nothing else.
 */
import { readdirSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Counter, Gauge, Registry, type RegistryContentType } from 'prom-client';
import type { Snapshot } from '../../api/methods.ts';
import type { BusCounters } from '../../bmc/types.ts';
import type { MetricsConfig } from '../../config/reporting-schema.ts';
import { wallTime } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Changes } from '../changes.ts';
import { VERSION } from '../logs.ts';
import { type Outlet, Outlets, onPort, onSocket } from '../outlets.ts';
import { FAMILIES, type MetricFacts, Tallies } from './families.ts';

/** Time after which a connection on which nothing happens is closed, ms. */
const IDLE_MS = 10_000;
/** Most connections at once; Prometheus needs one. */
const CONNECTIONS = 16;
const READABLE_BY_ALL = 0o644;

interface MetricsPorts {
  snapshot(): Snapshot;
  counters: BusCounters;
  /** Time of the server's start on its own clock. */
  startedAt: number;
  changes: Changes;
  /** Group of the Unix socket; null: the owner's. */
  gid: number | null;
  /** Raises the alarm with this predicate of a sentence about the server; null clears it. */
  alarm(text: string | null): void;
}

export class Metrics {
  readonly #ports: MetricsPorts;
  readonly #tallies: Tallies;
  readonly #outlets: Outlets;

  constructor(config: MetricsConfig, ports: MetricsPorts) {
    this.#ports = ports;
    this.#tallies = new Tallies(ports.changes);
    const { address, port, socket, textfile, interval } = config;
    this.#outlets = new Outlets(
      [
        ...(port === undefined ? [] : [onPort(() => this.#server(), address, port)]),
        ...(socket === undefined ? [] : [onSocket(this.#server(), socket, ports.gid)]),
        ...(textfile === undefined ? [] : [this.#inFile(textfile, interval * 1000)]),
      ],
      (troubles) => ports.alarm(troubles === null ? null : `cannot provide its metrics: ${troubles}`),
    );
  }

  async close(): Promise<void> {
    await this.#outlets.close();
    this.#tallies.close();
  }

  #facts(): MetricFacts {
    const { user, system } = process.cpuUsage();
    return {
      snapshot: this.#ports.snapshot(),
      counters: this.#ports.counters,
      tallies: this.#tallies,
      version: VERSION,
      process: {
        cpuSeconds: (user + system) / 1e6,
        residentBytes: process.memoryUsage.rss(),
        openFiles: countOpenFiles(),
        startedAtSeconds: wallTime(this.#ports.startedAt) / 1000,
      },
    };
  }

  #server(): Server {
    const server = createServer((request, response) => {
      void answer(request, response, () => this.#facts());
    });
    server.timeout = IDLE_MS;
    server.maxConnections = CONNECTIONS;
    // A connection that cannot be accepted is lost; the server continues.
    server.on('error', () => undefined);
    return server;
  }

  #inFile(path: string, everyMs: number): Outlet {
    return {
      name: `in ${path}`,
      everyMs,
      attempt: async () => replaceFile(path, await writeMetrics(this.#facts(), 'text')),
      // Values of a server that has ended would appear new.
      close: () => rm(path, { force: true }).catch(() => undefined),
    };
  }
}

async function answer(
  { method, url = '/', headers }: IncomingMessage,
  response: ServerResponse,
  facts: () => MetricFacts,
): Promise<void> {
  const send = (code: number, type: string, text: string): void => {
    response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
  };
  const refuse = (code: number, why: string): void => send(code, 'text/plain', `${why}\n`);
  if (method !== 'GET' && method !== 'HEAD') refuse(405, 'only GET is supported');
  else if (url.split('?')[0] !== '/metrics') refuse(404, 'the metrics are at /metrics');
  else
    try {
      const format = formatFor(headers.accept);
      send(200, CONTENT_TYPES[format], await writeMetrics(facts(), format));
    } catch (error) {
      refuse(500, messageOf(error));
    }
}

/** Replaces a file: a reader sees the old text or the new one, never a part. All users may read it. */
async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.${process.pid}.new`;
  await rm(next, { force: true });
  await writeFile(next, text, { flag: 'wx' });
  await chmod(next, READABLE_BY_ALL);
  await rename(next, path);
}

/** Returns the number of open file descriptors; null where this system does not show it. */
function countOpenFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

/** `openmetrics`: for Prometheus; `text`: for node_exporter's textfile collector, which reads no OpenMetrics. */
type Format = 'openmetrics' | 'text';

const CONTENT_TYPES: Readonly<Record<Format, RegistryContentType>> = {
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
  text: Registry.PROMETHEUS_CONTENT_TYPE,
};

/** Returns the format for a request's Accept header: OpenMetrics, unless only text is accepted. */
function formatFor(accept: string | undefined): Format {
  return accept !== undefined && accept.includes('text/plain') && !accept.includes('openmetrics')
    ? 'text'
    : 'openmetrics';
}

/**
 * Writes all metrics that have a value now. The registry is made again each time, so that nothing of an earlier time
 * stays in it.
 */
export function writeMetrics(facts: MetricFacts, format: Format): Promise<string> {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(CONTENT_TYPES[format]);
  const rack = facts.snapshot.rack.name;
  for (const { name, type, help, values } of FAMILIES) {
    const common = name.startsWith('process_') ? {} : { rack };
    const known = values(facts).flatMap(([labels, value]) =>
      value === null ? [] : [{ labels: { ...common, ...labels }, value }],
    );
    const [first] = known;
    if (first === undefined) continue;
    const settings = { name, help, labelNames: Object.keys(first.labels), registers: [registry] };
    if (type === 'counter') {
      const counter = new Counter(settings);
      for (const { labels, value } of known) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(settings);
      for (const { labels, value } of known) gauge.set(labels, value);
    }
  }
  return registry.metrics();
}
