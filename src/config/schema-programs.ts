/** Programs that the configuration lets run: ssh to the nodes, and hooks around off and on. */
import { z } from 'zod';
import { seconds } from './schema-values.ts';

/** Options of ours that no configuration may change: ssh takes the first value, and these come first. */
const FIXED_SSH_OPTIONS =
  /^(?:BatchMode|StrictHostKeyChecking|PreferredAuthentications|\w*Authentication|RemoteCommand|RequestTTY|ForkAfterAuthentication|SessionType|ControlPersist)$/i;

const sshOption = z
  .string()
  .regex(/^[A-Za-z]+=[^\r\n\0]*$/, 'an ssh option as KEY=VALUE, e.g. ProxyJump=gate.example')
  .refine((option) => !FIXED_SSH_OPTIONS.test(option.split('=')[0] ?? ''), {
    error: ({ input }) =>
      `${String(input).split('=')[0] ?? ''} is not for the configuration: keys only, host keys checked, always`,
  });

export const ssh = z.strictObject({
  user: z
    .string()
    .regex(/^[A-Za-z_][\w.-]{0,31}$/, 'a login name')
    .optional(),
  port: z.number().int().min(1).max(65_535).default(22),
  /** Private key file; default: what the system's ssh finds. */
  identity: z.string().min(1).optional(),
  options: z.array(sshOption).max(32).default([]),
  /** Seconds for one request. */
  limit: seconds.default(10),
});

/** What may stand in braces in a hook's arguments; the node's values replace it. */
const HOOK_FIELDS = ['name', 'ip', 'addr', 'pos', 'role', 'cluster', 'op', 'verb'] as const;

const hookArgument = z
  .string()
  .refine(
    (argument) =>
      [...argument.matchAll(/\{(\w*)\}/g)].every(([, field]) => HOOK_FIELDS.some((known) => known === field)),
    { error: `braces hold one of ${HOOK_FIELDS.map((field) => `{${field}}`).join(' ')}` },
  );

/** A program that runs at a point of a node's way down or up: an argument vector, never a shell's line. */
export const hook = z.strictObject({
  when: z.enum(['before-off', 'after-off', 'after-on']),
  /** A selector: only for these nodes. */
  nodes: z.string().min(1).default('all'),
  run: z.array(hookArgument).min(1).max(64),
  /** Seconds after which it is killed. */
  limit: seconds.default(60),
});
export type HookConfig = z.infer<typeof hook>;
