/** What can be asked of the control socket: one table, from which the help text is made too. */
import type { SimHost } from './host.ts';
import { noBmcFaults, noBusFaults } from './faults.ts';
import { BOOT_STOPS } from './guest/boot-log.ts';
import { noGuestFaults, type GuestFaults } from './guest/faults.ts';
import { SHUTDOWN_STYLES } from './guest/shutdown-log.ts';
import { POWER_STATES, type SimNode } from './node.ts';
import { parseDialect } from './dialect.ts';
import { hexAddress } from './rack.ts';

interface Param {
  name: string;
  /** A switch is `on` (default) or `off`; nodes are an address, a name, several with commas between, or `all`. */
  kind: 'nodes' | 'number' | 'switch' | 'word';
  default?: string | number | boolean;
}

interface Given {
  nodes: SimNode[];
  number: number;
  on: boolean;
  word: string;
}

interface Verb {
  params: Param[];
  help: string;
  run: (host: SimHost, given: Given, at: number) => unknown;
}

const NODES: Param = { name: 'node', kind: 'nodes' };
const ANY_NODES: Param = { ...NODES, default: 'all' };
const ON: Param = { name: 'on', kind: 'switch', default: true };

/** A fault of each named node. */
function fault(params: Param[], help: string, set: (node: SimNode, given: Given, at: number) => void): Verb {
  return {
    params: [NODES, ...params],
    help,
    run: (_host, given, at) => {
      for (const node of given.nodes) set(node, given, at);
    },
  };
}

/** A guest's fault that is there or not. */
const guestSwitch = (
  help: string,
  name: { [Name in keyof GuestFaults]: GuestFaults[Name] extends boolean ? Name : never }[keyof GuestFaults],
): Verb => fault([ON], help, (node, { on }) => (node.guest.faults[name] = on));

/** One of several words, or the Error that lists them. */
function oneOf<T extends string>(what: string, word: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === word);
  if (found === undefined) throw new Error(`${what} can be ${choices.join(', ')}, not '${word}'`);
  return found;
}

const word = (name: string): Param => ({ name, kind: 'word' });

const number = (name: string, value?: number): Param => ({
  name,
  kind: 'number',
  ...(value === undefined ? {} : { default: value }),
});

const VERBS: Record<string, Verb> = {
  help: { params: [], help: 'this list', run: helpText },
  state: {
    params: [ANY_NODES],
    help: 'the true state of nodes, and of the bus',
    run: ({ simulator: { rack }, port }, { nodes }, at) => ({
      bus: {
        port,
        locked: rack.locked,
        pipe: rack.pipe === null ? null : hexAddress(rack.pipe),
        console: rack.consoleNode === null ? null : hexAddress(rack.consoleNode.addr),
        dead: rack.master.power === 'off',
      },
      nodes: nodes.map((node) => node.describe(at)),
    }),
  },
  counters: { params: [], help: 'what was counted', run: ({ simulator }) => simulator.rack.counters() },
  'reset-counters': { params: [], help: 'count from zero', run: ({ simulator }) => simulator.rack.resetCounters() },
  clear: {
    params: [ANY_NODES],
    help: 'no faults any more, of nodes and bus',
    run: ({ simulator }, { nodes }) => {
      simulator.rack.faults = noBusFaults();
      for (const node of nodes) {
        node.faults = noBmcFaults();
        node.guest.faults = noGuestFaults();
      }
    },
  },
  silent: fault([ON], 'the BMC hears and says nothing', (node, { on }) => (node.faults.silent = on)),
  garble: fault([number('share', 0.3)], 'so much of its replies is damaged (0 to 1)', (node, given) => {
    node.faults.garble = given.number;
  }),
  torn: fault([ON], 'its replies stop in the middle', (node, { on }) => (node.faults.torn = on)),
  slow: fault([number('ms')], 'it takes so much longer for each reply', (node, given) => {
    node.faults.slowMs = given.number;
  }),
  'wrong-id': fault([word('as')], "its replies carry another's address, or off", (node, { word }) => {
    node.faults.wrongId = word === 'off' ? null : Number.parseInt(word, 16);
  }),
  'off-ignored': fault([ON], '\\ has no effect', (node, { on }) => (node.faults.offIgnored = on)),
  'on-ignored': fault([ON], '/ has no effect', (node, { on }) => (node.faults.onIgnored = on)),
  'off-late': fault([number('ms')], 'the status says on for so long after \\', (node, given) => {
    node.faults.offLateMs = given.number;
  }),
  'console-ignored': fault([ON], '~ has no effect: keys reach its BIOS', (node, { on }) => {
    node.faults.consoleIgnored = on;
  }),
  disabled: fault([ON], 'the BMC reports disabled', (node, { on }, at) => {
    node.switchPower(on ? 'disabled' : 'on', at);
  }),
  power: fault([word('state')], 'true power: on, off or disabled', (node, { word }, at) => {
    node.switchPower(oneOf('power', word, POWER_STATES), at);
  }),
  hang: guestSwitch('the guest ignores everything and says nothing', 'hung'),
  flood: guestSwitch('kernel messages without end', 'flood'),
  'no-getty': guestSwitch('nothing answers on its console', 'noGetty'),
  'shutdown-hangs': guestSwitch('its shutdown never comes to the end', 'shutdownHangs'),
  dirty: guestSwitch('file systems stay busy at shutdown', 'dirty'),
  'reboots-instead': guestSwitch('whatever is asked for, it starts again', 'rebootsInstead'),
  'firmware-after-halt': guestSwitch("the bootloader speaks after the kernel's last line", 'firmwareAfterHalt'),
  'halt-draws-idle': guestSwitch('halted, it draws what it draws when idle', 'haltDrawsIdle'),
  inhibited: guestSwitch('somebody holds a shutdown inhibitor', 'inhibited'),
  'sudo-password': guestSwitch('sudo asks for the password', 'sudoPassword'),
  'stop-job': fault([number('seconds', 20)], 'a service takes so long to stop', (node, given) => {
    node.guest.faults.stopJobS = given.number;
  }),
  'shutdown-style': fault([word('style')], `how it goes down: ${SHUTDOWN_STYLES.join(', ')}`, (node, given) => {
    node.guest.faults.style = oneOf('style', given.word, SHUTDOWN_STYLES);
  }),
  'boot-stops': fault(
    [word('where')],
    `its start ends early: ${BOOT_STOPS.join(', ')}; or not: never`,
    (node, given) => {
      node.guest.faults.bootStops = given.word === 'never' ? null : oneOf('where', given.word, BOOT_STOPS);
    },
  ),
  hostname: fault([word('name')], "the guest goes by another machine's name", (node, given) => {
    node.guest.faults.hostname = given.word;
  }),
  panic: fault([], "the guest's kernel panics", (node, _given, at) => node.guest.panic(node.guestTime(at))),
  shutdown: {
    params: [NODES],
    help: 'asks its system to shut down, as somebody who came by ssh: the command’s exit code and words',
    run: (_host, { nodes: [node] }, at) => node?.guest.shutDownBySsh(node.guestTime(at)),
  },
  output: {
    params: [NODES],
    help: 'what the guest printed last, heard by anybody or not',
    run: (_host, { nodes }, at) => {
      for (const node of nodes) node.advance(at);
      return nodes.map((node) => node.guest.recent).join('\n');
    },
  },
  noise: {
    params: [number('chance', 0.5)],
    help: 'stray bytes ahead of exchanges, with this chance (0 to 1)',
    run: ({ simulator }, given) => void (simulator.rack.faults.noise = given.number),
  },
  mute: {
    params: [ON],
    help: 'the whole bus hears nothing',
    run: ({ simulator }, { on }) => void (simulator.rack.faults.silent = on),
  },
  wedge: {
    params: [NODES],
    help: 'a pipe to the node is open that nobody closed',
    run: ({ simulator }, { nodes }) => {
      for (const node of nodes) simulator.rack.wedge(node.addr);
    },
  },
  lock: { params: [], help: 'the BMC is locked again', run: ({ simulator }) => void (simulator.rack.locked = true) },
  unplug: { params: [], help: 'the device and its link vanish', run: (host) => host.unplug() },
  replug: { params: [], help: 'they come back; the result is the device', run: (host) => host.plug() },
  dialect: {
    params: [word('switches')],
    help: 'change dialect switches, as --dialect',
    run: ({ simulator: { rack } }, { word }) => void (rack.dialect = parseDialect(word, rack.dialect)),
  },
};

/** Does it. Throws an Error in words for a verb or a value that does not exist. Returns the result. */
export function perform(host: SimHost, name: string, params: Record<string, unknown>): unknown {
  const verb = find(name);
  const unknown = Object.keys(params).filter((key) => !verb.params.some((param) => param.name === key));
  if (unknown.length > 0) throw new Error(`${name} has no '${unknown.join("', '")}': ${usage(name, verb)}`);
  const given: Given = { nodes: [], number: 0, on: true, word: '' };
  for (const param of verb.params) {
    const value = params[param.name] ?? param.default;
    if (value === undefined) throw new Error(`${name} needs '${param.name}': ${usage(name, verb)}`);
    take(given, param, value, host);
  }
  const result = verb.run(host, given, host.simulator.now());
  host.simulator.wake();
  return result;
}

/** The words of a command line as parameters: in order, or as name=value. Throws an Error in words. */
export function paramsFromWords(name: string, words: readonly string[]): Record<string, unknown> {
  const verb = find(name);
  const params: Record<string, unknown> = {};
  let position = 0;
  for (const word of words) {
    const [, key, value] = /^([a-z]+)=(.*)$/s.exec(word) ?? [];
    if (key !== undefined && verb.params.some((param) => param.name === key)) params[key] = value;
    else {
      const param = verb.params[position++];
      if (param === undefined) throw new Error(`${name} has nothing that '${word}' could be: ${usage(name, verb)}`);
      params[param.name] = word;
    }
  }
  return params;
}

function find(name: string): Verb {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!verb) throw new Error(`no verb '${name}'; there are ${Object.keys(VERBS).join(', ')}`);
  return verb;
}

function take(given: Given, { kind, name }: Param, value: unknown, host: SimHost): void {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  switch (kind) {
    case 'nodes':
      given.nodes = findNodes(host, text);
      break;
    case 'number':
      given.number = Number(text === '' ? NaN : text);
      if (!(given.number >= 0)) throw new Error(`'${name}' is a number, 0 or more`);
      break;
    case 'switch':
      if (value !== true && value !== false && text !== 'on' && text !== 'off')
        throw new Error(`'${name}' is on or off`);
      given.on = value === true || text === 'on';
      break;
    case 'word':
      given.word = text;
  }
}

function findNodes({ simulator: { rack } }: SimHost, text: string): SimNode[] {
  const all = [...rack.nodes.values()];
  if (text === 'all') return all;
  return text.split(',').map((word) => {
    const node = all.find(({ addr, name }) => name === word || hexAddress(addr) === word.toLowerCase());
    if (!node) throw new Error(`no node '${word}' in this rack: give an address (03), a name, or all`);
    return node;
  });
}

function usage(name: string, { params }: Verb): string {
  return [
    name,
    ...params.map((p) => (p.default === undefined ? p.name.toUpperCase() : `[${p.name}=${p.default}]`)),
  ].join(' ');
}

function helpText(): string {
  const rows = Object.entries(VERBS).map(([name, verb]) => [usage(name, verb), verb.help] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join('\n');
}
