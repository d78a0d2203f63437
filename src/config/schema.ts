/**
 * Schema of the configuration file: nodes, consoles, plans, ssh and hooks, UPSes and outage policies, and the list of
 * several racks. `load.ts` adds places to its errors.
 */
import * as z from 'zod';
import { messageOf } from '../lib/errors.ts';
import { formatPosition, parseAddress, parsePosition } from '../rack/address.ts';
import { DEPENDENCE_RULES } from '../rack/plan.ts';
import { http, kubernetes, metrics, mqtt, systemLog } from './reporting-schema.ts';
import { refuseSshOption } from './ssh-options.ts';
import { absolutePath, baud, compilePattern, ownCommands, seconds, secret } from './value-types.ts';

/** A regular expression of RE2, matched against one console line without control characters. */
const linePattern = z
  .string()
  .min(1)
  .max(500)
  .superRefine((text, context) => {
    try {
      compilePattern(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
    }
  });

/** A trigger for console lines. A name alone is one of the built-in ones. */
const trigger = z.union([
  z.enum(['panic', 'oops', 'oom', 'login-failure', 'boot-error']),
  z.strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and hyphens'),
    match: linePattern,
    /** A selector: only on these nodes. */
    nodes: z.string().min(1).default('all'),
    level: z.enum(['notice', 'warning', 'alarm']).default('alarm'),
    /** Only the first match of each boot, before its login prompt. */
    boot: z.boolean().default(false),
  }),
]);
export type TriggerConfig = z.infer<typeof trigger>;

const consoleSection = z
  .strictObject({
    /** Milliseconds between bytes to a node: 2 were seen to be safe. */
    pacing: z.number().min(0.5).max(1000).default(2),
    scrollback: z.number().int().min(100).max(100_000).default(2000),
    baud: baud.default(115200),
    /** `idle`: while an open console is silent, other nodes are read one by one, each in a short gap. */
    telemetry: z.enum(['pause', 'idle']).default('pause'),
    /** Seconds in which `idle` reads every node once. */
    idle: z.number().min(1).max(3600).default(15),
    /** Folder of a Unix socket for each node's console, named as the node; none: there are no such sockets. */
    sockets: absolutePath.optional(),
    triggers: z.array(trigger).max(64).default(['panic', 'oops', 'oom']),
    /** The logs on the disk: sizes in MB. */
    log: z
      .strictObject({
        size: z.number().min(0.01).max(1024).default(8),
        days: z.number().positive().max(3650).default(7),
        keep: z.number().int().min(0).max(99).default(4),
        total: z.number().min(1).max(1_000_000).default(1024),
        free: z.number().min(0).max(1_000_000).default(100),
      })
      .prefault({}),
  })
  .prefault({});

/** A linear calibration of current, measured by the owner. */
const calibration = z.strictObject({
  /** Amperes for each count. */
  amps: z.number().positive().max(10),
  /** Counts at zero current. */
  zero: z.number().min(0).max(255).default(0),
});

/** One node of the rack. */
export const nodeSchema = z
  .strictObject({
    addr: z.union([z.string(), z.number()]).optional(),
    pos: z.string().optional(),
    name: z
      .string()
      .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/, 'a host name: letters, digits, dots and hyphens')
      .optional(),
    role: z.string().max(32).optional(),
    cluster: z.string().max(32).optional(),
    ip: z.union([z.ipv4(), z.ipv6()], 'an IPv4 or IPv6 address').optional(),
    mac: z.string().optional(),
    /** Number of its VLAN: only for the sheet of the rack. */
    vlan: z.number().int().min(1).max(4094).optional(),
    chassisFan: z.number().int().positive().optional(),
    /** Baud rate of this node's UART, where it is not `console.baud`. */
    baud: baud.optional(),
    protected: z.boolean().optional(),
    /** UID of the board's BMC, as `#` reports it: another one in this slot raises an alarm. */
    uid: z
      .string()
      .regex(/^[\x20-\x7e]{1,80}$/, 'the UID as rackui discover shows it')
      .optional(),
    /** Calibration of this node's current, where it differs from the rack's. */
    calibration: calibration.optional(),
  })
  .transform((raw, ctx) => {
    // An unquoted 10 in YAML is the number ten, and 0x10 sixteen: only quoted text keeps its digits.
    if (typeof raw.addr === 'number')
      ctx.addIssue({ code: 'custom', path: ['addr'], message: `write the address as quoted hex, e.g. "0a"` });
    const byAddr = typeof raw.addr === 'string' ? parseAddress(raw.addr) : null;
    const byPos = raw.pos === undefined ? null : parsePosition(raw.pos);
    if (typeof raw.addr === 'string' && byAddr === null)
      ctx.addIssue({ code: 'custom', path: ['addr'], message: 'two hex digits from "00" to "7f"' });
    if (raw.pos !== undefined && byPos === null)
      ctx.addIssue({ code: 'custom', path: ['pos'], message: 'a row letter and a slot 0 to 3, e.g. A-3' });
    if (byAddr !== null && byPos !== null && byAddr !== byPos)
      ctx.addIssue({
        code: 'custom',
        path: ['pos'],
        message: `address "${String(raw.addr)}" is position ${formatPosition(byAddr)}, not ${raw.pos ?? ''} (address = 4*row + slot)`,
      });
    if (raw.addr === undefined && raw.pos === undefined)
      ctx.addIssue({ code: 'custom', message: 'a node needs addr or pos' });
    return { ...raw, addr: byAddr ?? byPos ?? 0 };
  });

export const planName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'letters, digits, dots, hyphens and underscores');

/** One step of a plan; `rack/plan.ts` checks it against the rack. */
const planStep = z.strictObject({
  name: planName,
  selector: z.string().min(1).max(1000),
  action: z.enum(['on', 'off', 'cycle']),
  /** Names of steps that must have ended before; default: the step before. */
  needs: z.array(planName).max(32).optional(),
  /** Nodes at once; default 4 for off and cycle; for on one a blade. */
  parallel: z.number().int().min(1).max(128).optional(),
  /** Seconds between two starts; default 0 for off and cycle, 2 for on. */
  stagger: z.number().min(0).max(3600).optional(),
  verify: z.enum(['status', 'boot']).default('boot'),
  /** Time limit of each node, s. */
  deadline: seconds.optional(),
  onDeadline: z.enum(['leave', 'cut']).default('leave'),
  onFail: z.enum(['pause', 'skip', 'abort']).default('pause'),
});

const plan = z.strictObject({
  description: z.string().max(200).optional(),
  /** Dependence rules that this plan may break. */
  overrides: z.array(z.enum(DEPENDENCE_RULES)).optional(),
  steps: z.array(planStep).min(1).max(32),
});

export const sshOption = z.string().superRefine((option, context) => {
  const refusal = refuseSshOption(option);
  if (refusal !== null) context.addIssue({ code: 'custom', message: refusal });
});

const ssh = z.strictObject({
  user: z
    .string()
    .regex(/^[A-Za-z_][\w.-]{0,31}$/, 'a login name')
    .optional(),
  port: z.number().int().min(1).max(65_535).default(22),
  /** Private key file; default: the one that the system's ssh finds. */
  identity: z.string().min(1).optional(),
  options: z.array(sshOption).max(32).default([]),
  /** Time limit of one request, s. */
  limit: seconds.default(10),
});

/** Fields allowed in braces in the arguments of a hook around off and on; the node's values replace them. */
const HOOK_FIELDS = ['name', 'ip', 'addr', 'pos', 'role', 'cluster', 'op', 'verb'] as const;
/** Fields allowed in braces in the arguments of a hook for messages. */
export const MESSAGE_FIELDS = ['rack', 'when', 'level', 'kind', 'node', 'count', 'time', 'title', 'text'] as const;

/** Moments at which a hook gets a message. */
const MESSAGE_MOMENTS = ['alarm', 'alarm-cleared', 'event'] as const;
type MessageMoment = (typeof MESSAGE_MOMENTS)[number];

/**
 * A hook: a program that runs around a node's off or on, or gets messages, as an argument vector, never through a
 * shell.
 */
export const hook = z
  .strictObject({
    when: z.enum(['before-off', 'after-off', 'after-on', ...MESSAGE_MOMENTS]),
    /** A selector: only for these nodes. For messages `all` includes those that concern no node. */
    nodes: z.string().min(1).default('all'),
    run: z.array(z.string()).min(1).max(64),
    /** Seconds after which it is killed. */
    limit: seconds.default(60),
    /** An armed run leaves the node on where this hook fails; else it continues without it. */
    required: z.boolean().default(false),
    /** The lowest level of events that are sent; default: warning. */
    level: z.enum(['info', 'notice', 'warning', 'alarm']).optional(),
  })
  .superRefine((one, context) => {
    const fields: readonly string[] = isMessageHook(one) ? MESSAGE_FIELDS : HOOK_FIELDS;
    one.run.forEach((argument, index) => {
      if ([...argument.matchAll(/\{(\w*)\}/g)].every(([, field = '']) => fields.includes(field))) return;
      const message = `braces hold one of ${fields.map((field) => `{${field}}`).join(' ')}`;
      context.addIssue({ code: 'custom', path: ['run', index], message });
    });
    const refuse = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (one.required && isMessageHook(one)) refuse('required', 'is for before-off, after-off and after-on');
    if (one.level !== undefined && one.when !== 'event') refuse('level', 'is for when: event');
  });
export type HookConfig = z.infer<typeof hook>;
export type MessageHook = HookConfig & { when: MessageMoment };

/** True for a hook that gets messages; false for one that runs around a node's off or on. */
export function isMessageHook<H extends Pick<HookConfig, 'when'>>(one: H): one is H & { when: MessageMoment } {
  return MESSAGE_MOMENTS.some((moment) => moment === one.when);
}

/** A UPS, as NUT's upsd names it. */
export const ups = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "the UPS's name at its upsd: letters, digits, . _ -"),
  host: z.string().min(1).max(255).default('127.0.0.1'),
  port: z.number().int().min(1).max(65_535).default(3493),
  /** User that registers with upsd, so that a primary upsmon waits (HOSTSYNC) until the rack is down. */
  user: z.string().min(1).max(64).optional(),
  password: secret.optional(),
  tls: z.boolean().default(false),
  /** File with the certificate authority of upsd; default: the system's. */
  ca: z.string().min(1).optional(),
  /** Selector of the nodes that the UPS feeds. */
  nodes: z.string().min(1).max(1000).default('all'),
  /** Interval of requests, s. */
  poll: z.number().min(0.2).max(300).default(2),
});
export type UpsConfig = z.infer<typeof ups>;

const policy = z.strictObject({
  /** Names of its UPSes; default: all. */
  ups: z.array(z.string()).min(1).max(16).optional(),
  /** Number of them that must deliver; default: all. */
  needs: z.number().int().min(1).max(16).optional(),
  onBattery: z
    .array(z.strictObject({ after: z.number().min(0).max(86_400), run: planName }))
    .max(16)
    .default([]),
  /**
   * The last plan, which runs when the battery lasts just long enough for it; default: shed-all, where there is one.
   */
  last: planName.optional(),
  /** Seconds between the last plan's predicted end and the end of the battery. */
  margin: z.number().min(0).max(3600).default(60),
  /** Seconds that a full battery lasts at least, for a UPS that does not report it. */
  runtime: seconds.optional(),
  restore: z
    .strictObject({
      /** Seconds for which mains must be back. */
      after: z.number().min(0).max(86_400).default(120),
      /** Charge that the battery must have, per cent, where the UPS reports it. */
      charge: z.number().min(0).max(100).default(50),
      /**
       * Plan that switches nodes on; default: bring-up, where there is one; else all at once, a blade's nodes one
       * after another.
       */
      run: planName.optional(),
    })
    .prefault({}),
});
export type PolicyConfig = z.infer<typeof policy>;

/** One policy, or one for each group of UPSes. */
const outage = z.union([policy, z.array(policy).min(1).max(16)]);

const keyText = z.string('a key, or a list of keys, as text: p, Ctrl-P, F5, "9"').min(1).max(32);

/** Settings of the operator's terminal. */
export const interfaceWishes = z
  .strictObject({
    mouse: z.boolean().default(false),
    /** Rings the terminal's bell for new alarms. */
    bell: z.boolean().default(false),
  })
  .prefault({});

/** Keys of the interface: context, command, key or keys. Their names are checked by the interface. */
export const keyWishes = z
  .record(z.string(), z.record(z.string(), z.union([keyText, z.array(keyText).min(1).max(8)])))
  .default({});

export const configSchema = z.strictObject({
  name: z.string().max(64).default('rack'),
  /** Device of the bus. */
  port: z.string().min(1).default('/dev/serial0'),
  /** The unlock string, where it is not the documented default. */
  unlock: secret.optional(),
  nodes: z.array(nodeSchema).max(128).default([]),
  /** Calibration of current, counts to amperes; without it, current is shown in counts. */
  calibration: calibration.optional(),
  /** Limits of a node's values, counts; null: no alarm. */
  alarms: z
    .strictObject({
      fanStopped: z.number().int().min(0).max(255).nullable().default(8),
      currentHigh: z.number().int().min(1).max(255).nullable().default(null),
      currentCollapsed: z.number().min(0).max(1).nullable().default(0.5),
      /** Time for which a value must be beyond its limit, s. */
      after: z.number().min(0).max(3600).default(10),
      /** Time after power-on before a node's fan and collapsing current are evaluated, s. */
      settle: z.number().min(0).max(3600).default(60),
    })
    .prefault({}),
  poll: z
    .strictObject({
      interval: seconds.default(1),
      /** Milliseconds between two exchanges on a clean bus; damaged replies increase it for a while. */
      gap: z.number().min(0).max(1000).default(0),
    })
    .prefault({}),
  console: consoleSection,
  server: z
    .strictObject({
      /** Time for which an autostarted server stays without clients and operations, s. */
      linger: seconds.default(60),
      /** Group with control; default: the owner's. */
      group: z.string().optional(),
      /** Access through the view-only socket. */
      viewOnly: z
        .strictObject({
          /** Group with view access; default: that of `server.group`, else the owner alone. */
          group: z.string().optional(),
          /** Gives every local user view access. */
          everyone: z.boolean().default(false),
          /** Allows reading console output and watching open consoles. */
          consoleText: z.boolean().default(false),
        })
        .prefault({}),
    })
    .prefault({}),
  /** Credentials for a shutdown request on a node's console. */
  login: z.strictObject({ user: z.string().min(1), password: secret }).optional(),
  /** Requests to nodes by ssh. Without this section nothing is ever sent over the network. */
  ssh: ssh.optional(),
  /** Programs around off and on (`kubectl drain {name}`). */
  hooks: z.array(hook).max(32).default([]),
  /** Time limits of the graceful shutdown's phases, s (shutdown section 1). */
  shutdown: z
    .strictObject({
      request: seconds.default(60),
      acknowledged: seconds.default(15),
      stopping: seconds.default(180),
      hard: seconds.default(300),
      settle: seconds.default(5),
      cyclePause: seconds.default(2),
      /**
       * The weakest evidence on which power is cut without a prompt: `A` the kernel's last line; `B` also: console
       * silent, network gone and current steady in the node's halt band, all three.
       */
      cutOn: z.enum(['A', 'B']).default('A'),
      /** For grade B: time for which the network must be gone, and the current steady, s. */
      networkGone: seconds.default(100),
      steady: seconds.default(15),
    })
    .prefault({}),
  interface: interfaceWishes,
  keys: keyWishes,
  /** Commands of the interface's operators. */
  commands: ownCommands,
  /** Plans by name: `rackui plan run NAME`. */
  plans: z.record(planName, plan).default({}),
  /** UPSes that the server queries through NUT's upsd. */
  ups: z.array(ups).max(16).default([]),
  /** Outage policies: plans and their times on battery, the last plan, and the plan that switches nodes on again. */
  outage: outage.optional(),
  /** Program and arguments that shut down the master, this machine, at the end of a plan. */
  poweroff: z.array(z.string().min(1)).min(1).max(64).optional(),
  /** Metrics for Prometheus; without this section nothing listens. */
  metrics: metrics.optional(),
  /** Broker that gets the rack's states; without this section nothing is sent. */
  mqtt: mqtt.optional(),
  /** The HTTP interface for programs; none: nothing listens. */
  http: http.optional(),
  /** The system's log, which gets events and the audit log; none: they are only in the state directory. */
  systemLog: systemLog.optional(),
  /** Program that reads the nodes of a Kubernetes cluster; none: nothing is known of one. */
  kubernetes: kubernetes.optional(),
  /** Proof of a boot after a node was switched on. */
  boot: z
    .strictObject({
      /** Accepted proof: `any` is a prompt on its console, or its ssh port where ssh is configured. */
      proof: z.enum(['any', 'console', 'ssh', 'status']).default('any'),
      /** Time limit of the proof, s. */
      limit: seconds.default(120),
    })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;
