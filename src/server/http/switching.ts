/**
 * Starts operations for callers of the HTTP interface, as any session does: every guard applies. The same request twice
 * is one operation.
 */
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import type { ClientIdentity, NodeState, Snapshot } from '../../api/methods.ts';
import { confirmationText, cuts, type Operation, type PowerRequest, seenIn, type Verb } from '../../api/power.ts';
import type { HttpVerb } from '../../config/reporting-schema.ts';
import { steadyNow, wallTime } from '../../lib/clock.ts';
import { NotFound } from '../../lib/errors.ts';
import { StateFile } from '../../lib/json-file.ts';
import type { Operations } from '../../power/operations.ts';
import { PowerRefused } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';
import type { InventoryNode } from '../../rack/inventory.ts';
import { presentSample, type Sample, STALE_AFTER_MS } from '../../rack/reading.ts';
import { select } from '../../rack/selectors.ts';
import type { System } from '../../rack/system-state.ts';
import type { Token } from './authentication.ts';
import { expectVerbs, notForToken, Problem } from './gate.ts';

/** Session id of callers by HTTP; it never equals that of a console's holder. */
export const NO_SESSION = -1;
/** Time after its success for which the same cut, without a key, is taken for the same request, ms. */
const REPEAT_MS = 30_000;
/** Keys that are remembered, and for which time, ms. */
const KEYS = 256;
const KEY_LIMIT_MS = 24 * 3_600_000;

/** Time for which a request waits for an operation that has switched its node off to end, and interval of looking, ms. */
const ENDING_MS = 10_000;
const LOOK_MS = 50;

const NEEDS: Record<Verb, HttpVerb[]> = {
  on: ['on'],
  off: ['graceful'],
  cycle: ['graceful', 'on'],
  'force-off': ['cut'],
  'force-cycle': ['cut', 'on'],
};

/** States of a system whose node has power and does not run. */
const DOWN: ReadonlySet<System> = new Set(['going-down', 'halted', 'failed']);

/** True for a token that may switch something. */
export function mayAct({ verbs }: Token): boolean {
  return verbs.has('on') || verbs.has('graceful') || verbs.has('cut');
}

export interface Wanted {
  verb: Verb;
  nodes: readonly InventoryNode[];
  /** Seconds after which a shutdown is given up; null: the limits of its phases. */
  deadlineS?: number | null | undefined;
  /** At that time: leave the node on, or cut. */
  onDeadline?: 'leave' | 'cut' | undefined;
}

const KEPT = z.array(z.object({ key: z.string(), print: z.string(), op: z.string().nullable(), at: z.number() }));
type Kept = z.infer<typeof KEPT>[number];

export interface SwitchingPorts {
  snapshot(): Snapshot;
  operations: Pick<Operations, 'check' | 'start' | 'written' | 'get' | 'list' | 'on'>;
  /** Asks a node for its status now, also beside an open console, which shows a gap then. */
  fresh(addr: Address): Promise<unknown>;
  stateDir: string;
  warn(text: string): void;
}

export class Switching {
  readonly #ports: SwitchingPorts;
  readonly #file: StateFile<Kept[]>;
  #keys: Kept[];
  /** The latest requests: each resolves with the id of its operation, or null where none began. */
  readonly #latest = new Map<string, Promise<string | null>>();

  /** Times at which nodes were asked because a caller wanted to know. */
  readonly #askedAt = new Map<Address, number>();

  constructor(ports: SwitchingPorts) {
    this.#ports = ports;
    this.#file = new StateFile(ports.stateDir, 'http-requests.json', KEPT, (text) => ports.warn(text));
    this.#keys = this.#file.read() ?? [];
  }

  /** Returns the nodes that the token may name, in address order. */
  nodesOf(token: Token): InventoryNode[] {
    const selection = select([token.nodes], this.#ports.snapshot().rack);
    return selection.ok ? selection.nodes : [];
  }

  /** Returns a node by name, address or position. @throws {NotFound} {Problem} it is not the token's */
  node(token: Token, word: string): InventoryNode {
    const { rack } = this.#ports.snapshot();
    const selection = select([word], rack);
    if (!selection.ok) throw new NotFound(selection.problem);
    const [node, second] = selection.nodes;
    if (node === undefined || second !== undefined) throw new NotFound(`'${word}' is not one node`);
    this.#expectNodes(token, [node]);
    return node;
  }

  /**
   * Returns a node as {@link Switching.node} does, once its status is known where that is possible: what asks for one
   * node, to fence it, must not fail because a console is open. Only for tokens that may act, and not more
   * often than a reading becomes old, because the console shows a gap each time.
   */
  async seenNode(token: Token, word: string): Promise<InventoryNode> {
    const node = this.node(token, word);
    const { now, state, sample } = this.#look(node.addr);
    const asked = now - (this.#askedAt.get(node.addr) ?? -Infinity) < STALE_AFTER_MS;
    if (mayAct(token) && !asked && state !== undefined && sample === null) {
      this.#askedAt.set(node.addr, now);
      await this.#ports.fresh(node.addr);
    }
    return node;
  }

  /** Returns what is known of a node at this time; `sample`: read within the last seconds, or null. */
  #look(addr: Address): { now: number; state: NodeState | undefined; sample: Sample | null } {
    const { nodes, now } = this.#ports.snapshot();
    const state = nodes.find((node) => node.addr === addr);
    return { now, state, sample: state === undefined ? null : presentSample(state.reading, now) };
  }

  /** Returns the nodes of a selector. @throws as {@link Switching.node} */
  select(token: Token, words: readonly string[]): InventoryNode[] {
    const selection = select(words, this.#ports.snapshot().rack);
    if (!selection.ok) throw new NotFound(selection.problem);
    this.#expectNodes(token, selection.nodes);
    return selection.nodes;
  }

  #expectNodes(token: Token, nodes: readonly InventoryNode[]): void {
    const own = new Set(this.nodesOf(token).map(({ addr }) => addr));
    const others = nodes.filter(({ addr }) => !own.has(addr)).map(({ name }) => name);
    if (others.length > 0)
      throw notForToken(`nothing was done: ${others.join(', ')} is not for the token ${token.name} (${token.nodes})`);
  }

  /**
   * Starts an operation, or returns the one that the same request started. `key`: the caller's key of the request;
   * null: none. @throws {Problem} {PowerRefused} and nothing was sent
   */
  async start(token: Token, by: ClientIdentity, wanted: Wanted, key: string | null): Promise<Operation> {
    expectVerbs(token, ...NEEDS[wanted.verb], ...(wanted.onDeadline === 'cut' ? (['cut'] as const) : []));
    this.#expectNodes(token, wanted.nodes);
    const addrs = wanted.nodes.map(({ addr }) => addr);
    const print = JSON.stringify([token.name, wanted.verb, addrs, wanted.deadlineS ?? null, wanted.onDeadline ?? null]);
    if (key === null) return this.#once(print, wanted, by);
    const full = `${token.name} ${key}`;
    this.#keys = this.#keys.filter(({ at }) => Math.abs(wallTime(steadyNow()) - at) < KEY_LIMIT_MS).slice(-KEYS);
    const before = this.#keys.find((one) => one.key === full);
    if (before !== undefined) return this.#again(before, print);
    const kept: Kept = { key: full, print, op: null, at: wallTime(steadyNow()) };
    // On the disk before anything is sent: a later server must not carry the request out again.
    this.#keys.push(kept);
    this.#file.write(this.#keys);
    try {
      const operation = await this.#once(print, wanted, by);
      kept.op = operation.id;
      return operation;
    } catch (error) {
      this.#keys = this.#keys.filter((one) => one !== kept);
      throw error;
    } finally {
      this.#file.write(this.#keys);
    }
  }

  /**
   * Brings one node into the state that an interface without keys asks for. Returns null where it has that state
   * already, as read within the last seconds: nothing is sent then. @throws as {@link Switching.start}
   */
  async reach(token: Token, by: ClientIdentity, verb: Verb, node: InventoryNode): Promise<Operation | null> {
    expectVerbs(token, ...NEEDS[verb]);
    await this.#untilOffHasEnded(node.addr);
    const { state, sample } = this.#look(node.addr);
    const power = state?.op === null ? (sample?.power ?? null) : null;
    // A machine that has halted is powered and not on: the operation deals with it.
    const isOn = power === 'on' && !DOWN.has(state?.system?.system ?? 'unknown');
    if ((verb === 'on' && isOn) || (verb.endsWith('off') && power === 'off')) return null;
    return this.start(token, by, { verb, nodes: [node] }, null);
  }

  /**
   * Waits while an operation whose node is seen to be off has yet to end, for example with a hook for after that: a
   * program requests the next thing as soon as it reads that the power is off.
   */
  async #untilOffHasEnded(addr: Address): Promise<void> {
    const { operations } = this.#ports;
    const id = operations.on(addr);
    if (id === null || operations.get(id)?.verb.endsWith('off') !== true) return;
    if (this.#look(addr).sample?.power !== 'off') return;
    for (const until = steadyNow() + ENDING_MS; operations.on(addr) === id && steadyNow() < until;)
      await delay(LOOK_MS);
  }

  /** Returns the operation of a request whose key was used before. */
  async #again({ op, print: first, key }: Kept, print: string): Promise<Operation> {
    const message = `nothing was sent: the key ${key.slice(key.indexOf(' ') + 1)}`;
    if (first !== print) throw new Problem(422, `${message} was used for another request`);
    const id = op ?? (await this.#latest.get(print)) ?? null;
    const operation = id === null ? null : this.#ports.operations.get(id);
    if (operation !== null) return operation;
    throw new Problem(409, `${message} was used already, and its operation is not known any more: look at the nodes`);
  }

  /** Starts the operation unless the same request is under way, or was a cut that has just succeeded. */
  async #once(print: string, wanted: Wanted, by: ClientIdentity): Promise<Operation> {
    const latest = this.#latest.get(print);
    if (latest !== undefined) {
      const id = await latest;
      const before = id === null ? null : this.#ports.operations.get(id);
      if (before !== null && (before.endedAt === null || this.#isRepeat(before))) return before;
      // Another one began while this one waited.
      if (this.#latest.get(print) !== latest) return this.#once(print, wanted, by);
    }
    const started = this.#begin(wanted, by);
    this.#latest.delete(print);
    this.#latest.set(
      print,
      started.then(
        ({ id }) => id,
        () => null,
      ),
    );
    for (const oldest of [...this.#latest.keys()].slice(0, -KEYS)) this.#latest.delete(oldest);
    return started;
  }

  #isRepeat({ verb, endedAt, startedAt, nodes }: Operation): boolean {
    if (!cuts(verb) || endedAt === null || this.#ports.snapshot().now - endedAt > REPEAT_MS) return false;
    const addrs = new Set(nodes.map(({ addr }) => addr));
    const since = this.#ports.operations.list().filter((other) => other.startedAt > startedAt);
    return (
      nodes.every(({ outcome }) => outcome === 'done') &&
      !since.some((other) => other.nodes.some(({ addr }) => addrs.has(addr)))
    );
  }

  async #begin(
    { verb, nodes, deadlineS = null, onDeadline = 'leave' }: Wanted,
    by: ClientIdentity,
  ): Promise<Operation> {
    const names = nodes.map(({ name }) => name);
    const label = names.join(' ');
    const request: PowerRequest = {
      ...{ verb, nodes: nodes.map(({ addr }) => addr), label, deadlineS, onDeadline },
      confirm: cuts(verb) ? confirmationText(names, label) : null,
      takeConsole: 'silent',
    };
    const { operations } = this.#ports;
    const check = await operations.check(request, NO_SESSION);
    const refusing = check.nodes.filter(({ refusals }) => refusals.length > 0);
    if (refusing.length > 0 && (cuts(verb) || refusing.length === nodes.length))
      throw new PowerRefused(refusing.flatMap(({ refusals }) => refusals));
    const operation = await operations.start({ ...request, seen: seenIn(check) }, by, NO_SESSION);
    await operations.written(operation.id);
    return operation;
  }
}
