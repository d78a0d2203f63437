/** What happened last in a soak, for whoever has to find out why. */

const REMEMBERED = 16;

export class Journal {
  readonly #lines: string[] = [];

  note(text: string): void {
    this.#lines.push(`${new Date().toISOString().slice(11, 23)} ${text}`);
    if (this.#lines.length > REMEMBERED) this.#lines.shift();
  }

  /** Indented, oldest first. */
  last(): string {
    return this.#lines.map((line) => `    ${line}`).join('\n');
  }
}
