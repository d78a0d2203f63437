/**
 * Exchanges on the wire, each from opening a pipe to closing it. An exchange ends when the complete status line is
 * in; time-outs are only for silence.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Address, formatAddress } from '../rack/address.ts';
import type { Failure, Power, Sample } from '../rack/reading.ts';
import type { BusProfile } from './bus-profile.ts';
import {
  endOfEcho,
  endOfPipeEcho,
  findStatusLines,
  openPipe,
  SHORTEST_STATUS,
  STATUS_REQUEST,
  type StatusLine,
  verbByte,
} from './codec.ts';
import type { Transport } from './transport.ts';
import type { BmcVerb } from './types.ts';

/**
 * Wait for a line end while the form is unknown, ms: a bus that ends its lines sends the end within a character's
 * time.
 */
const TERMINATOR_MS = 4;

/** The BMC to ask: a slave through a pipe, or the master, which answers a bare `=`. */
export type Target = { kind: 'slave'; addr: Address } | { kind: 'master'; addr: Address | null };

export type Reply =
  | {
      ok: true;
      /** The sample's round trip is the whole exchange: the node had this state within that time. */
      sample: Sample;
      id: Address;
      master: boolean;
      /** From the last question to its reply, ms. */
      lagMs: number;
      /** Number of this exchange's questions that were not answered, and may still be. */
      missed: number;
    }
  /** `damaged`: the reply began as this BMC's own: the question is answered, though unreadably. */
  | { ok: false; failure: Failure; received: string; damaged: boolean };

/** Repeats in the same pipe of a question whose reply is damaged or missing, where the BMC answers at all. */
const ASKED_AGAIN = 4;

export interface Ask {
  wire: Transport;
  profile: BusProfile;
  now: () => number;
  target: Target;
  /** Time without a byte that counts as silence, ms. */
  silenceMs: number;
  /**
   * Outstanding replies of this node: so many replies are taken for late ones and not accepted, each requested again
   * in the same pipe.
   */
  outstanding: number;
  /** The power in this node's last good reply; another one is accepted only when reported twice. Null: not known. */
  known: Power | null;
}

interface Found {
  status: StatusLine;
  echoed: boolean;
  terminated: boolean;
}

/** True when the ID is the one asked and MS is that of the target. */
function belongs(status: StatusLine, target: Target): boolean {
  if (target.kind === 'slave') return status.id === target.addr && !status.master;
  return status.master && (target.addr === null || status.id === target.addr);
}

/**
 * Sends `=` (with `prefix` ahead of it) and reads the status line that answers it, or one of `late` earlier ones.
 * Rejects LineLost.
 */
async function ask(a: Ask, prefix: string, echoAddress: Address | null, late = 0): Promise<Reply> {
  const { wire, profile, target } = a;
  const begun = performance.now();
  const seen: { foreign: number; loose: Found | null; twins: boolean } = { foreign: 0, loose: null, twins: false };
  wire.listen();
  wire.send(prefix + STATUS_REQUEST);
  const scan = (text: string): Found | null => {
    if (text.length < SHORTEST_STATUS) return null;
    const echo = endOfEcho(text, echoAddress);
    if (echo < 0 ? profile.echoes : text.length - echo < SHORTEST_STATUS) return null;
    seen.foreign = 0;
    seen.loose = null;
    const lines = findStatusLines(echo < 0 ? text : ` ${text.slice(echo)}`);
    if (late === 0 && lines.length > 1) {
      const [own, ...others] = lines.filter(({ status }) => belongs(status, target));
      // Two boards that go by one address both answer; neither is accepted.
      seen.twins ||= others.some(({ status }) => !isDeepStrictEqual(status, own?.status));
    }
    if (seen.twins) return null;
    for (const match of lines) {
      const found = { status: match.status, echoed: echo >= 0, terminated: match.terminated };
      if (!belongs(match.status, target)) seen.foreign++;
      else if (match.terminated || profile.terminates === 'no') return found;
      else seen.loose = found;
    }
    return null;
  };
  // Where the bus ends its lines, a reply without its end is torn.
  const either = (text: string): Found | null => scan(text) ?? seen.loose;
  let found = await wire.receive(profile.terminates === 'yes' ? scan : either, a.silenceMs);
  // The next bytes, or their absence, decide whether it is this bus's form.
  if (found !== null && !found.terminated && profile.terminates === 'unknown')
    found = (await wire.receive(scan, TERMINATOR_MS)) ?? seen.loose;
  const received = wire.ignore();
  if (found === null) {
    const failure = failureOf(received, seen.foreign + Number(seen.twins), echoAddress);
    return { ok: false, failure, received, damaged: failure === 'garbled' && beginsAs(received, target, echoAddress) };
  }
  const rttMs = performance.now() - begun;
  profile.sawReply({ echoed: found.echoed, terminated: found.terminated, rttMs });
  const { power, current, fan } = found.status;
  return {
    ok: true,
    sample: { power, current, fan, at: a.now(), rttMs },
    lagMs: rttMs,
    missed: 0,
    id: found.status.id,
    master: found.status.master,
  };
}

/** Classifies the failure. The master echoes even for an empty address: that is silence, not a garbled reply. */
function failureOf(received: string, foreign: number, address: Address | null): Failure {
  if (foreign > 0) return 'foreign';
  const end = Math.max(endOfEcho(received, address), address === null ? -1 : endOfPipeEcho(received, address));
  const rest = (end < 0 ? received : received.slice(end)).trim();
  return rest === '' ? 'silent' : 'garbled';
}

/** True when the text behind the echo begins like a status line of this BMC. */
function beginsAs(received: string, target: Target, address: Address | null): boolean {
  const id = target.addr === null ? '[0-9a-f]{2}' : formatAddress(target.addr);
  return new RegExp(`^\\s*${id}\\s`, 'i').test(received.slice(Math.max(0, endOfEcho(received, address))));
}

/**
 * Resolves the first reply that can only answer this exchange's own question; late ones come first and are passed
 * over. Rejects LineLost.
 */
async function proven(a: Ask, prefix: string, echoAddress: Address | null): Promise<Reply> {
  const begun = performance.now();
  let [late, again, missed, answeredOnce] = [a.outstanding, ASKED_AGAIN, 0, false];
  const first = await ask(a, prefix, echoAddress, late);
  if (first.ok && late === 0) return first;
  for (let reply = first; ; reply = await ask(a, '', null, late)) {
    // A damaged reply is an answer all the same; after other answers in this exchange, a missing one was lost by the
    // line.
    const answered = reply.ok || reply.damaged;
    answeredOnce ||= answered;
    if (reply.ok && late === 0) return since(begun, { ...reply, missed });
    if (!reply.ok && (!answeredOnce || reply.failure === 'foreign' || again-- === 0)) return since(begun, reply);
    if (!answered) missed++;
    else if (late > 0) late--;
  }
}

/**
 * Asks again before a change of power is accepted: the line has no checksum, and one damaged digit makes `on` of
 * `off`.
 */
async function confirmed(a: Ask, power: Power, missed: number): Promise<Reply> {
  const again = await ask(a, '', null);
  if (!again.ok) return again;
  if (again.sample.power === power) return { ...again, missed };
  return { ok: false, failure: 'garbled', received: `power ${power}, then ${again.sample.power}`, damaged: false };
}

function since(begun: number, reply: Reply): Reply {
  return reply.ok ? { ...reply, sample: { ...reply.sample, rttMs: performance.now() - begun } } : reply;
}

/**
 * One status exchange: pipe, `=`, reply, ^G. With `keep-open` a good reply leaves the pipe open, for a console.
 * Rejects LineLost.
 */
export async function statusExchange(a: Ask, after: 'close' | 'keep-open' = 'close'): Promise<Reply> {
  const { wire, target } = a;
  const begun = performance.now();
  let keep = false;
  try {
    const echo = target.kind === 'slave' ? target.addr : null;
    let reply = await proven(a, target.kind === 'slave' ? openPipe(target.addr) : '', echo);
    if (reply.ok && a.known !== null && reply.sample.power !== a.known)
      reply = since(begun, await confirmed(a, reply.sample.power, reply.missed));
    keep = reply.ok && after === 'keep-open';
    return reply;
  } finally {
    if (target.kind === 'slave' && !keep) wire.closePipe();
  }
}

export type VerbExchange =
  | { sent: false; reply: Reply }
  /** `after` is the reply to the `=` behind the verb, in the same pipe. */
  | { sent: true; proof: Sample; after: Reply };

/**
 * Identity proof, verb and first verification in one pipe: `[hh]|` `=` verb `=` ^G. The verb leaves only after a
 * status line with the right ID and MS ff came back through this very pipe, and only if `mayStill` agrees then.
 * Rejects LineLost.
 */
export async function verbExchange(
  a: Omit<Ask, 'target'> & { addr: Address; mayStill: () => boolean; onSent: () => void },
  verb: BmcVerb,
): Promise<VerbExchange> {
  const slave = { ...a, target: { kind: 'slave', addr: a.addr } as const };
  try {
    const proof = await proven(slave, openPipe(a.addr), a.addr);
    if (!proof.ok || !a.mayStill()) return { sent: false, reply: proof };
    a.wire.send(verbByte(verb));
    a.onSent();
    return { sent: true, proof: proof.sample, after: await ask(slave, '', null) };
  } finally {
    a.wire.closePipe();
  }
}
