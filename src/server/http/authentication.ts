/** The callers of the HTTP interface: tokens from files, sessions of Redfish, and the rate of their calls. */
import { createHash, randomBytes } from 'node:crypto';
import type { HttpVerb, TokenConfig } from '../../config/reporting-schema.ts';
import { readToken } from '../../config/secrets.ts';
import { messageOf } from '../../lib/errors.ts';
import { type Outlet, RETRY_MS } from '../outlets.ts';

/** Time without a call after which a session ends, ms. */
export const SESSION_LIMIT_MS = 30 * 60_000;
/** Most sessions at once; the longest unused one ends. */
const SESSIONS = 64;
/** Seconds of calls at the permitted rate that may come at once. */
const BURST_S = 2;

export type Token = Pick<TokenConfig, 'name' | 'nodes'> & { verbs: ReadonlySet<HttpVerb> };

const digest = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export class Tokens {
  readonly #configs: readonly TokenConfig[];
  /** By digest: a comparison of digests reveals nothing of the secret. */
  #known = new Map<string, Token>();

  constructor(configs: readonly TokenConfig[]) {
    this.#configs = configs;
  }

  /** Reads the files, again and again: a replaced token counts within seconds. */
  outlet(): Outlet {
    return {
      name: 'its tokens',
      everyMs: RETRY_MS,
      attempt: () => this.#read(),
      close: () => Promise.resolve(),
    };
  }

  /** Returns the token with this secret, or null. */
  find(secret: string): Token | null {
    return this.#known.get(digest(secret)) ?? null;
  }

  named(name: string): Token | null {
    return [...this.#known.values()].find((token) => token.name === name) ?? null;
  }

  /** @throws Error that names the tokens that cannot be used; the others are known */
  async #read(): Promise<void> {
    const known = new Map<string, Token>();
    const troubles: string[] = [];
    for (const { name, file, nodes, verbs } of this.#configs)
      try {
        const key = digest(await readToken(file));
        const twin = known.get(key);
        if (twin) throw new Error(`it is the same as that of ${twin.name}`);
        known.set(key, { name, nodes, verbs: new Set(verbs) });
      } catch (error) {
        troubles.push(`${name}: ${messageOf(error)}`);
      }
    this.#known = known;
    if (troubles.length > 0) throw new Error(troubles.join('; '));
  }
}

interface Session {
  id: string;
  token: string;
  usedAt: number;
}

/** Sessions of Redfish: a secret that stands for a token. */
export class Sessions {
  readonly #now: () => number;
  readonly #sessions = new Map<string, Session>();

  constructor(now: () => number) {
    this.#now = now;
  }

  begin(token: Token): { id: string; secret: string } {
    const secret = randomBytes(24).toString('hex');
    const id = randomBytes(6).toString('hex');
    this.#sessions.set(digest(secret), { id, token: token.name, usedAt: this.#now() });
    for (const oldest of [...this.#sessions.keys()].slice(0, -SESSIONS)) this.#sessions.delete(oldest);
    return { id, secret };
  }

  /** Returns the name of the token that the secret stands for, or null. */
  find(secret: string): string | null {
    const key = digest(secret);
    const session = this.#sessions.get(key);
    if (session === undefined) return null;
    this.#sessions.delete(key);
    if (this.#now() - session.usedAt > SESSION_LIMIT_MS) return null;
    // Moves it to the end: the first ones are those that were not used for longest.
    this.#sessions.set(key, { ...session, usedAt: this.#now() });
    return session.token;
  }

  of(token: Token): string[] {
    return [...this.#sessions.values()].filter((session) => session.token === token.name).map(({ id }) => id);
  }

  /** Returns false where this token has no such session. */
  end(id: string, token: Token): boolean {
    const found = [...this.#sessions].find(([, session]) => session.id === id && session.token === token.name);
    return found !== undefined && this.#sessions.delete(found[0]);
  }
}

/** Counts calls: each caller has a number that fills up with time. */
export class Rates {
  readonly #now: () => number;
  readonly #perSecond: number;
  readonly #left = new Map<string, { calls: number; at: number }>();

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Returns whether the caller may make one more call now. */
  take(caller: string): boolean {
    const now = this.#now();
    const most = this.#perSecond * BURST_S;
    const before = this.#left.get(caller) ?? { calls: most, at: now };
    const calls = Math.min(most, before.calls + ((now - before.at) / 1000) * this.#perSecond);
    this.#left.set(caller, { calls: calls >= 1 ? calls - 1 : calls, at: now });
    return calls >= 1;
  }
}
