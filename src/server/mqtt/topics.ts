/** What an MQTT broker gets of a rack: states by topic, and the rack's description for Home Assistant. Pure. */
import type { Snapshot } from '../../api/methods.ts';
import type { MqttConfig } from '../../config/reporting-schema.ts';
import { type Address, formatAddress, formatPosition, parseAddress } from '../../rack/address.ts';
import { ampsOf } from '../../rack/calibration.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { presentSample, type Reading, type Sample } from '../../rack/reading.ts';

export const ONLINE = 'online';
export const OFFLINE = 'offline';

/** Retained messages by topic. */
export type States = ReadonlyMap<string, string>;

/** A name as a part of a topic and of Home Assistant's ids. */
function idOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '_');
}

export class Topics {
  readonly rack: string;
  readonly base: string;
  /** The server's availability: `online`, and `offline` as its last will. */
  readonly status: string;
  readonly discovery: string | null;

  constructor({ prefix, discovery }: Pick<MqttConfig, 'prefix' | 'discovery'>, rackName: string) {
    this.rack = `rackui_${idOf(rackName)}`;
    this.base = `${prefix}/${idOf(rackName)}`;
    this.status = `${this.base}/status`;
    this.discovery = discovery === null ? null : `${discovery}/device/${this.rack}/config`;
  }

  node(addr: Address, leaf: 'state' | 'values' | 'status' | 'power/set'): string {
    return `${this.base}/node/${formatAddress(addr)}/${leaf}`;
  }

  ups(name: string, leaf: 'state' | 'status'): string {
    return `${this.base}/ups/${idOf(name)}/${leaf}`;
  }

  get rackState(): string {
    return `${this.base}/state`;
  }

  get commands(): string {
    return `${this.base}/node/+/power/set`;
  }

  /** Returns the address in a topic of commands; null: it is none. */
  commandAddress(topic: string): Address | null {
    const [, hex] = /\/node\/([^/]+)\/power\/set$/.exec(topic) ?? [];
    return hex === undefined || !topic.startsWith(`${this.base}/`) ? null : parseAddress(hex);
  }
}

function sampleOf(snapshot: Snapshot, addr: Address): Sample | null {
  const reading: Reading = snapshot.nodes.find((node) => node.addr === addr)?.reading ?? { state: 'unasked' };
  return presentSample(reading, snapshot.now);
}

/** Returns the states that are sent whenever they change. What is not known is null, or its topic is `offline`. */
export function statesOf(snapshot: Snapshot, topics: Topics): States {
  const states = new Map<string, string>();
  const { rack, bus, alarms, operations, outage } = snapshot;
  const active = alarms.filter(({ clearedAt }) => clearedAt === null);
  const samples = rack.nodes.map(({ addr }) => sampleOf(snapshot, addr));
  const state = {
    bus: bus.state,
    nodes: rack.nodes.length,
    on: samples.filter((sample) => sample?.power === 'on').length,
    unknown: samples.filter((sample) => sample === null).length,
    alarms: active.length,
    problem: active.length > 0 ? 'ON' : 'OFF',
    operations: operations.filter(({ endedAt }) => endedAt === null).length,
  };
  states.set(topics.rackState, JSON.stringify(state));
  rack.nodes.forEach(({ addr, name }, index) => {
    const sample = samples[index] ?? null;
    const known = snapshot.nodes.find((node) => node.addr === addr);
    const kinds = active.filter((alarm) => alarm.addr === addr).map(({ kind }) => kind);
    states.set(topics.node(addr, 'status'), sample === null ? OFFLINE : ONLINE);
    states.set(
      topics.node(addr, 'state'),
      JSON.stringify({
        name,
        position: formatPosition(addr),
        power: sample === null ? null : sample.power === 'on' ? 'ON' : 'OFF',
        disabled: sample === null ? null : sample.power === 'disabled',
        system: sample?.power === 'on' ? (known?.system?.system ?? 'unknown') : null,
        alarms: kinds,
        problem: kinds.length > 0 ? 'ON' : 'OFF',
        operation: known?.op ?? null,
      }),
    );
  });
  for (const { ups } of outage.policies)
    for (const { name, state, charge, runtimeS, load, low } of ups) {
      states.set(topics.ups(name, 'status'), state === 'unknown' ? OFFLINE : ONLINE);
      const known = state !== 'unknown';
      const shown = (value: number | null): number | null => (known && value !== null ? Math.round(value) : null);
      const battery = known ? (state === 'battery' ? 'ON' : 'OFF') : null;
      const values = { charge: shown(charge), runtime: shown(runtimeS), load: shown(load) };
      states.set(topics.ups(name, 'state'), JSON.stringify({ battery, low: known ? low : null, ...values }));
    }
  return states;
}

/** Returns the measured values, which change with every sweep. */
export function valuesOf(snapshot: Snapshot, topics: Topics): States {
  return new Map(
    snapshot.rack.nodes.flatMap(({ addr, calibration }) => {
      const sample = sampleOf(snapshot, addr);
      if (sample === null) return [];
      const amperes = ampsOf(sample.current, calibration);
      const value = { current: sample.current, amperes: amperes && Math.round(amperes * 1000) / 1000, fan: sample.fan };
      return [[topics.node(addr, 'values'), JSON.stringify(value)]];
    }),
  );
}

/** One entity of Home Assistant's discovery. */
type Component = Readonly<Record<string, unknown>> & { platform: string };

/** Returns the entities of the rack by their ids, after Home Assistant's device discovery. */
export function componentsOf(
  { rack, outage }: Snapshot,
  topics: Topics,
  power: MqttConfig['power'],
): Record<string, Component> {
  const components: Record<string, Component> = {};
  const add = (id: string, status: string | null, component: Component): void => {
    const uniqueId = `${topics.rack}_${id}`;
    const all = status === null ? [topics.status] : [topics.status, status];
    const availability = all.map((topic) => ({ topic }));
    components[uniqueId] = { ...component, unique_id: uniqueId, availability, availability_mode: 'all' };
  };
  const value = (key: string): string => `{{ value_json.${key} }}`;
  const ofRack = (key: string): object => ({ state_topic: topics.rackState, value_template: value(key) });
  add('bus', null, { platform: 'sensor', name: 'Bus', icon: 'mdi:serial-port', ...ofRack('bus') });
  add('on', null, { platform: 'sensor', name: 'Nodes on', state_class: 'measurement', ...ofRack('on') });
  add('problem', null, { platform: 'binary_sensor', name: 'Alarm', device_class: 'problem', ...ofRack('problem') });
  for (const node of rack.nodes) addNode(node, { topics, power, add, value });
  for (const { ups } of outage.policies)
    for (const { name } of ups) {
      const id = `ups_${idOf(name)}`;
      const sensor = { platform: 'sensor', state_topic: topics.ups(name, 'state'), state_class: 'measurement' };
      const status = topics.ups(name, 'status');
      add(`${id}_battery`, status, {
        ...{ platform: 'binary_sensor', name: `UPS ${name} on battery`, icon: 'mdi:power-plug-off' },
        ...{ state_topic: topics.ups(name, 'state'), value_template: value('battery') },
      });
      const measured = (key: string, label: string, unit: string, deviceClass: object): void =>
        add(`${id}_${key}`, status, {
          ...{ ...sensor, name: `UPS ${name} ${label}`, unit_of_measurement: unit, value_template: value(key) },
          ...deviceClass,
        });
      measured('charge', 'charge', '%', { device_class: 'battery' });
      measured('runtime', 'time left', 's', { device_class: 'duration' });
      measured('load', 'load', '%', {});
    }
  return components;
}

interface Adding {
  topics: Topics;
  power: MqttConfig['power'];
  add: (id: string, status: string, component: Component) => void;
  value: (key: string) => string;
}

function addNode({ addr, name, calibration }: InventoryNode, { topics, power, add, value }: Adding): void {
  const id = formatAddress(addr);
  const status = topics.node(addr, 'status');
  const state = (key: string): object => ({ state_topic: topics.node(addr, 'state'), value_template: value(key) });
  const measured = (key: string): object => ({
    ...{ state_topic: topics.node(addr, 'values'), value_template: value(key), state_class: 'measurement' },
  });
  add(`${id}_power`, status, {
    ...{ platform: 'binary_sensor', name: `${name} power`, device_class: 'power' },
    ...state('power'),
  });
  add(`${id}_system`, status, { platform: 'sensor', name: `${name} system`, icon: 'mdi:linux', ...state('system') });
  add(`${id}_problem`, status, {
    ...{ platform: 'binary_sensor', name: `${name} alarm`, device_class: 'problem' },
    ...state('problem'),
  });
  add(`${id}_current`, status, {
    ...{ platform: 'sensor', name: `${name} current`, ...measured(calibration === null ? 'current' : 'amperes') },
    ...(calibration === null ? {} : { device_class: 'current', unit_of_measurement: 'A' }),
  });
  add(`${id}_fan`, status, { platform: 'sensor', name: `${name} fan`, icon: 'mdi:fan', ...measured('fan') });
  if (power === 'none') return;
  // Switched off until its owner enables it there.
  add(`${id}_switch`, status, {
    ...{ platform: 'switch', name: `${name} switch`, enabled_by_default: false, ...state('power') },
    ...{ command_topic: topics.node(addr, 'power/set'), payload_on: 'ON', payload_off: 'OFF' },
  });
}

/**
 * Returns Home Assistant's description of the rack, one device with all its entities. `gone`: entities of an earlier
 * description, by their platforms, which it removes.
 */
export function describeDevice(
  snapshot: Snapshot,
  topics: Topics,
  { power, version, gone }: { power: MqttConfig['power']; version: string; gone: ReadonlyMap<string, string> },
): string {
  const present = componentsOf(snapshot, topics, power);
  const removed = [...gone].filter(([id]) => !(id in present)).map(([id, platform]) => [id, { platform }] as const);
  return JSON.stringify({
    device: {
      ...{ identifiers: [topics.rack], name: `Rack ${snapshot.rack.name}`, manufacturer: 'BitScope' },
      ...{ model: `rack of ${snapshot.rack.nodes.length} nodes`, sw_version: version },
    },
    origin: { name: 'rackui', sw_version: version },
    components: { ...Object.fromEntries(removed), ...present },
  });
}
