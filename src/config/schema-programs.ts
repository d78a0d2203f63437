/** Programs that the configuration lets run: ssh to the nodes, and hooks around off and on. */
import { z } from 'zod';
import { seconds } from './schema-values.ts';
import { refuseSshOption } from './ssh-options.ts';

const sshOption = z.string().superRefine((option, context) => {
  const refusal = refuseSshOption(option);
  if (refusal !== null) context.addIssue({ code: 'custom', message: refusal });
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
  /** An armed run leaves the node on where this one fails; else it goes on without. */
  required: z.boolean().default(false),
});
export type HookConfig = z.infer<typeof hook>;
