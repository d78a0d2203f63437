/** Sends a file to a node, or reads one from it, over the node's console. */
import { busUsable } from '../../api/bus.ts';
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { RPC_ERROR } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import { FILE_LIMIT, type FileOpened, type FileRequest, PATH_LIMIT, PIECE_LIMIT } from '../../api/shell.ts';
import { type RackClient, RpcFailure } from '../../client/client.ts';
import { checksum } from '../../lib/checksum.ts';
import { messageOf } from '../../lib/errors.ts';
import { type InventoryNode, nodeLabel } from '../../rack/inventory.ts';
import { type GlobalOptions, knownRack, openClient, targetOf } from '../server-connection.ts';
import { explain, Failure, NODE_FAILED, print, printJson, Progress, UsageFailure } from '../terminal-output.ts';

interface FileOptions extends GlobalOptions {
  json?: boolean;
}

/** Transfers that break off one after another without a byte between them. */
const BREAKS = 5;
/** Pause before the next one, ms. */
const AGAIN_MS = 2_000;
const PART = '.rackui-part';

/** What went, for the report. */
interface Done {
  path: string;
  size: number;
  sum: number;
  /** Bytes on the line before base64: fewer than `size` where gzip compressed it. */
  sent: number;
  /** Bytes that an earlier transfer had left. */
  resumed: number;
  breaks: number;
}

export function filesCommand(way: 'put' | 'get', words: readonly string[], options: FileOptions): Promise<number> {
  return way === 'put' ? putFile(words, options) : getFile(words, options);
}

function putFile(words: readonly string[], options: FileOptions): Promise<number> {
  const [word = '', file = '', path = basename(file)] = words;
  const { bytes, mode } = readLocal(file);
  const to = path.endsWith('/') ? `${path}${basename(file)}` : path;
  return transfer(word, options, { way: 'put', from: file, to }, async (line) => {
    const packed = gzipSync(bytes, { level: 9 });
    const done: Done = { path: to, size: bytes.length, sum: checksum(bytes), sent: 0, resumed: 0, breaks: 0 };
    for (;;) {
      const opened = await line.open({ way: 'put', path: to, have: 0 });
      const gzip = opened.gzip && packed.length < bytes.length;
      const payload = gzip ? packed : bytes;
      const same = opened.size <= payload.length && checksum(payload.subarray(0, opened.size)) === opened.sum;
      let at = same ? opened.size : 0;
      if (done.sent === 0) done.resumed = at;
      line.begin(at, payload.length);
      const ended = await line.tries(async () => {
        while (at < payload.length) {
          const piece = payload.subarray(at, at + PIECE_LIMIT);
          const { size } = await line.client.request('file.write', { id: opened.id, at, data: base64(piece) });
          done.sent += piece.length;
          at = size;
          line.reached(at);
        }
        const { size, sum } = done;
        return line.client.request('file.finish', { id: opened.id, size, sum, mode, gzip });
      });
      if (ended === null) continue;
      await line.client.request('file.close', { id: opened.id });
      return { ...done, path: ended.path, breaks: line.breaks };
    }
  });
}

function getFile(words: readonly string[], options: FileOptions): Promise<number> {
  const [word = '', path = '', file = basename(path)] = words;
  const to = existsSync(file) && statSync(file).isDirectory() ? `${file.replace(/\/$/, '')}/${basename(path)}` : file;
  return transfer(word, options, { way: 'get', from: path, to }, async (line) => {
    const part = `${to}${PART}`;
    const done: Done = { path: to, size: 0, sum: 0, sent: 0, resumed: 0, breaks: 0 };
    for (;;) {
      const had = existsSync(part) ? readFileSync(part) : Buffer.alloc(0);
      const opened = await line.open({ way: 'get', path, have: Math.min(had.length, FILE_LIMIT) });
      const same = had.length <= opened.size && checksum(had) === opened.haveSum;
      const bytes = Buffer.alloc(opened.size);
      let at = same ? had.copy(bytes) : 0;
      if (done.sent === 0) done.resumed = at;
      const output = openPart(part, at);
      line.begin(at, opened.size);
      try {
        const ended = await line.tries(async () => {
          while (at < opened.size) {
            const { data } = await line.client.request('file.read', { id: opened.id, at });
            const piece = Buffer.from(data, 'base64');
            if (piece.length === 0) throw new Failure(NODE_FAILED, `${path} became shorter while it was read`);
            writeSync(output, piece);
            done.sent += piece.length;
            at += piece.copy(bytes, at);
            line.reached(at);
          }
          return true;
        });
        if (ended === null) continue;
      } finally {
        closeSync(output);
      }
      await line.client.request('file.close', { id: opened.id });
      const sum = checksum(bytes);
      if (sum !== opened.sum) {
        truncateSync(part, 0);
        throw new Failure(NODE_FAILED, `${path} changed while it was read: its checksum differs; get it again`);
      }
      chmodSync(part, opened.mode ?? 0o644);
      renameSync(part, to);
      return { ...done, size: opened.size, sum, breaks: line.breaks };
    }
  });
}

/** One transfer's line to the node: opens it again when it breaks, and shows how far it is. */
class Line {
  readonly client: RackClient;
  readonly #node: InventoryNode;
  readonly #progress: Progress;
  breaks = 0;
  /** Breaks since the last byte. */
  #vain = 0;
  #from = 0;
  #total = 0;
  #since = 0;
  #resumes = '';

  constructor(client: RackClient, node: InventoryNode, progress: Progress, resumes: string) {
    this.client = client;
    this.#node = node;
    this.#progress = progress;
    this.#resumes = resumes;
  }

  async open(request: Omit<FileRequest, 'addr'>): Promise<FileOpened> {
    for (;;) {
      this.#progress.show(`${this.#node.name}: reaches the shell on its console`);
      const opened = await this.tries(() => this.client.request('file.open', { ...request, addr: this.#node.addr }));
      if (opened !== null) return opened;
    }
  }

  begin(at: number, total: number): void {
    this.#from = at;
    this.#total = total;
    this.#since = performance.now();
    this.#show(at);
  }

  reached(at: number): void {
    this.#vain = 0;
    this.#show(at);
  }

  /** Runs a step. Returns null where the line broke and may come back. @throws Failure */
  async tries<T>(step: () => Promise<T>): Promise<T | null> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      this.#progress.end();
      const failure = failureOf(error, this.#resumes);
      // Where nothing ever went, no shell was reached: its reason stays.
      if (error.code !== RPC_ERROR.unavailable || this.#total === 0 || ++this.#vain > BREAKS) throw failure;
      this.breaks++;
      this.#progress.show(`${this.#node.name}: ${messageOf(error)}; tries again`);
      await setTimeout(AGAIN_MS);
      return null;
    }
  }

  #show(at: number): void {
    const seconds = (performance.now() - this.#since) / 1000;
    const rate = seconds > 1 ? (at - this.#from) / seconds : 0;
    const left = rate > 0 ? `, ${timeText((this.#total - at) / rate)} left` : '';
    const speed = rate > 0 ? `, ${Math.round(rate)} B/s` : '';
    this.#progress.show(`${this.#node.name}: ${kilobytes(at)} of ${kilobytes(this.#total)} KB${speed}${left}`);
  }
}

async function transfer(
  word: string,
  options: FileOptions,
  about: { way: 'put' | 'get'; from: string; to: string },
  work: (line: Line) => Promise<Done>,
): Promise<number> {
  const { way, from, to } = about;
  const path = way === 'put' ? to : from;
  if (path === '' || path.length > PATH_LIMIT || /[\x00-\x1f\x7f\\]/.test(path))
    throw new UsageFailure(`a path on a node has at most ${PATH_LIMIT} characters, no controls and no backslash`);
  const client = await openClient(options, way, { autostart: true });
  const progress = new Progress();
  try {
    const rack = await knownRack(client);
    if (!busUsable(rack.bus.state)) throw new Failure(EXIT.unavailable, rack.bus.detail);
    const node = targetOf(word, rack);
    const began = performance.now();
    const line = new Line(client, node, progress, 'the same command continues it');
    const done = await work(line);
    progress.end();
    const seconds = Math.max(1, Math.round((performance.now() - began) / 1000));
    if (options.json === true) printJson({ node: node.name, way, ...done, seconds });
    else {
      const where =
        way === 'put' ? `${from} is ${done.path} on ${nodeLabel(node)}` : `${from} of ${nodeLabel(node)} is ${to}`;
      print(`${where}: ${done.size} bytes, checksum ${done.sum}, ${timeText(seconds)}`);
    }
    return EXIT.done;
  } finally {
    progress.end();
    client.close();
  }
}

function readLocal(file: string): { bytes: Buffer; mode: number } {
  try {
    const { mode, size } = statSync(file);
    if (size > FILE_LIMIT)
      throw new UsageFailure(`${file} has ${size} bytes: over a console ${FILE_LIMIT} are the limit`);
    return { bytes: readFileSync(file), mode: mode & 0o777 };
  } catch (error) {
    if (error instanceof UsageFailure) throw error;
    throw new UsageFailure(`${file} cannot be read: ${messageOf(error)}`);
  }
}

/** Opens the part file behind its first `at` bytes. @throws Failure */
function openPart(part: string, at: number): number {
  try {
    const output = openSync(part, 'a', 0o600);
    truncateSync(part, at);
    return output;
  } catch (error) {
    throw new Failure(NODE_FAILED, `${part} cannot be written: ${messageOf(error)}`);
  }
}

function failureOf(error: RpcFailure, resumes: string): Failure {
  const { exitCode, message } = explain(error);
  return new Failure(exitCode, exitCode === EXIT.unavailable ? `${message}; ${resumes}` : message);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0);
}

/** `48 s`, `12 min`. */
function timeText(seconds: number): string {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
