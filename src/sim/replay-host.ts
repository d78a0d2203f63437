/** A recording behind a pseudo-terminal: the device of `rackui sim --replay`. */
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { Device } from './device.ts';
import { Replay } from './replay.ts';

export class ReplayHost {
  readonly port: string;
  private readonly replay: Replay;
  private readonly device: Device;
  private readonly link: string | null;
  private readonly timers = new Set<NodeJS.Timeout>();
  private sceneTimer: NodeJS.Timeout | null = null;
  private spokenUntil = 0;

  /** Throws an Error in words where the file is no recording or the link cannot be. */
  constructor(path: string, link: string | null) {
    try {
      this.replay = new Replay(readFileSync(path, 'utf8'));
    } catch (error) {
      throw new Error(`--replay ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    this.device = new Device({ data: (chunk) => this.heard(chunk), overrun: () => undefined });
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

  private heard(chunk: Uint8Array): void {
    const now = performance.now();
    for (const { after, text } of this.replay.hear(Buffer.from(chunk).toString('latin1'), now)) {
      // Two pieces never overtake each other, whatever their timers do.
      this.spokenUntil = Math.max(this.spokenUntil, now + after);
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.say(text);
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
      this.say(next.text);
    }
  }

  private say(text: string): void {
    this.device.write(Buffer.from(text, 'latin1'));
  }
}
