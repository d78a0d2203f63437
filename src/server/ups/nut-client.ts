/**
 * Speaks the network protocol of NUT's server, upsd (RFC 9271): one request a line, one answer of one or more
 * lines, in order. Reads variables only; nothing of a UPS is ever set or commanded.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface NutAddress {
  host: string;
  port: number;
  /** Encrypts the connection by STARTTLS before any other request. */
  tls: boolean;
  /** PEM text of the authority that signed the server's certificate; null: the system's authorities. */
  ca: string | null;
}

/** A request failed. `code` is upsd's error code (`DATA-STALE`, `UNKNOWN-UPS`), or null where the connection failed. */
export class NutError extends Error {
  override readonly name = 'NutError';
  readonly code: string | null;

  constructor(message: string, code: string | null = null) {
    super(message);
    this.code = code;
  }
}

/** Time limit for a connection and for each answer, ms. */
const ANSWER_LIMIT_MS = 5_000;
/** Most bytes of one line, and most lines of one list: upsd's own are far below. */
const MAX_LINE = 2_048;
const MAX_LIST = 2_000;

/** One connection. Requests are answered one after another; any failure closes it. */
export class NutClient {
  readonly #socket: Socket;
  #buffer = '';
  #lines: string[] = [];
  #failure: NutError | null = null;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects to upsd. @throws {NutError} where nothing answers, or TLS is required and not available */
  static async connect({ host, port, tls, ca }: NutAddress): Promise<NutClient> {
    const plain = await connected(connectTcp({ host, port }), 'connect', host, port);
    const client = new NutClient(plain);
    if (!tls) return client;
    const answer = await client.#request('STARTTLS');
    if (!answer.startsWith('OK STARTTLS')) throw client.#fail(new NutError(`upsd refuses TLS: ${shown(answer)}`));
    client.#unlisten(plain);
    // An address cannot be a server name (RFC 6066); the certificate has to name it all the same.
    const named = isIP(host) === 0 ? { servername: host } : { host };
    const secure = connectTls({ socket: plain, ...named, ...(ca === null ? {} : { ca }) });
    return new NutClient(await connected(secure, 'secureConnect', host, port));
  }

  /**
   * Registers as one of the machines that the UPS feeds. A primary upsmon waits for those before it cuts the UPS.
   * @throws {NutError} `ACCESS-DENIED` for a wrong name or password
   */
  async login(ups: string, user: string, password: string): Promise<void> {
    await this.#ok(`USERNAME ${quote(user)}`);
    await this.#ok(`PASSWORD ${quote(password)}`);
    await this.#ok(`LOGIN ${quote(ups)}`);
  }

  /** Reads all variables of a UPS: `ups.status` → `OL CHRG`. @throws {NutError} */
  async variables(ups: string): Promise<ReadonlyMap<string, string>> {
    const first = await this.#request(`LIST VAR ${quote(ups)}`);
    if (!first.startsWith('BEGIN LIST VAR')) throw this.#unexpected(first);
    const variables = new Map<string, string>();
    for (let count = 0; count < MAX_LIST; count++) {
      const line = await this.#line();
      if (line.startsWith('END LIST VAR')) return variables;
      const [word, name, variable, value] = words(line);
      if (word !== 'VAR' || name !== ups || variable === undefined || value === undefined) throw this.#unexpected(line);
      variables.set(variable, value);
    }
    throw this.#fail(new NutError('upsd sends a list without an end'));
  }

  /** Ends the connection in order; safe to call more than once. */
  close(): void {
    if (this.#failure === null) this.#socket.end('LOGOUT\n');
    this.#fail(new NutError('the connection is closed'));
  }

  async #ok(request: string): Promise<void> {
    const answer = await this.#request(request);
    if (!answer.startsWith('OK')) throw this.#unexpected(answer);
  }

  async #request(text: string): Promise<string> {
    if (this.#failure !== null) throw this.#failure;
    this.#socket.write(`${text}\n`);
    return this.#line();
  }

  async #line(): Promise<string> {
    const deadline = setTimeout(
      () => this.#fail(new NutError(`upsd does not answer within ${ANSWER_LIMIT_MS / 1000} s`)),
      ANSWER_LIMIT_MS,
    );
    try {
      for (;;) {
        const line = this.#lines.shift();
        if (line !== undefined) return line;
        if (this.#failure !== null) throw this.#failure;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  /** An `ERR CODE` answer leaves the connection usable; after anything else the peer is not a NUT server. */
  #unexpected(line: string): NutError {
    const [word, code] = words(line);
    if (word === 'ERR' && code !== undefined) return new NutError(`upsd answers ${code}`, code);
    return this.#fail(new NutError(`what answers does not speak NUT's protocol: '${shown(line)}'`));
  }

  #listen(socket: Socket): void {
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string | Buffer) => this.#take(String(chunk)));
    socket.on('error', (error) => this.#fail(new NutError(`the connection to upsd failed: ${error.message}`)));
    socket.on('close', () => this.#fail(new NutError('upsd closed the connection')));
  }

  #unlisten(socket: Socket): void {
    for (const event of ['data', 'error', 'close']) socket.removeAllListeners(event);
  }

  #take(chunk: string): void {
    const parts = (this.#buffer + chunk).split('\n');
    this.#buffer = parts.pop() ?? '';
    this.#lines.push(...parts.map((line) => line.replace(/\r$/, '')));
    const longest = Math.max(this.#buffer.length, ...parts.map((line) => line.length));
    if (longest > MAX_LINE || this.#lines.length > MAX_LIST)
      this.#fail(new NutError("what answers does not speak NUT's protocol: it sends without an end"));
    this.#wake();
  }

  #fail(error: NutError): NutError {
    if (this.#failure === null) {
      this.#failure = error;
      // After LOGOUT the socket ends by itself; a peer that does not read gets no more time.
      setTimeout(() => this.#socket.destroy(), 500).unref();
      if (!this.#socket.writableEnded) this.#socket.destroy();
    }
    this.#wake();
    return this.#failure;
  }
}

function connected<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  host: string,
  port: number,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(limit);
      socket.destroy();
      reject(new NutError(`no connection to upsd at ${host}:${port}: ${why}`));
    };
    const limit = setTimeout(() => fail(`no answer within ${ANSWER_LIMIT_MS / 1000} s`), ANSWER_LIMIT_MS);
    const failed = (error: Error): void => fail(error.message);
    socket.once('error', failed);
    socket.once(event, () => {
      clearTimeout(limit);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

/** Splits a line as upsd quotes it: `VAR ups name "a \"quoted\" value"`. */
export function words(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? '') : quoted.replace(/\\(.)/g, '$1'),
  );
}

/** Quotes one word of a request; line ends cannot be sent. */
function quote(word: string): string {
  return /^[\w.@-]+$/.test(word) ? word : `"${word.replace(/[\r\n]/g, '').replace(/["\\]/g, '\\$&')}"`;
}

/** Shortens a peer's line for a message and removes control characters. */
function shown(line: string): string {
  return line.slice(0, 60).replace(/[^\x20-\x7e]/g, '?');
}
