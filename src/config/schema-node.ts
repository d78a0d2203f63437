/** A node in the configuration: where it is, what it is called, and what is known of it. */
import { z } from 'zod';
import { formatPosition, parseAddress, parsePosition } from '../rack/address.ts';
import { baud } from './schema-values.ts';

/** Linear, as the owner measured it. */
export const calibration = z.strictObject({
  /** Amperes for each count. */
  amps: z.number().positive().max(10),
  /** The counts at which nothing flows. */
  zero: z.number().min(0).max(255).default(0),
});

export const node = z
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
    chassisFan: z.number().int().positive().optional(),
    /** Of this node's UART, where it is not `console.baud`. */
    baud: baud.optional(),
    protected: z.boolean().optional(),
    /** Of the board's BMC, as `#` tells it: another one in this slot is an alarm. */
    uid: z
      .string()
      .regex(/^[\x20-\x7e]{1,80}$/, 'the UID as rackui discover shows it')
      .optional(),
    /** Of this node's current, where it is not the rack's. */
    calibration: calibration.optional(),
  })
  .transform((raw, ctx) => {
    // An unquoted 10 in YAML is the number ten, and 0x10 sixteen: only quoted text is certain.
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
