/**
 * Masks secrets that rackui typed where a node's console echoes them: whole or in pieces, torn by a kernel line, a
 * colour or a wrapped line. Holds back only the possible beginning of such an echo, and only for a short time after
 * the typing. Pure.
 */

/** Replaces a secret of any length. */
const MASK = '*'.repeat(8);
/** Time after the typing within which an echo is masked, ms; error texts that repeat it and redrawn lines included. */
export const ECHO_MS = 30_000;
/** Time after the last byte for which a beginning is held back, ms. */
const HOLD_MS = 500;
/** Consecutive characters of a typed secret that are no coincidence. */
const TELLING = 3;
/** Output kept from before the typing, characters. */
const EARLIER = 4_096;
/** Maximum of an undecided beginning, kernel lines included, characters. */
const HELD_LIMIT = 2_048;
/**
 * Matches output that may interrupt an echo: a line that starts with a bracket (kernel, systemd), a control sequence,
 * the end of a wrapped line.
 */
const BETWEEN = /(?:\r\n|\r|\n)?\[[^\]\r\n]{1,24}\][^\r\n]{0,400}\r?\n|\x1b\[[0-9;?]*[@-~]| ?\r\n?|\n/y;
const BETWEEN_BEGUN = /(?:\r\n|\r|\n)?\[(?:[^\]\r\n]{0,24}|[^\]\r\n]{1,24}\][^\r\n]{0,400}\r?)$|\x1b(?:\[[0-9;?]*)?$/y;
const WORD = /[\w-]/;

export interface SecretMatch {
  /** False: the text ends before the secret. */
  whole: boolean;
  /** Indexes of the secret's own characters. */
  own: readonly number[];
  end: number;
}

/** Matches the secret at `from` (latin1), interrupted by kernel lines or not; null: it is not there. */
export function matchSecret(text: string, from: number, secret: string): SecretMatch | null {
  return text[from] === secret[0] ? goOn(text, from + 1, secret, [from]) : null;
}

/** Continues a match. Where a character may be the secret's next one or begin a kernel line, both are tried. */
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

/** The UTF-8 bytes of a text as latin1, one character a byte. */
export const asBytes = (text: string): string => Buffer.from(text).toString('latin1');

export class SecretEcho {
  readonly #secrets = new Set<string>();
  #typedAt = -Infinity;
  /** The latest output. */
  #recent = '';
  /** Output before the typing: a word in it is no echo. */
  #earlier = '';
  /**
   * The possible beginning of a secret. The first `#released` characters are passed on already, in the clear or as a
   * mask.
   */
  #pending = '';
  #released = 0;
  #releasedMasked = false;
  #lastOutputAt = 0;

  /** Notes a secret; to be called before it is typed. */
  typed(secret: string, now: number): void {
    if (secret === '') return;
    if (!this.#awaited(now)) this.#earlier = this.#recent;
    this.#secrets.add(asBytes(secret));
    this.#typedAt = now;
  }

  /** Time until {@link release} is due, ms; null: nothing is held back. */
  dueIn(now: number): number | null {
    return this.#released < this.#pending.length ? Math.max(0, this.#lastOutputAt + HOLD_MS - now) : null;
  }

  /** Takes the node's output and returns what may be shown. */
  feed(bytes: Uint8Array, now: number): Uint8Array {
    if (!this.#awaited(now) && this.#pending === '') {
      this.#secrets.clear();
      this.#recent = (this.#recent + Buffer.from(bytes.subarray(-EARLIER)).toString('latin1')).slice(-EARLIER);
      return bytes;
    }
    const text = Buffer.from(bytes).toString('latin1');
    this.#recent = (this.#recent + text).slice(-EARLIER);
    this.#lastOutputAt = now;
    return Buffer.from(this.#take(this.#pending + text, now), 'latin1');
  }

  /** Returns the held output after its time is over. A beginning too long for a coincidence is masked. */
  release(now: number): Uint8Array {
    const text = this.#pending;
    if (this.#released >= text.length) return new Uint8Array();
    const whole = this.#best(text, 0, true);
    if (whole?.whole === true) {
      const out = this.#unmask(text, 0, whole);
      this.#released = Math.max(0, this.#released - whole.end);
      this.#pending = '';
      return Buffer.from(out + this.#take(text.slice(whole.end), now), 'latin1');
    }
    const begun = this.#best(text, 0, false);
    const masks = begun !== null && (begun.own.length >= TELLING || this.#releasedMasked);
    const out = masks ? this.#unmask(text, 0, begun) : text.slice(this.#released);
    this.#releasedMasked = masks;
    this.#released = text.length;
    return Buffer.from(out, 'latin1');
  }

  #take(text: string, now: number): string {
    let out = '';
    this.#pending = '';
    for (let at = 0; at < text.length;) {
      const next = this.#next(text, at);
      if (next > at) {
        out += text.slice(Math.max(at, this.#released), next);
        at = next;
        continue;
      }
      const match = this.#best(text, at, false);
      if (match?.whole === false && text.length - at <= HELD_LIMIT && this.#awaited(now)) {
        this.#released = Math.max(0, this.#released - at);
        if (this.#released === 0) this.#releasedMasked = false;
        this.#pending = text.slice(at);
        return out;
      }
      const telling = match !== null && !match.whole && match.own.length >= TELLING && this.#awaited(now);
      const whole = match?.whole === true || telling ? match : this.#best(text, at, true);
      if (whole !== null && !this.#isWord(text, at, whole)) {
        out += this.#unmask(text, at, whole);
        at = whole.end;
        this.#releasedMasked = false;
      } else {
        if (at >= this.#released) out += text.charAt(at);
        at++;
      }
    }
    this.#released = 0;
    this.#releasedMasked = false;
    return out;
  }

  /** Index where the next secret can begin. */
  #next(text: string, from: number): number {
    let end = text.length;
    for (const secret of this.#secrets) {
      const at = text.indexOf(secret.charAt(0), from);
      if (at >= 0 && at < end) end = at;
    }
    return end;
  }

  /**
   * Returns the longest match; unless `whole`, an undecided one before a complete one: `pass` may become `password`.
   */
  #best(text: string, at: number, whole: boolean): SecretMatch | null {
    let best: SecretMatch | null = null;
    for (const secret of this.#secrets) {
      const match = matchSecret(text, at, secret);
      if (match === null || (whole && !match.whole)) continue;
      // The next character decides whether it is a longer word.
      const open = !whole && match.whole && match.end === text.length && this.#earlier.includes(secret);
      const found = open ? { ...match, whole: false } : match;
      if (best === null || (best.whole && !found.whole) || (best.whole === found.whole && found.end > best.end))
        best = found;
    }
    return best;
  }

  /** True for a part of a longer word printed before the typing, as `raspberry` is of the host name `raspberrypi`. */
  #isWord(text: string, at: number, { own, end }: SecretMatch): boolean {
    if (end - at !== own.length || this.#earlier === '') return false;
    let from = at;
    let to = end;
    while (from > 0 && WORD.test(text.charAt(from - 1))) from--;
    while (to < text.length && WORD.test(text.charAt(to))) to++;
    return to - from > end - at && this.#earlier.includes(text.slice(from, to));
  }

  /** Returns a match with its own characters masked, without what is passed on already. */
  #unmask(text: string, at: number, { own, end }: SecretMatch): string {
    const mine = new Set(own);
    let out = '';
    let masked = this.#releasedMasked;
    for (let i = Math.max(at, this.#released); i < end; i++) {
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
