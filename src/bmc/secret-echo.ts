/**
 * Masks what rackui typed as a secret where a node's console echoes it: whole or in pieces, torn by a kernel line, a
 * colour or a wrapped line. Holds back only what may be such an echo, and only for a short time after the typing. Pure.
 */

/** Stands for a secret of any length. */
const MASK = '*'.repeat(8);
/** An echo comes within so long after the typing, ms; also error texts that repeat it and a line drawn anew. */
export const ECHO_MS = 30_000;
/** A beginning is held back until so long after its last byte, ms. */
const HOLD_MS = 500;
/** Of a secret, so many characters in a row after it was typed are no coincidence. */
const TELLING = 3;
/** What was printed ahead of the typing and is remembered, characters. */
const EARLIER = 4_096;
/** An undecided beginning with a kernel line in it is no longer than this, characters. */
const HELD_LIMIT = 2_048;
/** A line that starts with a bracket (kernel, systemd), a control sequence, the end of a wrapped line. */
const BETWEEN = /(?:\r\n|\r|\n)?\[[^\]\r\n]{1,24}\][^\r\n]{0,400}\r?\n|\x1b\[[0-9;?]*[@-~]| ?\r\n?|\n/y;
const BETWEEN_BEGUN = /(?:\r\n|\r|\n)?\[(?:[^\]\r\n]{0,24}|[^\]\r\n]{1,24}\][^\r\n]{0,400}\r?)$|\x1b(?:\[[0-9;?]*)?$/y;
const WORD = /[\w-]/;

export interface SecretMatch {
  /** False: the text ends before the secret does. */
  whole: boolean;
  /** Positions of the secret's own characters. */
  own: readonly number[];
  end: number;
}

/** The secret at `from`, one character a byte, whatever a kernel prints in its middle; null: it does not stand there. */
export function matchSecret(text: string, from: number, secret: string): SecretMatch | null {
  return text[from] === secret[0] ? goOn(text, from + 1, secret, [from]) : null;
}

/** Where a character may be the secret's next one or begin a kernel line, both are tried. */
function goOn(text: string, at: number, secret: string, own: readonly number[]): SecretMatch | null {
  if (own.length === secret.length) return { whole: true, own, end: at };
  if (at >= text.length) return { whole: false, own, end: at };
  const next = text[at] === secret[own.length] ? goOn(text, at + 1, secret, [...own, at]) : null;
  if (next?.whole === true) return next;
  BETWEEN.lastIndex = at;
  const between = BETWEEN.exec(text);
  const behind = between === null ? null : goOn(text, at + between[0].length, secret, own);
  if (behind?.whole === true || next === null) return behind ?? begunIn(text, at, own);
  return next;
}

function begunIn(text: string, at: number, own: readonly number[]): SecretMatch | null {
  BETWEEN_BEGUN.lastIndex = at;
  return BETWEEN_BEGUN.test(text) ? { whole: false, own, end: text.length } : null;
}

/** The bytes of a text as they go over the line, one character a byte. */
export const asBytes = (text: string): string => Buffer.from(text).toString('latin1');

export class SecretEcho {
  readonly #secrets = new Set<string>();
  #typedAt = -Infinity;
  /** What was printed last. */
  #recent = '';
  /** What was printed ahead of the typing: a word that stands there echoes nothing. */
  #earlier = '';
  /** May be a secret's beginning. The first `#told` characters are told already, in the clear or as a mask. */
  #pending = '';
  #told = 0;
  #toldMasked = false;
  #heardAt = 0;

  /** To be called before `secret` is typed. */
  typed(secret: string, now: number): void {
    if (secret === '') return;
    if (!this.#awaited(now)) this.#earlier = this.#recent;
    this.#secrets.add(asBytes(secret));
    this.#typedAt = now;
  }

  /** How long until {@link release} is due, ms; null: nothing is held back. */
  dueIn(now: number): number | null {
    return this.#told < this.#pending.length ? Math.max(0, this.#heardAt + HOLD_MS - now) : null;
  }

  /** Takes what the node printed and returns what may be told. */
  feed(bytes: Uint8Array, now: number): Uint8Array {
    if (!this.#awaited(now) && this.#pending === '') {
      this.#secrets.clear();
      this.#recent = (this.#recent + Buffer.from(bytes.subarray(-EARLIER)).toString('latin1')).slice(-EARLIER);
      return bytes;
    }
    const text = Buffer.from(bytes).toString('latin1');
    this.#recent = (this.#recent + text).slice(-EARLIER);
    this.#heardAt = now;
    return Buffer.from(this.#take(this.#pending + text, now), 'latin1');
  }

  /** What was held back and did not go on. A beginning that can be no coincidence is masked. */
  release(now: number): Uint8Array {
    const text = this.#pending;
    if (this.#told >= text.length) return new Uint8Array();
    const whole = this.#best(text, 0, true);
    if (whole?.whole === true) {
      const out = this.#tell(text, 0, whole);
      this.#told = Math.max(0, this.#told - whole.end);
      this.#pending = '';
      return Buffer.from(out + this.#take(text.slice(whole.end), now), 'latin1');
    }
    const begun = this.#best(text, 0, false);
    const masks = begun !== null && (begun.own.length >= TELLING || this.#toldMasked);
    const out = masks ? this.#tell(text, 0, begun) : text.slice(this.#told);
    this.#toldMasked = masks;
    this.#told = text.length;
    return Buffer.from(out, 'latin1');
  }

  #take(text: string, now: number): string {
    let out = '';
    this.#pending = '';
    for (let at = 0; at < text.length;) {
      const next = this.#next(text, at);
      if (next > at) {
        out += text.slice(Math.max(at, this.#told), next);
        at = next;
        continue;
      }
      const match = this.#best(text, at, false);
      if (match?.whole === false && text.length - at <= HELD_LIMIT && this.#awaited(now)) {
        this.#told = Math.max(0, this.#told - at);
        if (this.#told === 0) this.#toldMasked = false;
        this.#pending = text.slice(at);
        return out;
      }
      const telling = match !== null && !match.whole && match.own.length >= TELLING && this.#awaited(now);
      const whole = match?.whole === true || telling ? match : this.#best(text, at, true);
      if (whole !== null && !this.#isWord(text, at, whole)) {
        out += this.#tell(text, at, whole);
        at = whole.end;
        this.#toldMasked = false;
      } else {
        if (at >= this.#told) out += text.charAt(at);
        at++;
      }
    }
    this.#told = 0;
    this.#toldMasked = false;
    return out;
  }

  /** Where the next secret can begin. */
  #next(text: string, from: number): number {
    let end = text.length;
    for (const secret of this.#secrets) {
      const at = text.indexOf(secret.charAt(0), from);
      if (at >= 0 && at < end) end = at;
    }
    return end;
  }

  /** What goes furthest; an undecided one, unless `whole`, before one that is complete: `pass` may become `password`. */
  #best(text: string, at: number, whole: boolean): SecretMatch | null {
    let best: SecretMatch | null = null;
    for (const secret of this.#secrets) {
      const match = matchSecret(text, at, secret);
      if (match === null || (whole && !match.whole)) continue;
      // Whether it is a longer word, the next character tells.
      const open = !whole && match.whole && match.end === text.length && this.#earlier.includes(secret);
      const found = open ? { ...match, whole: false } : match;
      if (best === null || (best.whole && !found.whole) || (best.whole === found.whole && found.end > best.end))
        best = found;
    }
    return best;
  }

  /** Part of a longer word that stood there ahead of the typing, as `raspberry` is of the host name `raspberrypi`. */
  #isWord(text: string, at: number, { own, end }: SecretMatch): boolean {
    if (end - at !== own.length || this.#earlier === '') return false;
    let from = at;
    let to = end;
    while (from > 0 && WORD.test(text.charAt(from - 1))) from--;
    while (to < text.length && WORD.test(text.charAt(to))) to++;
    return to - from > end - at && this.#earlier.includes(text.slice(from, to));
  }

  /** A match with its own characters masked, less what is told already. */
  #tell(text: string, at: number, { own, end }: SecretMatch): string {
    const mine = new Set(own);
    let out = '';
    let masked = this.#toldMasked;
    for (let i = Math.max(at, this.#told); i < end; i++) {
      if (!mine.has(i)) out += text.charAt(i);
      else if (!masked) {
        out += MASK;
        masked = true;
      }
    }
    return out;
  }

  #awaited(now: number): boolean {
    return now - this.#typedAt < ECHO_MS;
  }
}
