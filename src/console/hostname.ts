/**
 * Reads the host name that a machine shows on its console: in getty's banner, a login prompt or a shell's prompt. A
 * node's output is not a proof. Pure.
 */
import { PlainText, type Prompt, readPrompt, splitInterrupted } from './recognizer.ts';

/** `Debian GNU/Linux 13 k8s-worker-04 ttyS0`: agetty's default issue, `\S \n \l`. */
const BANNER = /^\S[^\r\n]{0,80}? (?<host>[\w.-]+) tty(?:S|AMA|USB)\d+$/;
/** Maximum of a prompt or banner, characters; a longer line is output. */
const LINE_LIMIT = 256;
/** Maximum of a host name, characters (DNS). */
const NAME_LIMIT = 253;

export class HostNameReader {
  readonly #plain = new PlainText();
  #line = '';
  /** The line's beginning was read: of `…04 login:` the part before the 04 is not known. */
  #whole = false;

  /** Notes a loss: no name is read from the rest of the current line. */
  torn(): void {
    this.#whole = false;
  }

  /** Takes the next piece of output, split anywhere; returns the last name in it, or null. */
  feed(text: string): string | null {
    let found: string | null = null;
    const pieces = this.#plain.feed(text).split(/[\r\n]/);
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) {
        found = (this.#whole ? lineHost(this.#line) : null) ?? found;
        this.#line = '';
        this.#whole = true;
      }
      this.#line = (this.#line + piece).slice(0, LINE_LIMIT);
    }
    return (this.#whole ? promptHost(readPrompt(this.#line)) : null) ?? found;
  }
}

/** Returns the name in a prompt, or null. */
export function promptHost(prompt: Prompt | null): string | null {
  const host = prompt?.kind === 'login' || prompt?.kind === 'shell' ? prompt.host : null;
  return host !== null && host.length <= NAME_LIMIT ? host : null;
}

/** Returns the name in a whole line (getty's banner, or a prompt that a kernel message interrupted), or null. */
export function lineHost(line: string): string | null {
  const split = splitInterrupted(line);
  if (split) return promptHost(readPrompt(split.head));
  const host = BANNER.exec(line)?.groups?.['host'] ?? null;
  return host !== null && host.length <= NAME_LIMIT ? host : null;
}
