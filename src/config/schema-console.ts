/** The configuration's section about consoles: speed, logs, and what a line raises. */
import { z } from 'zod';
import { compilePattern } from './pattern.ts';
import { baud } from './schema-values.ts';

/** A regular expression of RE2; it sees one line of a console, without control characters. */
const linePattern = z
  .string()
  .min(1)
  .max(500)
  .superRefine((text, context) => {
    try {
      compilePattern(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });

/** What a line on a console raises. `name` alone is one of the built-in ones. */
const trigger = z.union([
  z.enum(['panic', 'oops', 'oom', 'login-failure']),
  z.strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'lower-case letters, digits and hyphens'),
    match: linePattern,
    /** A selector: only on these nodes. */
    nodes: z.string().min(1).default('all'),
    level: z.enum(['notice', 'warning', 'alarm']).default('alarm'),
  }),
]);
export type TriggerConfig = z.infer<typeof trigger>;

export const consoleSection = z
  .strictObject({
    /** Milliseconds between bytes towards a node: 2 were seen to be safe. */
    pacing: z.number().min(0.5).max(1000).default(2),
    scrollback: z.number().int().min(100).max(100_000).default(2000),
    baud: baud.default(115200),
    /** `idle`: while a console is open and silent, some nodes are asked now and then, each time a marked gap. */
    telemetry: z.enum(['pause', 'idle']).default('pause'),
    /** Seconds of silence after which `idle` asks. */
    idle: z.number().min(1).max(3600).default(15),
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
