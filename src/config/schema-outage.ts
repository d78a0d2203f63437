/** UPSes, and what is done when they lose the mains. */
import { z } from 'zod';
import { planName } from './schema-plan.ts';
import { seconds, secret } from './schema-values.ts';

/** A UPS as NUT's upsd knows it. */
export const ups = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "the UPS's name at its upsd: letters, digits, . _ -"),
  host: z.string().min(1).max(255).default('127.0.0.1'),
  port: z.number().int().min(1).max(65_535).default(3493),
  /** Registers with upsd, so that a primary upsmon waits (HOSTSYNC) until the rack is down. */
  user: z.string().min(1).max(64).optional(),
  password: secret.optional(),
  tls: z.boolean().default(false),
  /** File with the authority that signed upsd's certificate; default: the system's. */
  ca: z.string().min(1).optional(),
  /** Selector of the nodes that it feeds. */
  nodes: z.string().min(1).max(1000).default('all'),
  /** Seconds between two questions. */
  poll: z.number().min(0.2).max(300).default(2),
});
export type UpsConfig = z.infer<typeof ups>;

const policy = z.strictObject({
  /** Names of its UPSes; default: all. */
  ups: z.array(z.string()).min(1).max(16).optional(),
  /** How many of them have to deliver; default: all. */
  needs: z.number().int().min(1).max(16).optional(),
  onBattery: z
    .array(z.strictObject({ after: z.number().min(0).max(86_400), run: planName }))
    .max(16)
    .default([]),
  /** The plan that runs when the battery lasts just for it; default: shed-all, where there is one. */
  last: planName.optional(),
  /** Seconds kept between the last plan's predicted end and the end of the battery. */
  margin: z.number().min(0).max(3600).default(60),
  /** Seconds that a full battery lasts at least, for a UPS that does not say. */
  runtime: seconds.optional(),
  restore: z
    .strictObject({
      /** Seconds for which mains must be back. */
      after: z.number().min(0).max(86_400).default(120),
      /** Per cent that the battery must have, where the UPS says. */
      charge: z.number().min(0).max(100).default(50),
      /** Default: bring-up, where there is one; else all at once, a blade's nodes one after another. */
      run: planName.optional(),
    })
    .prefault({}),
});
export type PolicyConfig = z.infer<typeof policy>;

/** One policy, or one for each group of UPSes. */
export const outage = z.union([policy, z.array(policy).min(1).max(16)]);
