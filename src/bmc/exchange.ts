/**
 * Exchanges on the wire, each from opening a pipe to closing it. An exchange ends when the complete status line is
 * in; time-outs are only for silence.
 */
import type { Address } from '../rack/address.ts';
import type { Power, Sample } from '../rack/reading.ts';
import { STATUS_REQUEST, verbByte } from './codec.ts';
import { type Ask, type Found, pipeTo, Question, type Reply } from './question.ts';
import type { BmcVerb } from './types.ts';

/**
 * Wait for a line end while the form is unknown, ms: a bus that ends its lines sends the end within a character's
 * time.
 */
const TERMINATOR_MS = 4;

/** Repeats in the same pipe of a question whose reply is damaged or missing, where the BMC answers at all. */
const ASKED_AGAIN = 4;

/** Sends the first question of an exchange. Throws LineLost. */
function askFirst(a: Ask): Question {
  a.wire.listen();
  const question = new Question(a, false, a.outstanding);
  a.wire.send(pipeTo(a.target) + STATUS_REQUEST);
  return question;
}

/** Asks in a pipe that is open and resolves the reply, or one of `late` earlier ones. Rejects LineLost. */
function askAgain(a: Ask, late = 0): Promise<Reply> {
  a.wire.listen();
  const question = new Question(a, true, late);
  a.wire.send(STATUS_REQUEST);
  return answerTo(question);
}

/** Resolves the reply to a question that was sent. Rejects LineLost. */
async function answerTo(question: Question): Promise<Reply> {
  const { wire, silenceMs } = question.about;
  return completed(question, await wire.receive((text) => question.answerIn(text), silenceMs));
}

/** Resolves the reply once the wait has ended with this line, or with silence. Rejects LineLost. */
async function completed(question: Question, line: Found | null): Promise<Reply> {
  const { wire, profile } = question.about;
  let found = line;
  // The next bytes, or their absence, decide whether it is this bus's form.
  if (found !== null && !found.terminated && profile.terminates === 'unknown')
    found = (await wire.receive((text) => question.scan(text), TERMINATOR_MS)) ?? question.loose;
  const received = wire.ignore();
  return found === null ? question.failed(received) : question.replyOf(found);
}

/**
 * Resolves the first reply that can only answer this exchange's own question, beginning with the reply to the first;
 * late ones come first and are passed over. Rejects LineLost.
 */
async function proven({ about: a, begun }: Question, first: Promise<Reply>): Promise<Reply> {
  let [late, again, missed, answeredOnce] = [a.outstanding, ASKED_AGAIN, 0, false];
  let reply = await first;
  if (reply.ok && late === 0) return reply;
  for (; ; reply = await askAgain(a, late)) {
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
  const again = await askAgain(a);
  if (!again.ok) return again;
  if (again.sample.power === power) return { ...again, missed };
  return { ok: false, failure: 'garbled', received: `power ${power}, then ${again.sample.power}`, damaged: false };
}

function since(begun: number, reply: Reply): Reply {
  return reply.ok ? { ...reply, sample: { ...reply.sample, rttMs: performance.now() - begun } } : reply;
}

/** Resolves the reply that is accepted, beginning with the reply to the first question. Rejects LineLost. */
async function accepted(question: Question, first: Promise<Reply>): Promise<Reply> {
  const { about: a, begun } = question;
  const reply = await proven(question, first);
  if (!reply.ok || a.known === null || reply.sample.power === a.known) return reply;
  return since(begun, await confirmed(a, reply.sample.power, reply.missed));
}

/**
 * One status exchange: pipe, `=`, reply, ^G. With `keep-open` a good reply leaves the pipe open, for a console.
 * Rejects LineLost.
 */
export async function statusExchange(a: Ask, after: 'close' | 'keep-open' = 'close'): Promise<Reply> {
  let keep = false;
  try {
    const question = askFirst(a);
    const reply = await accepted(question, answerTo(question));
    keep = reply.ok && after === 'keep-open';
    return reply;
  } finally {
    if (a.target.kind === 'slave' && !keep) a.wire.closePipe();
  }
}

/**
 * Status exchanges one after another. `next` takes each reply and returns the next question; null: it was the last.
 * After a reply that settles its exchange the next question leaves at once, in one write with the ^G ahead of it.
 * Rejects LineLost.
 */
export async function statusExchanges(first: Ask, next: (reply: Reply) => Ask | null): Promise<void> {
  for (let a: Ask | null = first; a !== null;) a = await exchangesFrom(a, next);
}

/** Asks from `first` on, until a reply does not settle its exchange; returns the next question behind that one. */
async function exchangesFrom(first: Ask, next: (reply: Reply) => Ask | null): Promise<Ask | null> {
  const { wire } = first;
  let target = first.target;
  try {
    let question = askFirst(first);
    const found = await wire.receive((text): Found | 'over' | null => {
      const line = question.answerIn(text);
      if (line === null || !question.isSettledBy(line)) return line;
      const following = next(question.replyOf(line));
      if (following === null) return 'over';
      const before = target;
      target = following.target;
      question = new Question(following, false, following.outstanding);
      wire.goOn(before.kind === 'slave', pipeTo(target) + STATUS_REQUEST, following.silenceMs);
      return null;
    }, first.silenceMs);
    if (found !== 'over') return next(await accepted(question, completed(question, found)));
    wire.ignore();
    return null;
  } finally {
    if (target.kind === 'slave') wire.closePipe();
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
    const question = askFirst(slave);
    const proof = await proven(question, answerTo(question));
    if (!proof.ok || !a.mayStill()) return { sent: false, reply: proof };
    a.wire.send(verbByte(verb));
    a.onSent();
    return { sent: true, proof: proof.sample, after: await askAgain(slave) };
  } finally {
    a.wire.closePipe();
  }
}
