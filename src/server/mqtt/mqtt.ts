/**
 * Sends the rack's states to an MQTT broker and, where the configuration allows it, takes requests to switch nodes on,
 * or off gracefully. A broker that cannot be reached is an alarm, is tried again, and disturbs nothing else.
 */
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { ClientIdentity, Snapshot } from '../../api/methods.ts';
import type { MqttConfig } from '../../config/reporting-schema.ts';
import { readCertificate, readSecret } from '../../config/secrets.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Operations } from '../../power/operations.ts';
import type { Address } from '../../rack/address.ts';
import { VERSION } from '../logs.ts';
import { componentsOf, describeDevice, OFFLINE, ONLINE, statesOf, Topics, valuesOf, type States } from './topics.ts';

/** Interval of comparisons with what was sent, ms. */
const LOOK_MS = 1_000;
/** First and longest pause before the next try to connect, ms. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
const CONNECT_LIMIT_MS = 10_000;
/** Seconds between signs of life; the broker sends the last will after half as much again. */
const KEEPALIVE_S = 20;
/** Time for which the end of the server waits for the broker, ms. */
const LAST_MS = 2_000;
/** Session id of requests from the broker; it never equals that of a console's holder. */
const NO_SESSION = -1;

export interface MqttPorts {
  snapshot: () => Snapshot;
  operations: Pick<Operations, 'start'>;
  /** Adds an event about a node, or null. */
  event(level: 'notice' | 'warning', addr: Address | null, text: string): void;
  /** Raises the alarm with this predicate of a sentence about the server; null clears it. */
  alarm(text: string | null): void;
}

export class Mqtt {
  readonly #config: MqttConfig;
  readonly #ports: MqttPorts;
  readonly #topics: Topics;
  readonly #broker: string;
  readonly #timer: NodeJS.Timeout;
  #client: MqttClient | null = null;
  #retry: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_RETRY_MS;
  #closed = false;
  /** What the broker has on each topic; empty after each connect. */
  readonly #sent = new Map<string, string>();
  #valuesAt = -Infinity;
  /** Entities of all descriptions so far, by their platforms. */
  readonly #described = new Map<string, string>();

  constructor(config: MqttConfig, ports: MqttPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#topics = new Topics(config, ports.snapshot().rack.name);
    this.#broker = `${config.host}:${config.port ?? (config.tls ? 8883 : 1883)}`;
    this.#timer = setInterval(() => this.#publish(), LOOK_MS).unref();
    void this.#connect();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    this.#ports.alarm(null);
    const client = this.#client;
    if (client === null) return;
    const limit = setTimeout(() => client.end(true), LAST_MS);
    if (client.connected)
      await client.publishAsync(this.#topics.status, OFFLINE, { retain: true, qos: 1 }).catch(() => undefined);
    await client.endAsync().catch(() => undefined);
    clearTimeout(limit);
  }

  /** Connects; never rejects. Secrets are read for each connection. */
  async #connect(): Promise<void> {
    let why = 'it closed the connection';
    try {
      const client = connect(await this.#options());
      if (this.#isClosed()) {
        client.end(true);
        return;
      }
      this.#client = client;
      client.on('connect', () => this.#connected(client));
      client.on('message', (topic, payload, { retain }) => this.#onMessage(topic, payload.toString(), retain));
      client.on('error', (error) => (why = messageOf(error)));
      client.once('close', () => this.#lost(why));
    } catch (error) {
      this.#lost(messageOf(error));
    }
  }

  async #options(): Promise<IClientOptions> {
    const { host, tls, ca, user, password } = this.#config;
    return {
      host,
      port: Number(this.#broker.split(':').at(-1)),
      protocol: tls ? 'mqtts' : 'mqtt',
      clientId: `${this.#topics.rack}_${process.pid}`,
      // Requests that were sent while the server was away are not kept for it.
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_LIMIT_MS,
      reconnectPeriod: 0,
      queueQoSZero: false,
      will: { topic: this.#topics.status, payload: Buffer.from(OFFLINE), retain: true, qos: 1 },
      ...(ca === undefined ? {} : { ca: await readCertificate(ca) }),
      ...(user === undefined ? {} : { username: user }),
      ...(password === undefined ? {} : { password: await readSecret(password) }),
    };
  }

  /** The server may be closed while a secret is read. */
  #isClosed(): boolean {
    return this.#closed;
  }

  #connected(client: MqttClient): void {
    this.#pauseMs = FIRST_RETRY_MS;
    this.#sent.clear();
    this.#valuesAt = -Infinity;
    this.#ports.alarm(null);
    const wanted = [this.#topics.status, ...(this.#config.power === 'none' ? [] : [this.#topics.commands])];
    client.subscribe(wanted, { qos: 1 }, (error) => {
      if (error)
        this.#ports.event('warning', null, `mqtt: ${this.#broker} refuses ${wanted.join(', ')}: ${error.message}`);
    });
    this.#send(this.#topics.status, ONLINE);
    this.#publish();
  }

  #lost(why: string): void {
    this.#client?.end(true);
    this.#client = null;
    if (this.#closed) return;
    this.#ports.alarm(`cannot reach its MQTT broker ${this.#broker} (${why}): retrying`);
    this.#retry = setTimeout(() => void this.#connect(), this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_RETRY_MS, this.#pauseMs * 2);
  }

  /** Sends everything that differs from what the broker has. */
  #publish(): void {
    if (this.#client?.connected !== true) return;
    const snapshot = this.#ports.snapshot();
    this.#describe(snapshot);
    this.#sendAll(statesOf(snapshot, this.#topics));
    if (snapshot.now - this.#valuesAt < this.#config.interval * 1000) return;
    this.#valuesAt = snapshot.now;
    this.#sendAll(valuesOf(snapshot, this.#topics));
  }

  #describe(snapshot: Snapshot): void {
    const { discovery } = this.#topics;
    if (discovery === null) return;
    const { power } = this.#config;
    this.#send(discovery, describeDevice(snapshot, this.#topics, { power, version: VERSION, gone: this.#described }));
    for (const [id, { platform }] of Object.entries(componentsOf(snapshot, this.#topics, power)))
      this.#described.set(id, platform);
  }

  #sendAll(states: States): void {
    for (const [topic, text] of states) this.#send(topic, text);
  }

  #send(topic: string, text: string): void {
    if (this.#sent.get(topic) === text) return;
    this.#sent.set(topic, text);
    this.#client?.publish(topic, text, { retain: true });
  }

  #onMessage(topic: string, text: string, retained: boolean): void {
    if (topic === this.#topics.status) {
      // The last will of an earlier connection, which the broker gave up only now.
      if (text === OFFLINE && !this.#closed) this.#client?.publish(topic, ONLINE, { retain: true });
      return;
    }
    const addr = this.#topics.commandAddress(topic);
    if (addr === null || this.#config.power === 'none') return;
    const verb = text === 'ON' ? 'on' : text === 'OFF' ? 'off' : null;
    if (retained) this.#refuse(addr, `a retained request is ignored: ${text.slice(0, 20)}`);
    else if (verb === null) this.#refuse(addr, `expected ON or OFF, not ‘${text.slice(0, 20)}’`);
    else void this.#switch(addr, verb);
  }

  #refuse(addr: Address, why: string): void {
    this.#ports.event('warning', addr, `mqtt: ${why}`);
  }

  /** Starts an operation as any client does: every guard applies. Never rejects. */
  async #switch(addr: Address, verb: 'on' | 'off'): Promise<void> {
    const name = this.#ports.snapshot().rack.nodes.find((node) => node.addr === addr)?.name;
    if (name === undefined) {
      this.#refuse(addr, 'there is no such node');
      return;
    }
    const by: ClientIdentity = { user: 'mqtt', from: this.#broker, tty: null, program: 'mqtt', pid: process.pid };
    try {
      await this.#ports.operations.start(
        {
          ...{ verb, nodes: [addr], label: name, confirm: verb === 'off' ? name : null },
          ...{ deadlineS: null, onDeadline: 'leave', takeConsole: false },
        },
        by,
        NO_SESSION,
      );
    } catch (error) {
      this.#refuse(addr, `${verb} of ${name} was refused: ${messageOf(error)}`);
    }
  }
}
