/** One question for a BMC's status, and what its reply has shown so far. */
import { isDeepStrictEqual } from 'node:util';
import { type Address, formatAddress } from '../rack/address.ts';
import type { Failure, Power, Sample } from '../rack/reading.ts';
import type { BusProfile } from './bus-profile.ts';
import { endOfEcho, endOfPipeEcho, findStatusLines, openPipe, SHORTEST_STATUS, type StatusLine } from './codec.ts';
import type { Transport } from './transport.ts';

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

/** A status line of the asked BMC. */
export interface Found {
  status: StatusLine;
  echoed: boolean;
  terminated: boolean;
}

/** Commands that lead to the target's BIOS; the master needs none. */
export function pipeTo(target: Target): string {
  return target.kind === 'slave' ? openPipe(target.addr) : '';
}

/** True when the ID is the one asked and MS is that of the target. */
function belongs(status: StatusLine, target: Target): boolean {
  if (target.kind === 'slave') return status.id === target.addr && !status.master;
  return status.master && (target.addr === null || status.id === target.addr);
}

export class Question {
  readonly about: Ask;
  /** Time at which it was sent (performance.now). */
  readonly begun = performance.now();
  /** Address in the echo of a fresh pipe; null: the echo is a bare `=`. */
  readonly #echoAddress: Address | null;
  /** Number of late replies that may come first. */
  readonly #late: number;
  #foreign = 0;
  /** The target's status line without its end, which may still come. */
  #loose: Found | null = null;
  #twins = false;

  /** To be made when the question is sent. `inPipe`: the pipe has been open for an earlier question. */
  constructor(about: Ask, inPipe: boolean, late: number) {
    this.about = about;
    this.#echoAddress = inPipe || about.target.kind === 'master' ? null : about.target.addr;
    this.#late = late;
  }

  get loose(): Found | null {
    return this.#loose;
  }

  /** Returns the status line that ends the wait; where the bus ends its lines, one without its end is torn. */
  answerIn(text: string): Found | null {
    return this.scan(text) ?? (this.about.profile.terminates === 'yes' ? null : this.#loose);
  }

  /** Returns the whole status line that answers in the bytes received so far; null: it is not in. */
  scan(text: string): Found | null {
    if (text.length < SHORTEST_STATUS) return null;
    const { profile, target } = this.about;
    const echo = endOfEcho(text, this.#echoAddress);
    if (echo < 0 ? profile.echoes : text.length - echo < SHORTEST_STATUS) return null;
    this.#foreign = 0;
    this.#loose = null;
    const lines = findStatusLines(echo < 0 ? text : ` ${text.slice(echo)}`);
    if (this.#late === 0 && lines.length > 1) {
      const [own, ...others] = lines.filter(({ status }) => belongs(status, target));
      // Two boards that go by one address both answer; neither is accepted.
      this.#twins ||= others.some(({ status }) => !isDeepStrictEqual(status, own?.status));
    }
    if (this.#twins) return null;
    for (const match of lines) {
      const found = { status: match.status, echoed: echo >= 0, terminated: match.terminated };
      if (!belongs(match.status, target)) this.#foreign++;
      else if (match.terminated || profile.terminates === 'no') return found;
      else this.#loose = found;
    }
    return null;
  }

  /** True when this line ends the exchange: nothing is outstanding, and it reports no change of power. */
  isSettledBy({ status, terminated }: Found): boolean {
    const { known, profile } = this.about;
    const whole = terminated || profile.terminates !== 'unknown';
    return whole && this.#late === 0 && (known === null || known === status.power);
  }

  /** Returns the reply of this line, and notes its form. */
  replyOf({ status, echoed, terminated }: Found): Reply {
    const { profile, now } = this.about;
    const rttMs = performance.now() - this.begun;
    profile.sawReply({ echoed, terminated, rttMs });
    const { power, current, fan, id, master } = status;
    return { ok: true, sample: { power, current, fan, at: now(), rttMs }, lagMs: rttMs, missed: 0, id, master };
  }

  /** Returns the reply where no line answers. */
  failed(received: string): Reply {
    const failure = failureOf(received, this.#foreign + Number(this.#twins), this.#echoAddress);
    const damaged = failure === 'garbled' && beginsAs(received, this.about.target, this.#echoAddress);
    return { ok: false, failure, received, damaged };
  }
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
