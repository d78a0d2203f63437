/**
 * The name by which a machine calls itself on its console, from whatever text happens to pass: getty's banner, a login
 * prompt, a shell's prompt. What a node prints is its own claim, never more. Pure.
 */
import { PlainText, type Prompt, readPrompt, splitInterrupted } from './recognizer.ts';

/** `Debian GNU/Linux 13 k8s-worker-04 ttyS0`: agetty's default issue, `\S \n \l`. */
const BANNER = /^\S[^\r\n]{0,80}? (?<host>[\w.-]+) tty(?:S|AMA|USB)\d+$/;
/** No prompt or banner is longer; a longer line is output. */
const LINE_LIMIT = 256;
/** Names longer than a DNS label's four are nobody's. */
const NAME_LIMIT = 253;

export class HostNameReader {
  readonly #plain = new PlainText();
  #line = '';
  /** The line's beginning was heard: of `…04 login:` nobody knows what stood before the 04. */
  #whole = false;

  /** Something was lost here: what is left of the present line names nobody. */
  torn(): void {
    this.#whole = false;
  }

  /** Takes the next piece of output, split anywhere; returns the last name that it shows, or null. */
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

/** The name in a prompt, or null. */
export function promptHost(prompt: Prompt | null): string | null {
  const host = prompt?.kind === 'login' || prompt?.kind === 'shell' ? prompt.host : null;
  return host !== null && host.length <= NAME_LIMIT ? host : null;
}

/** The name in a whole line: getty's banner, or a prompt that a kernel message interrupted. */
export function lineHost(line: string): string | null {
  const split = splitInterrupted(line);
  if (split) return promptHost(readPrompt(split.head));
  const host = BANNER.exec(line)?.groups?.['host'] ?? null;
  return host !== null && host.length <= NAME_LIMIT ? host : null;
}
