/**
 * Keeps the runs of plans over several racks in the state directory, one file each: a state is on the disk before it is
 * acted on, and readers see the old one or the new one. The program that drives a run holds its claim, a socket that the
 * kernel closes however the program ends; others leave their orders to it in a file.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type KeptTime, keepTime, recallTime, steadyNow } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { type FleetRun, partsOf } from '../rack/fleet-plan.ts';

/** What an operator orders at a run that another program drives. */
export type FleetOrder = 'pause' | 'abort';

/** A run as it is on the disk. */
export interface FleetRecord extends FleetRun {
  /** File that lists the racks. */
  list: string;
  /** Random; names its requests and its claim. */
  key: string;
  started: KeptTime;
  ended: KeptTime | null;
  /** Seconds after the start at which nothing more is started; null: none. */
  deadlineS: number | null;
}

/** Ended runs that are kept. */
const KEPT = 20;

export class FleetJournal {
  readonly #directory: string;

  /** `stateDir`: of this user's programs. */
  constructor(stateDir: string) {
    this.#directory = join(stateDir, 'fleet');
  }

  /** Returns the runs for this list of racks, oldest first, and the files that cannot be read. */
  read(list: string): { runs: FleetRecord[]; problems: string[] } {
    const runs: FleetRecord[] = [];
    const problems: string[] = [];
    for (const file of this.#files()) {
      const path = join(this.#directory, file);
      try {
        const record = JSON.parse(readFileSync(path, 'utf8')) as FleetRecord;
        if (!Array.isArray(record.steps) || partsOf(record).some(({ request }) => typeof request !== 'string'))
          throw new Error('it is no run');
        if (record.list === list) runs.push(record);
      } catch (error) {
        problems.push(`the run in ${path} cannot be read: ${messageOf(error)}`);
      }
    }
    return { runs: runs.sort((a, b) => a.started.wall - b.started.wall), problems };
  }

  /** Replaces the run's file; it is on the disk when this returns. @throws Error with the disk's reason */
  write(record: FleetRecord): void {
    if (record.state === 'ended') record.ended ??= now();
    try {
      this.#replace(record);
    } catch (error) {
      throw new Error(`the journal of run ${record.id} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  #replace(record: FleetRecord): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(record.id);
    // A new file, for its owner only: a link planted at the name is removed, not followed.
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(`${path}.new`, path);
    const directory = openSync(this.#directory, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }

  /** Deletes the oldest ended runs of a list. */
  prune(list: string): void {
    const ended = this.read(list).runs.filter(({ state }) => state === 'ended');
    for (const { id } of ended.slice(0, -KEPT)) rmSync(this.#path(id), { force: true });
  }

  /** Leaves an order to the program that drives the run. */
  order(id: string, order: FleetOrder): void {
    writeFileSync(this.#orderPath(id), order, { mode: 0o600 });
  }

  /** Returns the order that was left, once; null: none. */
  takeOrder(id: string): FleetOrder | null {
    try {
      const order = readFileSync(this.#orderPath(id), 'utf8');
      rmSync(this.#orderPath(id), { force: true });
      return order === 'pause' || order === 'abort' ? order : null;
    } catch {
      return null;
    }
  }

  #files(): string[] {
    try {
      return readdirSync(this.#directory).filter((file) => /^f\w+\.json$/.test(file));
    } catch {
      return [];
    }
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }

  #orderPath(id: string): string {
    return join(this.#directory, `${id}.order`);
  }
}

/** Returns an id as plans of one rack have it; `f` marks a run over several racks. */
export function nextFleetId(before: readonly FleetRecord[]): string {
  const taken = new Set(before.map(({ id }) => id));
  let second = Math.floor(steadyNow() / 1000);
  while (taken.has(`f${second.toString(36)}`)) second++;
  return `f${second.toString(36)}`;
}

/** Seconds left until the run's deadline, 0 when it has passed; null: it has none, or this machine was rebooted. */
export function secondsLeft({ deadlineS, started }: FleetRecord): number | null {
  const startedAt = recallTime(started);
  if (deadlineS === null || startedAt === null) return null;
  return Math.max(0, deadlineS - (steadyNow() - startedAt) / 1000);
}

export const now = (): KeptTime => keepTime(steadyNow());

/** Claims a run for this program. Returns the function that ends it; null: another program drives it. */
export function claim({ key }: FleetRecord): Promise<(() => void) | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once('error', () => resolve(null));
    server.listen(claimName(key), () => {
      server.unref();
      resolve(() => void server.close());
    });
  });
}

/** Interval at which the state of a run is read that another program drives, ms. */
const LOOK_MS = 200;

/**
 * Gives an order to the program that drives a run, until that has obeyed or has ended. Returns the run as it is then:
 * still `running` where no program drives it. `signal` ends the tries.
 */
export async function passOrder(
  journal: FleetJournal,
  record: FleetRecord,
  order: FleetOrder,
  signal?: AbortSignal,
): Promise<FleetRecord> {
  let latest = record;
  while (latest.state === 'running' && signal?.aborted !== true && (await isDriven(record))) {
    // Again each time: a program that has just begun to drive it forgets orders from before.
    journal.order(record.id, order);
    await delay(LOOK_MS);
    latest = journal.read(record.list).runs.find(({ id }) => id === record.id) ?? latest;
  }
  return latest;
}

/** Resolves with true while a program drives the run. */
export function isDriven({ key }: FleetRecord): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(claimName(key));
    const end = (driven: boolean) => (): void => {
      socket.destroy();
      resolve(driven);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}

const claimName = (key: string): string => `\0rackui-fleet-${key}`;
