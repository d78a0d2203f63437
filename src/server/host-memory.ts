/**
 * By which name each node last called itself on its console: `hosts.json` in the state directory, because a name read
 * yesterday still guards the cut of today, whichever server is asked.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { formatAddress, type Address } from '../rack/address.ts';
import type { HostSeen } from '../rack/host-name.ts';

/** A name that is seen again and again is written again only after this long, ms. */
const REWRITE_MS = 60_000;

const fileShape = z.record(
  z.string().regex(/^[0-7][0-9a-f]$/),
  z.object({ host: z.string().regex(/^[\w.-]{1,253}$/), at: z.number() }),
);

export class HostMemory {
  readonly path: string;
  readonly #trouble: (text: string) => void;
  readonly #seen: Map<Address, HostSeen>;
  #told = false;

  /** A file that cannot be read or written is no reason not to serve: `trouble` is told, once. */
  constructor(stateDir: string, trouble: (text: string) => void) {
    this.path = join(stateDir, 'hosts.json');
    this.#trouble = trouble;
    this.#seen = this.#read();
  }

  /** The last name, of whatever age, or null. */
  get(addr: Address): HostSeen | null {
    return this.#seen.get(addr) ?? null;
  }

  saw(addr: Address, host: string, at: number): void {
    const before = this.#seen.get(addr);
    this.#seen.set(addr, { host, at });
    if (before?.host !== host || at - before.at >= REWRITE_MS) this.#write();
  }

  #read(): Map<Address, HostSeen> {
    try {
      const entries = Object.entries(fileShape.parse(JSON.parse(readFileSync(this.path, 'utf8'))));
      return new Map(entries.map(([addr, seen]) => [Number.parseInt(addr, 16), seen]));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        this.#tell(`the host names seen before (${this.path}) cannot be read`);
      return new Map();
    }
  }

  #write(): void {
    const entries = [...this.#seen].map(([addr, seen]) => [formatAddress(addr), seen]);
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.path}.new`, `${JSON.stringify(Object.fromEntries(entries))}\n`, { mode: 0o600 });
      renameSync(`${this.path}.new`, this.path);
      this.#told = false;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#tell(`the host names seen on consoles cannot be kept: ${why}`);
    }
  }

  #tell(text: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#trouble(text);
  }
}
