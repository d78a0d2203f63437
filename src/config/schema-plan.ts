/** A plan in the configuration. */
import { z } from 'zod';
import { DEPENDENCE_RULES } from '../rack/plan.ts';
import { seconds } from './schema-values.ts';

export const planName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'letters, digits, dots, hyphens and underscores');

/** One step of a plan; what it means for the rack is checked by `rack/plan.ts`. */
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
  /** Seconds for each node. */
  deadline: seconds.optional(),
  onDeadline: z.enum(['leave', 'cut']).default('leave'),
  onFail: z.enum(['pause', 'skip', 'abort']).default('pause'),
});

export const plan = z.strictObject({
  description: z.string().max(200).optional(),
  /** Guards' rules about what depends on a node that this plan may break. */
  overrides: z.array(z.enum(DEPENDENCE_RULES)).optional(),
  steps: z.array(planStep).min(1).max(32),
});
