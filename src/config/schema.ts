/** The configuration file's shape; larger sections have files of their own. YAML positions for errors are added by `load.ts`. */
import { z } from 'zod';
import { consoleSection } from './schema-console.ts';
import { calibration, node } from './schema-node.ts';
import { outage, ups } from './schema-outage.ts';
import { plan, planName } from './schema-plan.ts';
import { hook, ssh } from './schema-programs.ts';
import { seconds, secret } from './schema-values.ts';

const keyText = z.string('a key, or a list of keys, as text: p, Ctrl-P, F5, "9"').min(1).max(32);

/** The operator's terminal. */
const interfaceWishes = z
  .strictObject({
    mouse: z.boolean().default(false),
    /** Rings for new alarms. */
    bell: z.boolean().default(false),
  })
  .prefault({});

/** Keys of the interface: place, command, key or keys. Which there are only the interface knows. */
const keyWishes = z
  .record(z.string(), z.record(z.string(), z.union([keyText, z.array(keyText).min(1).max(8)])))
  .default({});

/** One process serves them all, and one row of tabs shows them. */
const MOST_RACKS = 8;
const RACK_FILES = 'a list of the racks’ files, e.g. [north.yaml, south.yaml]';
const RACK_FILE = 'the path of a rack’s configuration file';

/** A file that lists the files of several racks, and says how the interface that shows them all is used. */
export const rackListSchema = z.strictObject(
  {
    racks: z.array(z.string(RACK_FILE), RACK_FILES).min(1, RACK_FILES).max(MOST_RACKS, `${MOST_RACKS} at most`),
    interface: interfaceWishes,
    keys: keyWishes,
  },
  'a file with racks: holds only interface and keys beside it; what is one rack’s stands in that rack’s file',
);
export type RackListConfig = z.infer<typeof rackListSchema>;

export const configSchema = z.strictObject({
  name: z.string().max(64).default('rack'),
  /** Device of the bus. */
  port: z.string().min(1).default('/dev/serial0'),
  /** The unlock string, where it is not the documented default. */
  unlock: secret.optional(),
  nodes: z.array(node).max(128).default([]),
  /** Of current: counts become amperes; without it they stay counts. */
  calibration: calibration.optional(),
  /** When values are an alarm; counts, null: never. */
  alarms: z
    .strictObject({
      fanStopped: z.number().int().min(0).max(255).nullable().default(8),
      currentHigh: z.number().int().min(1).max(255).nullable().default(null),
      currentCollapsed: z.number().min(0).max(1).nullable().default(0.5),
      /** Seconds for which it must last. */
      after: z.number().min(0).max(3600).default(10),
      /** Seconds after which a node that came on is judged by its fan and by a current that collapses. */
      settle: z.number().min(0).max(3600).default(60),
    })
    .prefault({}),
  poll: z
    .strictObject({
      interval: seconds.default(1),
      /** Milliseconds kept between two exchanges on a clean bus; damaged replies make it more for a while. */
      gap: z.number().min(0).max(1000).default(0),
    })
    .prefault({}),
  console: consoleSection,
  server: z
    .strictObject({
      /** Seconds an autostarted server stays without clients and operations. */
      linger: seconds.default(60),
      /** Group that may control; default: the owner's. */
      group: z.string().optional(),
      /** Those who may look through the view-only socket. */
      viewOnly: z
        .strictObject({
          /** Group that may look; default: that of `server.group`, else the owner alone. */
          group: z.string().optional(),
          /** Every local user may look. */
          everyone: z.boolean().default(false),
          /** What consoles show may be read, and open ones watched. */
          consoleText: z.boolean().default(false),
        })
        .prefault({}),
    })
    .prefault({}),
  /** Credentials for asking a node to shut down on its console. */
  login: z.strictObject({ user: z.string().min(1), password: secret }).optional(),
  /** Asking nodes by ssh. Without this section nothing is ever sent over the network. */
  ssh: ssh.optional(),
  /** Programs around off and on (`kubectl drain {name}`). */
  hooks: z.array(hook).max(32).default([]),
  /** Limits of the graceful shutdown's states, seconds (shutdown section 1). */
  shutdown: z
    .strictObject({
      request: seconds.default(60),
      acknowledged: seconds.default(15),
      stopping: seconds.default(180),
      hard: seconds.default(300),
      settle: seconds.default(5),
      cyclePause: seconds.default(2),
      /**
       * The weakest evidence on which power is cut without asking: `A` the kernel's last line; `B` too: console silent,
       * network gone and current steady in the node's halt band, all three.
       */
      cutOn: z.enum(['A', 'B']).default('A'),
      /** For grade B: how long the network must have been gone, and the current steady. */
      networkGone: seconds.default(100),
      steady: seconds.default(15),
    })
    .prefault({}),
  interface: interfaceWishes,
  keys: keyWishes,
  /** Named sequences: `rackui plan run NAME`. */
  plans: z.record(planName, plan).default({}),
  /** UPSes that the server asks, through NUT's upsd. */
  ups: z.array(ups).max(16).default([]),
  /** What an outage demands: after how long which plan, when the last one, and what brings nodes back. */
  outage: outage.optional(),
  /** The program (and its arguments) by which the master, this machine, shuts itself down at the end of a plan. */
  poweroff: z.array(z.string().min(1)).min(1).max(64).optional(),
  /** After a node was switched on. */
  boot: z
    .strictObject({
      /** What shows that it came up: `any` is a prompt on its console, or its ssh port where ssh is configured. */
      proof: z.enum(['any', 'console', 'ssh', 'status']).default('any'),
      /** Seconds for it to show. */
      limit: seconds.default(120),
    })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;
