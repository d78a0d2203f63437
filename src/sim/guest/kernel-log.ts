/** What `dmesg` shows: the kernel's last messages since it started. */
import { stamp } from './machine.ts';

const KEPT = 400;

export class KernelLog {
  private kept: readonly string[] = [];

  get lines(): readonly string[] {
    return this.kept;
  }

  clear(): void {
    this.kept = [];
  }

  /** Lines that have their stamps already. */
  add(...lines: string[]): void {
    this.kept = [...this.kept, ...lines].slice(-KEPT);
  }

  /** A message of this moment; returns its line. */
  say(text: string, uptimeMs: number): string {
    // Guest time has whole milliseconds now and then; stamps never look like that.
    const line = stamp(uptimeMs + ((text.length * 37) % 997) / 1000) + text;
    this.add(line);
    return line;
  }
}
