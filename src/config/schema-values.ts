/** Values that several sections of the configuration share. */
import { z } from 'zod';

export const seconds = z.number().positive().max(86_400);

export const baud = z.union([z.literal(115200), z.literal(9600), z.literal(19200), z.literal(57600)]);

/** A secret comes from a file or from a program's output, never from the configuration's text. */
export const secret = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ command: z.array(z.string().min(1)).min(1) }),
]);
export type SecretSource = z.infer<typeof secret>;
