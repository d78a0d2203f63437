/** Getting from an open port to a bus that answers: ^G, the master's bare `=`, the unlock string (bus-protocol sections 2, 3). */
import { formatAddress, type Address } from '../rack/address.ts';
import { DEFAULT_UNLOCK } from './codec.ts';
import { statusExchange, type Reply } from './exchange.ts';
import type { BusProfile } from './profile.ts';
import type { RecoveryStep } from './types.ts';
import type { Unanswered } from './unanswered.ts';
import type { Wire } from './wire.ts';

export type ProbeResult = { phase: 'ready'; master: Address } | { phase: 'locked' | 'wedged'; detail: string };

/** An unlocked master answers within 5 ms; a locked one never. */
const FIRST_SILENCE_MS = 100;
const SILENCE_MS = 250;
const TRIES_AFTER_UNLOCK = 3;
/** While the master's own replies come, though damaged, the bus is there: so many questions before it is given up. */
const TRIES_DAMAGED = 20;

/** Stands for the master where its address is not known yet. */
const ANY_MASTER = -1;

export interface ProbeOptions {
  profile: BusProfile;
  /** Secret: it is in no result. */
  unlock: string;
  now: () => number;
  onStep: (step: RecoveryStep) => void;
  /** Who answered in this place before: nobody else is believed. Null: not known yet. */
  master: Address | null;
  unanswered: Unanswered;
}

/** Leaves every pipe closed. Rejects LineLost. */
export async function probe(wire: Wire, options: ProbeOptions): Promise<ProbeResult> {
  const { profile, now, master, unanswered } = options;
  const key = master ?? ANY_MASTER;
  const askMaster = async (silenceMs: number): Promise<Reply> => {
    const owed = unanswered.owedBy(key, performance.now());
    const target = { kind: 'master', addr: master } as const;
    const reply = await statusExchange({ wire, profile, now, silenceMs, owed, known: null, target });
    if (reply.ok) unanswered.answered(key, reply, performance.now());
    else unanswered.failed(key, performance.now(), reply.damaged);
    return reply;
  };
  options.onStep('probe');
  profile.forget();
  wire.console = null;
  wire.closePipe();
  await wire.quiet(5, 150);
  let reply = await askMaster(FIRST_SILENCE_MS);
  for (let tries = 0; !reply.ok && reply.damaged && tries < TRIES_DAMAGED; tries++) {
    await wire.quiet(5, 150);
    reply = await askMaster(FIRST_SILENCE_MS);
  }
  for (let tries = 0; !reply.ok && tries < TRIES_AFTER_UNLOCK; tries++) {
    if (tries === 0) options.onStep('unlock');
    // A pipe left open swallows the string, so the pipe is closed first; an unlocked bus ignores it.
    wire.closePipe();
    await wire.quiet(5, 150);
    wire.send(options.unlock);
    await wire.quiet(20, 150);
    reply = await askMaster(SILENCE_MS);
  }
  if (reply.ok) return { phase: 'ready', master: reply.id };
  if (reply.failure === 'silent') {
    const which = options.unlock === DEFAULT_UNLOCK ? 'the default unlock string' : 'the configured unlock string';
    return {
      phase: 'locked',
      detail: `nothing answers, even after ${which}: check the port, the rack's power, and 'unlock' in the configuration`,
    };
  }
  if (reply.failure === 'foreign' && master !== null)
    return {
      phase: 'wedged',
      detail: `the master was ${formatAddress(master)}, and another answers in its place, even after ^G: its BMC is broken, or this is another rack (then restart the server)`,
    };
  return {
    phase: 'wedged',
    detail:
      reply.failure === 'foreign'
        ? 'a node answers in the master’s place, even after ^G: another program may be using this bus'
        : 'bytes come, but no answer of the master can be read: wrong speed, noise, or another program on this bus',
  };
}
