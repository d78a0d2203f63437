/**
 * Replays a recording of a real bus (docs/recordings.md) behind a pseudo-terminal, the device of `rackui sim --replay`:
 * a driver's bytes get the recorded answers, byte for byte and with their delay. Every request has its answers in their
 * recorded order, silence included; the last one is repeated. A console continues by itself as recorded, and waits
 * where a key was pressed. `Replay` is pure: it gets the time from outside.
 */
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { Device } from './pty-device.ts';

/** A piece of an answer, `after` the request, ms. */
export interface Answer {
  after: number;
  text: string;
}

/**
 * A piece of a console's output between `~` and ^G: recorded after `keys` keys, and `after` the key or piece before it,
 * ms.
 */
interface Scene {
  keys: number;
  after: number;
  text: string;
}

/** A BIOS's reading of the bytes: one command at a time, with the pipe in which it was given. */
type Token = { kind: 'command'; key: string } | { kind: 'console'; key: string } | { kind: 'key' };

const CLOSE = '\x07';

/** Follows the bytes towards the bus: which pipe is open, whether its console is. */
class Listener {
  private pipe: string | null = null;
  private console = false;
  private entry = '';

  /** Reads bytes sent in one go: a pipe and the command in it are one request, because one echo answers both. */
  take(text: string): Token[] {
    const tokens: Token[] = [];
    let opened = '';
    for (const char of text) {
      const token = this.char(char);
      if (token === null) continue;
      if (token.kind === 'command' && token.key.endsWith('|')) opened += token.key;
      else if (token.kind === 'command' && opened !== '') {
        tokens.push({ ...token, key: opened + token.key });
        opened = '';
      } else tokens.push(token);
    }
    if (opened !== '') tokens.push({ kind: 'command', key: opened });
    return tokens;
  }

  private char(char: string): Token | null {
    const where = `${this.pipe ?? 'master'} `;
    if (char === CLOSE) {
      const key = `${this.console ? 'console ' : where}^G`;
      this.pipe = null;
      this.console = false;
      this.entry = '';
      return { kind: 'command', key };
    }
    if (this.console) return { kind: 'key' };
    if (char === '[') this.entry = '';
    if (/[[\]0-9a-fA-F]/.test(char)) {
      this.entry += char;
      return null;
    }
    const entry = this.entry.replace(/[[\]]/g, '').toLowerCase();
    this.entry = '';
    if (char === '|') {
      const key = `${where}${entry}|`;
      this.pipe ??= entry;
      return { kind: 'command', key };
    }
    if (char === '~') {
      this.console = this.pipe !== null;
      return { kind: 'console', key: where };
    }
    return { kind: 'command', key: where + char };
  }
}

interface Line {
  t: number;
  d?: unknown;
  b?: unknown;
}

/** Parses a recording. Throws an Error for operators where it is none. */
function readLines(text: string): Line[] {
  const [head = '', ...rest] = text.split('\n').filter((line) => line !== '');
  const parse = (line: string): Record<string, unknown> | null => {
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
    } catch {
      return null;
    }
  };
  const format = parse(head);
  if (format?.['format'] !== 'rackui-recording' || format['version'] !== 1)
    throw new Error("this is no recording of 'rackui serve --record', or of a newer one");
  // The last line of a server that was killed may be torn.
  return rest.map(parse).flatMap((line) => (typeof line?.['t'] === 'number' ? [line as unknown as Line] : []));
}

export class Replay {
  private readonly answers = { name: 'answer ', of: new Map<string, Answer[][]>() };
  private readonly scenes = { name: 'scene ', of: new Map<string, Scene[][]>() };
  private readonly asked = new Map<string, number>();
  private readonly listener = new Listener();
  private scene: { steps: Scene[]; next: number; keys: number; since: number } | null = null;

  /** Throws an Error for operators where the text is no recording. */
  constructor(recording: string) {
    const listener = new Listener();
    let answer: { at: number; replies: Answer[] } | null = null;
    let scene: { steps: Scene[]; keys: number; since: number } | null = null;
    for (const { t, d, b } of readLines(recording)) {
      if (typeof b !== 'string') continue;
      if (d === 'in') {
        if (scene) {
          scene.steps.push({ keys: scene.keys, after: Math.max(0, t - scene.since), text: b });
          scene.since = t;
        } else answer?.replies.push({ after: Math.max(0, t - answer.at), text: b });
        continue;
      }
      for (const token of listener.take(b)) {
        if (token.kind === 'key') {
          if (scene) Object.assign(scene, { keys: scene.keys + 1, since: t });
        } else if (token.kind === 'console') {
          scene = { steps: [], keys: 0, since: t };
          add(this.scenes.of, token.key, scene.steps);
        } else {
          scene = null;
          answer = { at: t, replies: [] };
          add(this.answers.of, token.key, answer.replies);
        }
      }
    }
  }

  /** Reads bytes that a driver sent in one go; returns the pieces of the answers, each with its delay from now. */
  hear(text: string, now: number): Answer[] {
    const replies: Answer[] = [];
    for (const token of this.listener.take(text)) {
      if (token.kind === 'key') {
        if (this.scene) Object.assign(this.scene, { keys: this.scene.keys + 1, since: now });
      } else if (token.kind === 'console') {
        this.scene = { steps: this.next(this.scenes, token.key) ?? [], next: 0, keys: 0, since: now };
      } else {
        this.scene = null;
        replies.push(...(this.next(this.answers, token.key) ?? []));
      }
    }
    return replies;
  }

  /**
   * Returns the console's next piece, if it is due; else the wait for it, ms; null: it waits for a key, or there is
   * none.
   */
  tell(now: number): { text: string } | { wait: number } | null {
    const { scene } = this;
    const step = scene?.steps[scene.next];
    if (!scene || !step || step.keys > scene.keys) return null;
    const wait = scene.since + step.after - now;
    if (wait > 0) return { wait };
    scene.next++;
    scene.since = now;
    return { text: step.text };
  }

  private next<T>(all: { readonly name: string; readonly of: Map<string, T[]> }, key: string): T | undefined {
    const list = all.of.get(key);
    if (!list) return undefined;
    const index = this.asked.get(all.name + key) ?? 0;
    this.asked.set(all.name + key, index + 1);
    return list[Math.min(index, list.length - 1)];
  }
}

function add<T>(all: Map<string, T[]>, key: string, value: T): void {
  const list = all.get(key);
  if (list) list.push(value);
  else all.set(key, [value]);
}

export class ReplayHost {
  readonly port: string;
  private readonly replay: Replay;
  private readonly device: Device;
  private readonly link: string | null;
  private readonly timers = new Set<NodeJS.Timeout>();
  private sceneTimer: NodeJS.Timeout | null = null;
  private spokenUntil = 0;

  /** Throws an Error for operators where the file is no recording or the link cannot be made. */
  constructor(path: string, link: string | null) {
    try {
      this.replay = new Replay(readFileSync(path, 'utf8'));
    } catch (error) {
      throw new Error(`--replay ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    this.device = new Device({ data: (chunk) => this.receive(chunk), overrun: () => undefined });
    this.port = this.device.path;
    this.link = link;
    if (link === null) return;
    rmSync(link, { force: true });
    symlinkSync(this.port, link);
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    if (this.sceneTimer) clearTimeout(this.sceneTimer);
    if (this.link !== null) rmSync(this.link, { force: true });
    this.device.close();
  }

  private receive(chunk: Uint8Array): void {
    const now = performance.now();
    for (const { after, text } of this.replay.hear(Buffer.from(chunk).toString('latin1'), now)) {
      // Two pieces never overtake each other, even if their timers do.
      this.spokenUntil = Math.max(this.spokenUntil, now + after);
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.send(text);
      }, this.spokenUntil - now);
      this.timers.add(timer);
    }
    this.goOn();
  }

  private goOn(): void {
    if (this.sceneTimer) clearTimeout(this.sceneTimer);
    this.sceneTimer = null;
    for (let next = this.replay.tell(performance.now()); next; next = this.replay.tell(performance.now())) {
      if ('wait' in next) {
        this.sceneTimer = setTimeout(() => this.goOn(), Math.ceil(next.wait));
        return;
      }
      this.send(next.text);
    }
  }

  private send(text: string): void {
    this.device.write(Buffer.from(text, 'latin1'));
  }
}
