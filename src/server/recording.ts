/**
 * `rackui serve --record F`: records every byte of the line with direction and time, secrets masked, one JSON
 * object a line (docs/recordings.md). `rackui sim --replay F` plays it. The file is new each time, for its owner
 * only, and bounded.
 */
import { constants, createWriteStream, type WriteStream } from 'node:fs';
import type { TraceEvent, Trace } from '../bmc/trace.ts';
import { wallTime } from '../lib/clock.ts';
import { VERSION } from './logs.ts';

const RECORDING_FORMAT = 1;
/** Size limit, bytes: about three hours of a rack of 24 polled once a second. */
const RECORDING_LIMIT = 64 * 1024 * 1024;

/** A symbolic link planted at the recording's name is not followed. */
const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
// The stream takes numeric flags too; its types know only the short names.
const NEW_FILE = (O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW) as unknown as string;

export class Recording {
  readonly path: string;
  readonly #limit: number;
  readonly #began: number;
  readonly #stop: () => void;
  readonly #warn: (text: string) => void;
  #stream: WriteStream | null;
  #size = 0;

  /** `warn` is called once, with the reason, if the recording ends early. */
  constructor(
    path: string,
    trace: Trace,
    options: { port: string; now: number; limit?: number; warn: (text: string) => void },
  ) {
    this.path = path;
    this.#limit = options.limit ?? RECORDING_LIMIT;
    this.#began = options.now;
    this.#warn = options.warn;
    this.#stream = createWriteStream(path, { flags: NEW_FILE, mode: 0o600 });
    this.#stream.on('error', (error) => this.#end(`the recording ${path} cannot be written: ${error.message}`));
    this.#write({
      format: 'rackui-recording',
      version: RECORDING_FORMAT,
      by: `rackui ${VERSION}`,
      began: new Date(wallTime(options.now)).toISOString(),
      port: options.port,
    });
    this.#stop = trace.on((event) => this.#record(event));
  }

  /** Resolves when everything is in the file. */
  async close(): Promise<void> {
    this.#stop();
    const stream = this.#stream;
    this.#stream = null;
    if (stream) await new Promise<void>((resolve) => stream.end(() => resolve()));
  }

  #record(event: TraceEvent): void {
    const t = event.at - this.#began;
    if (event.kind !== 'bytes') this.#write({ t, event: event.kind, detail: event.detail });
    else if (event.secret) this.#write({ t, d: event.direction, secret: true });
    else this.#write({ t, d: event.direction, b: event.text });
  }

  #write(value: Record<string, unknown>): void {
    if (!this.#stream) return;
    const line = `${JSON.stringify(value)}\n`;
    this.#size += Buffer.byteLength(line);
    if (this.#size > this.#limit) {
      this.#stream.end(`${JSON.stringify({ t: value['t'], event: 'full' })}\n`);
      this.#end(`the recording ${this.path} is full (${Math.round(this.#limit / 1024 / 1024)} MB): it ends here`);
      return;
    }
    this.#stream.write(line);
  }

  #end(why: string): void {
    if (!this.#stream) return;
    this.#stream = null;
    this.#warn(why);
  }
}
