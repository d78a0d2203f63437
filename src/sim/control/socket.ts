/** The control socket of the simulator: dispatches its requests by the table of commands. */
import { rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { SimHost } from '../host.ts';
import { onLines } from '../line-socket.ts';
import type { SimOptions } from '../options.ts';
import { hexAddress } from '../rack/bus.ts';
import type { SimNode } from '../rack/node.ts';
import type { Surroundings } from '../simulator.ts';
import { type Given, type Param, type Verb, VERBS as TABLE } from './commands.ts';

interface ControlServer {
  close(): void;
}

/**
 * Starts a rack that is controlled through its socket. @throws {Error} for operators where one of its parts cannot be
 * used
 */
export async function startControlled(options: SimOptions, surroundings?: Surroundings): Promise<SimHost> {
  const host = await SimHost.start(options, surroundings);
  try {
    const server = await listen(host.control, host);
    host.onClose(() => server.close());
  } catch (error) {
    host.close();
    throw error;
  }
  return host;
}

/** Listens at `path`; replaces any file there. */
async function listen(path: string, host: SimHost): Promise<ControlServer> {
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    // A client may close before it reads its answer.
    socket.on('error', () => socket.destroy());
    onLines(socket, (line) => void answer(line, host).then((said) => socket.write(`${JSON.stringify(said)}\n`)));
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`the control socket ${path} cannot be: ${error.message}`)));
    server.listen(path, resolve);
  });
  return {
    close() {
      server.close();
      for (const socket of clients) socket.destroy();
    },
  };
}

interface Answer {
  id: unknown;
  ok: boolean;
  result?: unknown;
  error?: string;
}

async function answer(line: string, host: SimHost): Promise<Answer> {
  let id: unknown = null;
  try {
    const request = JSON.parse(line) as Record<string, unknown> | null;
    if (typeof request !== 'object' || request === null) throw new Error('a request is one JSON object a line');
    id = request['id'] ?? null;
    const { do: verb, ...params } = request;
    delete params['id'];
    if (typeof verb !== 'string') throw new Error(`a request needs its verb in "do": {"id":1,"do":"help"}`);
    return { id, ok: true, result: (await perform(host, verb, params)) ?? null };
  } catch (error) {
    return { id, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

export class SimControl {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  private nextId = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    onLines(socket, (line) => {
      const { id, ok, result, error } = JSON.parse(line) as { id: number; ok: boolean; result: unknown; error: string };
      const call = this.waiting.get(id);
      this.waiting.delete(id);
      if (ok) call?.resolve(result);
      else call?.reject(new Error(error));
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      for (const call of this.waiting.values()) call.reject(new Error('the simulator has ended'));
      this.waiting.clear();
    });
  }

  /** Connects to a simulator. Rejects with an Error for operators when no simulator listens there. */
  static async connect(path: string): Promise<SimControl> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(new Error(`no simulator listens at ${path} (${error.message})`)));
    });
    return new SimControl(socket);
  }

  /** Sends a verb. Rejects with the simulator's message when it fails. */
  request(verb: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new Error('the simulator has ended'));
        return;
      }
      this.waiting.set(id, { resolve, reject });
      this.socket.write(`${JSON.stringify({ id, do: verb, ...params })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/**
 * Performs `words` (verb, then values in order or as name=value) and prints the result as JSON. Returns 0; throws an
 * Error for operators.
 */
export async function simCtl(controlPath: string, words: readonly string[]): Promise<number> {
  const [verb = 'help', ...rest] = words;
  const params = paramsFromWords(verb, rest);
  const control = await SimControl.connect(controlPath);
  try {
    const result = await control.request(verb, params);
    // Help is plain text already.
    process.stdout.write(typeof result === 'string' ? `${result}\n` : `${JSON.stringify(result, null, 2)}\n`);
    return 0;
  } finally {
    control.close();
  }
}

const VERBS: Readonly<Record<string, Verb>> = { help: { params: [], help: 'this list', run: helpText }, ...TABLE };

/**
 * Performs a verb. Returns the result, or a promise of it. Throws an Error for operators where a verb or a value does
 * not exist.
 */
export function perform(host: SimHost, name: string, params: Record<string, unknown>): unknown {
  const verb = find(name);
  const unknown = Object.keys(params).filter((key) => !verb.params.some((param) => param.name === key));
  if (unknown.length > 0) throw new Error(`${name} has no '${unknown.join("', '")}': ${usage(name, verb)}`);
  const given: Given = { nodes: [], number: 0, on: true, word: '' };
  for (const param of verb.params) {
    const value = params[param.name] ?? param.default;
    if (value === undefined) throw new Error(`${name} needs '${param.name}': ${usage(name, verb)}`);
    take(given, param, value, host);
  }
  const result = verb.run(host, given, host.simulator.now());
  host.simulator.wake();
  return result;
}

/** Returns the words of a command line as parameters: in order, or as name=value. Throws an Error for operators. */
export function paramsFromWords(name: string, words: readonly string[]): Record<string, unknown> {
  const verb = find(name);
  const params: Record<string, unknown> = {};
  let position = 0;
  for (const word of words) {
    const [, key, value] = /^([a-z]+)=(.*)$/s.exec(word) ?? [];
    if (key !== undefined && verb.params.some((param) => param.name === key)) params[key] = value;
    else {
      const param = verb.params[position++];
      if (param === undefined) throw new Error(`${name} has nothing that '${word}' could be: ${usage(name, verb)}`);
      params[param.name] = word;
    }
  }
  return params;
}

function find(name: string): Verb {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (!verb) throw new Error(`no verb '${name}'; there are ${Object.keys(VERBS).join(', ')}`);
  return verb;
}

function take(given: Given, { kind, name }: Param, value: unknown, host: SimHost): void {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  switch (kind) {
    case 'nodes':
      given.nodes = findNodes(host, text);
      break;
    case 'number':
      given.number = Number(text === '' ? NaN : text);
      if (!(given.number >= 0)) throw new Error(`'${name}' is a number, 0 or more`);
      break;
    case 'switch':
      if (value !== true && value !== false && text !== 'on' && text !== 'off')
        throw new Error(`'${name}' is on or off`);
      given.on = value === true || text === 'on';
      break;
    case 'word':
      given.word = text;
  }
}

function findNodes({ simulator: { rack } }: SimHost, text: string): SimNode[] {
  const all = [...rack.nodes.values()];
  if (text === 'all') return all;
  return text.split(',').map((word) => {
    const node = all.find(({ addr, name }) => name === word || hexAddress(addr) === word.toLowerCase());
    if (!node) throw new Error(`no node '${word}' in this rack: give an address (03), a name, or all`);
    return node;
  });
}

function usage(name: string, { params }: Verb): string {
  return [
    name,
    ...params.map((p) => (p.default === undefined ? p.name.toUpperCase() : `[${p.name}=${p.default}]`)),
  ].join(' ');
}

function helpText(): string {
  const rows = Object.entries(VERBS).map(([name, verb]) => [usage(name, verb), verb.help] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join('\n');
}
