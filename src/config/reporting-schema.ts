/**
 * Schema of the sections for other programs: metrics, MQTT, the HTTP interface, the system's log and Kubernetes. None is
 * on unless it is configured.
 */
import { BlockList, isIP } from 'node:net';
import * as z from 'zod';
import { absolutePath, secret } from './value-types.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** True for an address that only programs on this machine can reach. */
function isLoopback(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && LOOPBACK.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** Metrics for Prometheus: by HTTP on a port or a Unix socket, or as a file for node_exporter. */
export const metrics = z
  .strictObject({
    address: z.union([z.ipv4(), z.ipv6()], 'an IPv4 or IPv6 address').default('127.0.0.1'),
    port: z.number().int().min(1).max(65_535).optional(),
    /** Allows an address that other machines can reach. Nobody is asked for a password there. */
    beyondLoopback: z.boolean().default(false),
    socket: absolutePath.optional(),
    /** File in the folder that node_exporter reads with --collector.textfile.directory. */
    textfile: absolutePath.regex(/\.prom$/, 'a path that ends in .prom, as node_exporter requires').optional(),
    /** Interval at which the file is written, s. */
    interval: z.number().min(1).max(3600).default(15),
  })
  .superRefine(({ address, port, beyondLoopback, socket, textfile }, context) => {
    if (port === undefined && socket === undefined && textfile === undefined)
      context.addIssue({ code: 'custom', message: 'expected port, socket or textfile' });
    if (!isLoopback(address) && !beyondLoopback)
      context.addIssue({
        code: 'custom',
        path: ['address'],
        message: 'other machines can reach it without a password: add beyondLoopback: true, or use 127.0.0.1',
      });
  });
export type MetricsConfig = z.infer<typeof metrics>;

const topic = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, 'a topic of letters, digits, _ and -, in parts with / between them');

/** An MQTT broker that gets the rack's states, and its description for Home Assistant. */
export const mqtt = z
  .strictObject({
    host: z
      .string()
      .regex(/^[A-Za-z0-9:.-]{1,255}$/, 'a host name or an address')
      .default('127.0.0.1'),
    /** Default: 1883, with TLS 8883. */
    port: z.number().int().min(1).max(65_535).optional(),
    tls: z.boolean().default(false),
    /** File with the certificate authority of the broker; default: the system's. */
    ca: z.string().min(1).optional(),
    user: z.string().min(1).max(256).optional(),
    password: secret.optional(),
    /** First part of all topics. */
    prefix: topic.default('rackui'),
    /** Prefix at which Home Assistant looks for descriptions; null: none is sent. */
    discovery: topic.nullable().default('homeassistant'),
    /** Verbs that are taken from the broker: `graceful` means on and off, never a cut. */
    power: z.enum(['none', 'graceful']).default('none'),
    /** Seconds between two values of current and fan; everything else is sent when it changes. */
    interval: z.number().min(1).max(3600).default(30),
  })
  .superRefine(({ user, password, tls, ca }, context) => {
    if (password !== undefined && user === undefined)
      context.addIssue({ code: 'custom', path: ['password'], message: 'needs user: a broker requires both' });
    if (ca !== undefined && !tls)
      context.addIssue({ code: 'custom', path: ['ca'], message: 'needs tls: true, which checks it' });
  });
export type MqttConfig = z.infer<typeof mqtt>;

/**
 * Actions that a token of the HTTP interface may request. `graceful`: shut down, power cut once the halt is proven;
 * `cut`: without that proof. A restart needs `on` too.
 */
export const HTTP_VERBS = ['look', 'graceful', 'on', 'cut'] as const;
export type HttpVerb = (typeof HTTP_VERBS)[number];

const token = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'letters, digits, dots, hyphens and underscores'),
  /** File with the token alone, which only its owner can read. */
  file: absolutePath,
  /** A selector: the token sees and switches only these nodes. */
  nodes: z.string().min(1).max(1000).default('all'),
  verbs: z.array(z.enum(HTTP_VERBS)).min(1).default(['look']),
});
export type TokenConfig = z.infer<typeof token>;

/** The HTTP interface for programs: on a port, with TLS beyond loopback, or on a Unix socket. */
export const http = z
  .strictObject({
    address: z.union([z.ipv4(), z.ipv6()], 'an IPv4 or IPv6 address').default('127.0.0.1'),
    port: z.number().int().min(1).max(65_535).optional(),
    socket: absolutePath.optional(),
    tls: z.strictObject({ certificate: absolutePath, key: absolutePath }).optional(),
    tokens: z.array(token).min(1).max(32),
    /** Calls a second of each token, over two seconds. */
    rate: z.number().min(1).max(1000).default(20),
  })
  .superRefine(({ address, port, socket, tls, tokens }, context) => {
    const refuse = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (port === undefined && socket === undefined) refuse([], 'give port or socket: nothing listens otherwise');
    if (!isLoopback(address) && tls === undefined)
      refuse(['address'], 'others on the way could read the tokens: add tls, or use 127.0.0.1');
    if (tls !== undefined && port === undefined) refuse(['tls'], 'is for port: the socket needs none');
    tokens.forEach(({ name }, i) => {
      if (tokens.findIndex((other) => other.name === name) < i)
        refuse(['tokens', i, 'name'], `another token is called ${name}`);
    });
  });
export type HttpConfig = z.infer<typeof http>;

/** The system's log, which gets events and the audit log: the journal, or syslog on this machine or another. */
export const systemLog = z
  .strictObject({
    to: z.enum(['journal', 'syslog']),
    /** The machine with the syslog server; default: this one. */
    host: z
      .string()
      .regex(/^[A-Za-z0-9:][A-Za-z0-9:.-]{0,254}$/, 'a host name or an address')
      .optional(),
    port: z.number().int().min(1).max(65_535).default(514),
    tcp: z.boolean().default(false),
    /** The lowest level of events that are written. */
    level: z.enum(['info', 'notice', 'warning', 'alarm']).default('info'),
    /** Also write the entries of the audit log. */
    audit: z.boolean().default(true),
  })
  .superRefine(({ to, host, tcp }, context) => {
    if (host !== undefined && to === 'journal')
      context.addIssue({ code: 'custom', path: ['host'], message: 'is for to: syslog' });
    if (tcp && host === undefined) context.addIssue({ code: 'custom', path: ['tcp'], message: 'needs host' });
  });
export type SystemLogConfig = z.infer<typeof systemLog>;

/** A Kubernetes cluster whose nodes are nodes of the rack. It is only read. */
export const kubernetes = z.strictObject({
  /** Program that prints its nodes as `kubectl get nodes -o json` does. */
  run: z.array(z.string().min(1)).min(1).max(64),
  /** Seconds from run to run, and the time limit of each. */
  interval: z.number().min(1).max(3600).default(30),
});
export type KubernetesConfig = z.infer<typeof kubernetes>;

interface Reports {
  http?: HttpConfig | undefined;
  metrics?: MetricsConfig | undefined;
  mqtt?: MqttConfig | undefined;
  systemLog?: SystemLogConfig | undefined;
}

/** Says what other machines can read or do, for the check of a configuration; empty: nothing. */
export function exposures({ metrics: scraped, mqtt: broker, http: called, systemLog: log }: Reports): string[] {
  const sentences: string[] = [];
  if (scraped?.port !== undefined && !isLoopback(scraped.address))
    sentences.push(
      `warning: the metrics at ${scraped.address} port ${scraped.port} can be read from other machines, without a password`,
    );
  if (broker !== undefined && !broker.tls && broker.host !== 'localhost' && !isLoopback(broker.host))
    sentences.push(
      `warning: mqtt goes to ${broker.host} without TLS: it can be read on the way${broker.password === undefined ? '' : ' and its password'}`,
    );
  if (broker?.power === 'graceful')
    sentences.push(
      `every user with write access to the broker ${broker.host} can switch nodes on, and off gracefully (mqtt.power)`,
    );
  if (log?.host !== undefined && log.host !== 'localhost' && !isLoopback(log.host))
    sentences.push(`warning: systemLog goes to ${log.host} without TLS: it can be read on the way`);
  const cutting = (called?.tokens ?? []).filter(({ verbs }) => verbs.includes('cut')).map(({ name }) => name);
  if (cutting.length > 0)
    sentences.push(
      `${cutting.length === 1 ? 'the token' : 'the tokens'} ${cutting.join(', ')} can cut power without a shutdown (http.tokens)`,
    );
  return sentences;
}
