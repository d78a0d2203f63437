/** Which nodes stand in the simulated rack: from the same file that a rack's owner writes. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

export interface RackPlan {
  name: string;
  /** Address of the BMC at the host's end of the line. */
  master: number;
  nodes: { addr: number; name: string }[];
}

// Only what the simulator needs; everything else in the file is the console's business.
const file = z.object({
  name: z.string().default('rack'),
  nodes: z
    .array(
      z.object({
        addr: z.string().optional(),
        pos: z.string().optional(),
        name: z.string().optional(),
        role: z.string().optional(),
      }),
    )
    .min(1),
});

/** Reads a rack file. Throws an Error in words for a file that describes no rack. */
export function readRackPlan(path: string): RackPlan {
  const parsed = file.safeParse(parse(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path} describes no nodes: a list 'nodes' with addr or pos, and name`);
  const nodes = parsed.data.nodes.map((node) => {
    const addr = node.addr === undefined ? fromPosition(node.pos ?? '') : Number.parseInt(node.addr, 16);
    if (!(addr >= 0 && addr <= 0x7f)) throw new Error(`${path}: node '${node.name ?? '?'}' has neither addr nor pos`);
    return { addr, name: node.name ?? numberedName(addr), role: node.role };
  });
  nodes.sort((a, b) => a.addr - b.addr);
  const master = nodes.find((node) => node.role === 'master') ?? nodes[0];
  if (new Set(nodes.map((node) => node.addr)).size !== nodes.length)
    throw new Error(`${path}: an address occurs twice`);
  return { name: parsed.data.name, master: master?.addr ?? 0, nodes };
}

/** A rack of `count` nodes that nobody named. */
export function numberedRack(count: number): RackPlan {
  const nodes = Array.from({ length: count }, (_, addr) => ({ addr, name: numberedName(addr) }));
  return { name: `sim${count}`, master: 0, nodes };
}

/** The reference rack that comes with the program; beside the sources and in the installed package alike. */
export function referenceRackPath(): string | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, 'src/config/racks/er24a.yaml');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return null;
  }
}

function numberedName(addr: number): string {
  return `node-${addr.toString(16).padStart(2, '0')}`;
}

/** `B-2`: rows from A at the top, four slots each (PROTOCOL section 1); NaN for anything else. */
function fromPosition(pos: string): number {
  const match = /^([A-Z])-([0-3])$/i.exec(pos);
  if (!match?.[1] || !match[2]) return NaN;
  return 4 * (match[1].toUpperCase().charCodeAt(0) - 65) + Number(match[2]);
}
