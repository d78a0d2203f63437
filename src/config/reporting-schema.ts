/**
 * Schema of the sections that report the rack to other programs: metrics. None of them is on unless it is configured.
 */
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** True for an address that only programs on this machine can reach. */
function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

const absolutePath = z.string().regex(/^\/[^\0]*[^/\0]$/, 'an absolute path, e.g. /run/rackui/metrics.sock');

/** Metrics for Prometheus: by HTTP on a port or a Unix socket, or as a file for node_exporter. */
export const metrics = z
  .strictObject({
    address: z.union([z.ipv4(), z.ipv6()], 'an IPv4 or IPv6 address').default('127.0.0.1'),
    port: z.number().int().min(1).max(65_535).optional(),
    /** Allows an address that other machines can reach. Nobody is asked for a password there. */
    beyondLoopback: z.boolean().default(false),
    socket: absolutePath.optional(),
    /** File in the folder that node_exporter reads with --collector.textfile.directory. */
    textfile: absolutePath.regex(/\.prom$/, 'a path that ends in .prom: node_exporter reads no other files').optional(),
    /** Interval at which the file is written, s. */
    interval: z.number().min(1).max(3600).default(15),
  })
  .superRefine(({ address, port, beyondLoopback, socket, textfile }, context) => {
    if (port === undefined && socket === undefined && textfile === undefined)
      context.addIssue({ code: 'custom', message: 'give port, socket or textfile: nothing is reported otherwise' });
    if (!isLoopback(address) && !beyondLoopback)
      context.addIssue({
        code: 'custom',
        path: ['address'],
        message:
          'other machines can reach it and nobody is asked for a password: add beyondLoopback: true, or use 127.0.0.1',
      });
  });
export type MetricsConfig = z.infer<typeof metrics>;

/** Says what other machines can reach, for the check of a configuration; empty: nothing. */
export function exposures({ metrics: served }: { metrics?: MetricsConfig | undefined }): string[] {
  if (served?.port === undefined || isLoopback(served.address)) return [];
  return [
    `warning: the metrics at ${served.address} port ${served.port} can be read from other machines, without a password`,
  ];
}
