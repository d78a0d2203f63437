/**
 * Removes secrets from the bytes of the line before they are written down or shown: the unlock string, passwords that
 * operations type, and all input at a password prompt. Works on pieces split anywhere. Pure.
 */
import { asBytes, matchSecret, type SecretMatch } from './secret-echo.ts';

export type Direction = 'out' | 'in';

/** A piece of the passed bytes; `secret`: it replaced a secret (`text` is empty then). */
export interface Piece {
  direction: Direction;
  at: number;
  text: string;
  secret: boolean;
}

interface Held extends Piece {
  /** May still become a secret. */
  open: boolean;
}

/** The longest time over which a secret's bytes come, ms: they are sent at a few milliseconds each. */
const TOGETHER_MS = 1_000;
/** Maximum of held entries; beyond, undecided bytes are treated as secret. */
const HELD_LIMIT = 4_096;
/** Password prompts of getty, login, sudo, su, ssh: `Password: `, `[sudo] password for pi: `, `Passphrase: `. */
const PASSWORD_PROMPT = /(?:password|passphrase|passwort|mot de passe)[^\r\n]{0,80}: ?$/i;
/** The longest end of a line in which a prompt is looked for, characters. */
const TAIL_LIMIT = 160;

export class Redaction {
  readonly #secrets = new Set<string>();
  #queue: Held[] = [];
  readonly #open: Record<Direction, Held[]> = { out: [], in: [] };
  /** The end of the input. */
  #tail = '';
  #typingPassword = false;
  /** The pipe was closed in the middle of a password, which continues in the console that is opened next. */
  #interrupted = false;

  constructor(secrets: readonly string[] = []) {
    for (const secret of secrets) this.add(secret);
  }

  add(secret: string): void {
    if (secret !== '') this.#secrets.add(asBytes(secret));
  }

  /**
   * Takes passed bytes (latin1) and returns what may be shown of them, in order. The possible beginning of a secret
   * is held back.
   */
  feed(direction: Direction, text: string, at: number): Piece[] {
    this.#expire(at);
    if (direction === 'in') this.#receive(text);
    if (this.#queue.length === 0 && !this.#typingPassword && !this.#interrupted && !this.#mayHold(text))
      return [{ direction, at, text, secret: false }];
    for (let i = 0; i < text.length;) {
      // One entry a run: byte by byte, ten megabytes of a flood would make gigabytes of objects.
      const run = this.#openRun(direction, text, i);
      if (run > 0) this.#queue.push({ direction, at, text: text.slice(i, i + run), secret: false, open: false });
      else this.#take(direction, text.charAt(i), at);
      i += Math.max(1, run);
    }
    if (this.#queue.length > HELD_LIMIT) this.#settle(true);
    return this.#release();
  }

  /** Returns the held bytes at the end of the line, undecided ones as secret. */
  flush(): Piece[] {
    this.#settle(true);
    return this.#release();
  }

  #receive(text: string): void {
    this.#tail += text;
    if (this.#tail.length > 8 * TAIL_LIMIT) this.#tail = this.#tail.slice(-TAIL_LIMIT);
    // While a password is typed the node may print other lines; only Enter or ^G ends it. Most pieces end otherwise.
    const last = text.at(-1);
    this.#typingPassword ||= (last === ':' || last === ' ') && PASSWORD_PROMPT.test(this.#tail.slice(-TAIL_LIMIT));
    if (this.#typingPassword) this.#tail = '';
  }

  #mayHold(text: string): boolean {
    for (const secret of this.#secrets) if (text.includes(secret.charAt(0))) return true;
    return false;
  }

  /** Number of characters from `from` on that are decided at once, because none of them can begin a secret. */
  #openRun(direction: Direction, text: string, from: number): number {
    if (this.#open[direction].length > 0) return 0;
    if (direction === 'out' && (this.#typingPassword || this.#interrupted)) return 0;
    let end = text.length;
    for (const secret of this.#secrets) {
      const at = text.indexOf(secret.charAt(0), from);
      if (at >= 0 && at < end) end = at;
    }
    return end - from;
  }

  #take(direction: Direction, char: string, at: number): void {
    const held: Held = { direction, at, text: char, secret: false, open: true };
    this.#queue.push(held);
    if (direction === 'out' && this.#typingPassword) {
      const ends = char === '\r' || char === '\n';
      this.#interrupted = char === '\x07';
      held.open = false;
      held.secret = !ends && !this.#interrupted;
      if (!held.secret) this.#typingPassword = false;
      return;
    }
    if (direction === 'out' && this.#interrupted && char === '~') {
      this.#typingPassword = true;
      this.#interrupted = false;
    }
    const open = this.#open[direction];
    open.push(held);
    while (open.length > 0) {
      const text = open.map((one) => one.text).join('');
      const matches = [...this.#secrets].flatMap((secret) => this.#match(direction, text, secret) ?? []);
      const whole = matches.find((match) => match.whole);
      if (whole) {
        // A kernel line in the middle of an echo is not secret.
        const own = new Set(whole.own);
        open.splice(0).forEach((one, i) => Object.assign(one, { open: false, secret: own.has(i) }));
        return;
      }
      if (matches.length > 0) return;
      const first = open.shift();
      if (first) first.open = false;
    }
  }

  /** Matches a secret. Output of this program is never interrupted by other bytes, input may be. */
  #match(direction: Direction, text: string, secret: string): SecretMatch | null {
    if (direction === 'in') return matchSecret(text, 0, secret);
    return secret.startsWith(text)
      ? { whole: text === secret, own: Array.from(text, (_, i) => i), end: text.length }
      : null;
  }

  #expire(at: number): void {
    const first = this.#queue[0];
    if (first && at - first.at > TOGETHER_MS) this.#settle(false);
  }

  #settle(secret: boolean): void {
    for (const direction of ['out', 'in'] as const)
      for (const one of this.#open[direction].splice(0)) Object.assign(one, { open: false, secret });
  }

  #release(): Piece[] {
    const end = this.#queue.findIndex(({ open }) => open);
    const pieces: Piece[] = [];
    for (const { direction, at, text, secret } of this.#queue.splice(0, end < 0 ? this.#queue.length : end)) {
      const last = pieces.at(-1);
      const goesOn = last?.direction === direction && last.secret === secret && (secret || last.at === at);
      if (last && goesOn) last.text += secret ? '' : text;
      else pieces.push({ direction, at, text: secret ? '' : text, secret });
    }
    return pieces;
  }
}
