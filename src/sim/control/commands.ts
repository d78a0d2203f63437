/**
 * The verbs of the control socket, in one table: parameters, help line, and action of each.
 */
import { type GuestFaults, noGuestFaults, BOOT_STOPS, SHUTDOWN_STYLES, NETWORK_STATES } from '../guest/faults.ts';
import { ASK_TO_SHUT_DOWN } from '../guest/ssh.ts';
import type { SimHost } from '../host.ts';
import { parsePlace } from '../network.ts';
import { hexAddress } from '../rack/bus.ts';
import { noBmcFaults, noBusFaults } from '../rack/faults.ts';
import { POWER_STATES, type SimNode } from '../rack/node.ts';
import { parseDialect } from '../rack/responses.ts';

export interface Param {
  name: string;
  /** A switch is `on` (default) or `off`; nodes are an address, a name, several with commas between, or `all`. */
  kind: 'nodes' | 'number' | 'switch' | 'word';
  default?: string | number | boolean;
}

export interface Given {
  nodes: SimNode[];
  number: number;
  on: boolean;
  word: string;
}

export interface Verb {
  params: Param[];
  help: string;
  run: (host: SimHost, given: Given, at: number) => unknown;
}

const NODES: Param = { name: 'node', kind: 'nodes' };
const ANY_NODES: Param = { ...NODES, default: 'all' };
const ON: Param = { name: 'on', kind: 'switch', default: true };

/** Returns a verb that sets a fault on each named node. */
function fault(params: Param[], help: string, set: (node: SimNode, given: Given, at: number) => void): Verb {
  return {
    params: [NODES, ...params],
    help,
    run: (_host, given, at) => {
      for (const node of given.nodes) set(node, given, at);
    },
  };
}

/** Returns a verb that switches a guest's fault on or off. */
const guestSwitch = (
  help: string,
  name: { [Name in keyof GuestFaults]: GuestFaults[Name] extends boolean ? Name : never }[keyof GuestFaults],
): Verb => fault([ON], help, (node, { on }) => (node.guest.faults[name] = on));

/** Returns the one of `choices` that equals `word`, or throws an Error that lists them. */
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

/** Parses a byte of the status line; null for `truth`. */
function counts(word: string): number | null {
  if (word === 'truth') return null;
  const value = Number(word);
  if (!Number.isInteger(value) || value < 0 || value > 255) throw new Error(`'${word}': 0 to 255, or truth`);
  return value;
}

export const VERBS: Readonly<Record<string, Verb>> = {
  state: {
    params: [ANY_NODES],
    help: 'show the true state of nodes, bus and supply',
    run: ({ simulator: { rack }, port }, { nodes }, at) => ({
      bus: {
        port,
        locked: rack.locked,
        pipe: rack.pipe === null ? null : hexAddress(rack.pipe),
        console: rack.consoleNode === null ? null : hexAddress(rack.consoleNode.addr),
        dead: rack.master.power === 'off',
      },
      supply: rack.supply.describe(at),
      nodes: nodes.map((node) => node.describe(at, rack.responses.dialect.fan)),
    }),
  },
  counters: { params: [], help: 'show the counters', run: ({ simulator }) => simulator.rack.counters() },
  'reset-counters': { params: [], help: 'reset the counters', run: ({ simulator }) => simulator.rack.resetCounters() },
  clear: {
    params: [ANY_NODES],
    help: 'remove all faults of nodes and bus',
    run: ({ simulator }, { nodes }) => {
      simulator.rack.faults = noBusFaults();
      for (const node of nodes) {
        node.faults = noBmcFaults();
        node.guest.faults = noGuestFaults();
      }
    },
  },
  silent: fault([ON], 'the BMC ignores all input and sends nothing', (node, { on }) => (node.faults.silent = on)),
  garble: fault([number('share', 0.3)], 'this share of its replies is damaged (0 to 1)', (node, given) => {
    node.faults.garble = given.number;
  }),
  torn: fault([ON], 'its replies stop in the middle', (node, { on }) => (node.faults.torn = on)),
  slow: fault([number('ms')], 'each reply is so many ms later', (node, given) => {
    node.faults.slowMs = given.number;
  }),
  'wrong-id': fault([word('as')], 'its replies have this address instead of its own, or off', (node, { word }) => {
    node.faults.wrongId = word === 'off' ? null : Number.parseInt(word, 16);
  }),
  'off-ignored': fault([ON], '\\ has no effect', (node, { on }) => (node.faults.offIgnored = on)),
  'on-ignored': fault([ON], '/ has no effect', (node, { on }) => (node.faults.onIgnored = on)),
  'off-late': fault([number('ms')], 'the status shows on for so many ms after \\', (node, given) => {
    node.faults.offLateMs = given.number;
  }),
  'console-ignored': fault([ON], '~ has no effect: keys reach its BIOS', (node, { on }) => {
    node.faults.consoleIgnored = on;
  }),
  'shows-current': fault(
    [word('counts')],
    'its BMC reports this current, 0 to 255, or truth: the real one',
    (node, { word }) => {
      node.faults.showsCurrent = counts(word);
    },
  ),
  'shows-fan': fault(
    [word('counts')],
    'its BMC reports this fan speed, 0 to 255, or truth: the real one',
    (node, { word }) => {
      node.faults.showsFan = counts(word);
    },
  ),
  disabled: fault([ON], 'the BMC reports disabled', (node, { on }, at) => {
    node.switchPower(on ? 'disabled' : 'on', at);
  }),
  power: fault([word('state')], 'set the true power: on, off or disabled', (node, { word }, at) => {
    node.switchPower(oneOf('power', word, POWER_STATES), at);
  }),
  'swap-board': fault([], 'another board is in its slot: # returns another UUID', (node) => node.swapBoard()),
  jitter: fault([number('counts', 12)], 'its current varies by so many counts in both directions', (node, given) => {
    node.faults.jitter = given.number;
  }),
  saturated: fault([ON], "its current is at the sensor's maximum, ff", (node, { on }) => (node.faults.saturated = on)),
  hang: guestSwitch('the guest ignores all input and prints nothing', 'hung'),
  flood: guestSwitch('kernel messages without end', 'flood'),
  'no-getty': guestSwitch('no login on its console', 'noGetty'),
  'console-dead': guestSwitch('no byte passes its UART, though the system is up', 'consoleDead'),
  'shutdown-hangs': guestSwitch('its shutdown never ends', 'shutdownHangs'),
  claims: fault(
    [word('text')],
    'a user keeps its console open and, when its shutdown hangs, prints this text in the form of a kernel line',
    (node, { word }) => {
      node.guest.faults.claims = word;
    },
  ),
  dirty: guestSwitch('file systems stay busy at shutdown', 'dirty'),
  'quotes-log': guestSwitch(
    'during shutdown, a program on the console quotes an old log that ends in a halt',
    'quotesLog',
  ),
  'split-marker': fault(
    [number('ms', 400)],
    'its last line is sent in three pieces, so many ms apart',
    (node, given) => {
      node.guest.faults.splitMs = given.number;
    },
  ),
  'colour-marker': guestSwitch('its last line is coloured', 'coloured'),
  'reboots-instead': guestSwitch('every shutdown ends in a reboot', 'rebootsInstead'),
  'firmware-after-halt': guestSwitch("the boot loader prints a line after the kernel's last line", 'firmwareAfterHalt'),
  'halt-draws-idle': guestSwitch('a halted node draws its idle current', 'haltDrawsIdle'),
  inhibited: guestSwitch('a shutdown inhibitor is held', 'inhibited'),
  'sudo-password': guestSwitch('sudo requires the password', 'sudoPassword'),
  'stop-job': fault([number('seconds', 20)], 'a service needs so many seconds to stop', (node, given) => {
    node.guest.faults.stopJobS = given.number;
  }),
  'shutdown-style': fault([word('style')], `wording of its shutdown: ${SHUTDOWN_STYLES.join(', ')}`, (node, given) => {
    node.guest.faults.style = oneOf('style', given.word, SHUTDOWN_STYLES);
  }),
  'boot-stops': fault(
    [word('where')],
    `its boot stops there: ${BOOT_STOPS.join(', ')}; never: it does not stop`,
    (node, given) => {
      node.guest.faults.bootStops = given.word === 'never' ? null : oneOf('where', given.word, BOOT_STOPS);
    },
  ),
  hostname: fault([word('name')], "the guest has another machine's name", (node, given) => {
    node.guest.faults.hostname = given.word;
  }),
  password: fault([word('word')], 'its users have another password', (node, given) => {
    node.guest.faults.password = given.word;
  }),
  network: fault(
    [word('state')],
    `state of its network: ${NETWORK_STATES.join(', ')}; auto: by the state of its system`,
    (node, given) => {
      node.guest.faults.network = given.word === 'auto' ? null : oneOf('network', given.word, NETWORK_STATES);
    },
  ),
  oops: fault([], "the guest's kernel prints an oops and continues", (node, _given, at) =>
    node.guest.logKernelError('oops', node.guestTime(at)),
  ),
  'read-only': fault([ON], 'its card fails: the root file system becomes read-only', (node, { on }, at) => {
    if (on && !node.guest.faults.readOnly) node.guest.logKernelError('read-only', node.guestTime(at));
    node.guest.faults.readOnly = on;
  }),
  say: fault([word('text')], 'a program on the guest prints this line on the console', (node, given, at) =>
    node.guest.printText(`${given.word}\n`, node.guestTime(at)),
  ),
  panic: fault([], "the guest's kernel panics", (node, _given, at) => node.guest.panic(node.guestTime(at))),
  shutdown: {
    params: [NODES],
    help: 'request a shutdown of its system as by ssh; returns the command’s exit code and output',
    run: (_host, { nodes: [node] }, at) => node?.guest.runBySsh(ASK_TO_SHUT_DOWN, node.guestTime(at)),
  },
  ssh: {
    params: [NODES, word('command')],
    help: 'run a command line there as by ssh; returns its exit code and output',
    run: (_host, { nodes: [node], word: line }, at) => node?.guest.runBySsh(line, node.guestTime(at)),
  },
  'same-boot-id': guestSwitch('every boot has the same boot id', 'sameBootId'),
  output: {
    params: [NODES],
    help: 'show the latest output of the guest, also what no console received',
    run: (_host, { nodes }, at) => {
      for (const node of nodes) node.advance(at);
      return nodes.map((node) => node.guest.recent).join('\n');
    },
  },
  noise: {
    params: [number('chance', 0.5)],
    help: 'stray bytes before exchanges, with this probability (0 to 1)',
    run: ({ simulator }, given) => void (simulator.rack.faults.noise = given.number),
  },
  'torn-replies': {
    params: [number('share', 0.2)],
    help: 'this share of all replies (0 to 1) stops in the middle',
    run: ({ simulator }, given) => void (simulator.rack.faults.tornReplies = given.number),
  },
  mute: {
    params: [ON],
    help: 'the whole bus ignores all input',
    run: ({ simulator }, { on }) => void (simulator.rack.faults.silent = on),
  },
  wedge: {
    params: [NODES],
    help: 'a pipe to the node is open, as if a client had not closed it',
    run: ({ simulator }, { nodes }) => {
      for (const node of nodes) simulator.rack.wedge(node.addr);
    },
  },
  'drop-pipe': {
    params: [],
    help: 'the pipe closes without ^G, and a console with it',
    run: ({ simulator }) => simulator.rack.dropPipe(),
  },
  supply: {
    params: [ON, number('blade', 50)],
    help: 'limits of the supply, W: this for a blade, 300 for the rack; above them the voltage drops and boards restart',
    run: ({ simulator: { rack } }, { on, number: watts }) => {
      rack.supply.limits = on;
      rack.supply.bladeW = watts;
    },
  },
  battery: {
    params: [number('wh')],
    help: 'a full battery of so many Wh feeds the rack while the mains are off; 0: no battery',
    run: ({ simulator: { rack } }, given, at) => rack.supply.setBattery(given.number, 0, at),
  },
  upsd: {
    params: [ON],
    help: 'end the simulated upsd (off), or start it again',
    run: (host, { on }) => host.runUpsd(on),
  },
  'ups-flags': {
    params: [word('flags')],
    help: "flags of its status in addition to OL or OB, separated by commas: RB, FSD, CAL, or 'none'",
    run: (host, { word }) => void (host.upsFlags = word === 'none' ? [] : word.split(',')),
  },
  'time-scale': {
    params: [number('factor')],
    help: 'speed of guests and battery from now on; the wire is not faster',
    run: ({ simulator: { rack } }, given, at) => {
      if (!(given.number >= 0.01 && given.number <= 10_000)) throw new Error("'factor' is a number from 0.01 to 10000");
      rack.setTimeScale(given.number, at);
    },
  },
  mains: {
    params: [ON],
    help: 'the mains fail (off) or return; without energy all power is lost; afterwards nodes boot (dialect: mains)',
    run: ({ simulator: { rack } }, { on }, at) => rack.setMains(on, at),
  },
  listen: {
    params: [word('place'), number('sshd', 0)],
    help: "the nodes' ssh ports on loopback: 127.70.0:2222 is 127.70.0.3:2222 for 03; sshd: port of a real sshd for them",
    run: (host, { word, number }) => host.listen({ ...parsePlace(word), sshd: number === 0 ? null : number }),
  },
  lock: { params: [], help: 'lock the BMC again', run: ({ simulator }) => void (simulator.rack.locked = true) },
  unplug: { params: [], help: 'remove the device and its link', run: (host) => host.unplug() },
  replug: { params: [], help: 'restore both; returns the device', run: (host) => host.plug() },
  dialect: {
    params: [word('switches')],
    help: 'change dialect switches, as --dialect',
    run: ({ simulator: { rack } }, { word }) =>
      void (rack.responses.dialect = parseDialect(word, rack.responses.dialect)),
  },
};
