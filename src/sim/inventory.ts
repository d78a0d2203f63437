/** Which nodes stand in the simulated rack: from the same file that a rack's owner writes. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export interface RackPlan {
  name: string;
  /** Address of the BMC at the host's end of the line. */
  master: number;
  nodes: { addr: number; name: string }[];
}

/** Reads a rack file. Throws an Error in words for a file that describes no rack. */
export function readRackPlan(path: string): RackPlan {
  const file = record(parse(readFileSync(path, 'utf8')));
  const list = file['nodes'];
  if (!Array.isArray(list) || list.length === 0)
    throw new Error(`${path} describes no nodes: a list 'nodes' with addr or pos, and name`);
  const nodes = list.map((entry: unknown) => {
    const node = record(entry);
    const name = text(node['name']);
    const addr = text(node['addr']) === null ? fromPosition(text(node['pos'])) : fromHex(text(node['addr']));
    if (addr === null) throw new Error(`${path}: node '${name ?? '?'}' has neither an addr (00 to 7f) nor a pos (A-0)`);
    return { addr, name: name ?? numberedName(addr), role: text(node['role']) };
  });
  nodes.sort((a, b) => a.addr - b.addr);
  if (new Set(nodes.map((node) => node.addr)).size !== nodes.length)
    throw new Error(`${path}: an address occurs twice`);
  const master = nodes.find((node) => node.role === 'master') ?? nodes[0];
  return {
    name: text(file['name']) ?? 'rack',
    master: master?.addr ?? 0,
    nodes: nodes.map(({ addr, name }) => ({ addr, name })),
  };
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

/** `B-2`: rows from A at the top, four slots each (bus-protocol section 1). */
function fromPosition(pos: string | null): number | null {
  const match = /^([A-Z])-([0-3])$/i.exec(pos ?? '');
  if (!match?.[1] || !match[2]) return null;
  return 4 * (match[1].toUpperCase().charCodeAt(0) - 65) + Number(match[2]);
}

function fromHex(addr: string | null): number | null {
  return /^[0-7]?[0-9a-f]$/i.test(addr ?? '') ? Number.parseInt(addr ?? '', 16) : null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** YAML reads an unquoted address 03 as a number: it is text here all the same. */
function text(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
