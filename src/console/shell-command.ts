/**
 * A command for the shell on a node's console, and its output: the node prints each line of the output behind a token,
 * and its exit code at the end, so that nothing that the kernel, a prompt or an echo adds in between is taken for it.
 * Works in every shell that knows single quotes; the command itself is run by sh. Pure.
 */
import { isStamped } from './line-patterns.ts';
import { splitInterrupted } from './recognizer.ts';

/** Maximum of a command's output, bytes; the node prints no more. */
export const OUTPUT_LIMIT = 64 * 1024;
/** Maximum of a line that is typed, characters: BusyBox's editor takes 1023, a tty 4095. */
const TYPED_LIMIT = 1_000;

/** Letters with which output lines of this token begin. */
const behind = (token: string): string => `${token}:`;

/**
 * Returns the line that runs `command` with the input /dev/null and both of its outputs together. Written for sh:
 * descriptor 3 carries the exit code past the pipeline, descriptor 4 is the terminal.
 */
export function commandLine(command: string, token: string): string {
  const output = `head -c ${OUTPUT_LIMIT + 1}|sed "s/^/${behind(token)}/"`;
  const run = `{ { sh -c "$1" 2>&1 </dev/null 3>&- 4>&-;echo $?>&3; }|${output}>&4; } 3>&1`;
  const script = `echo "ra""ckui-${token}<";{ c=$(${run}); } 4>&1;echo "ra""ckui-${token}>$c"`;
  return ` sh -c ${quoted(script)} - ${quoted(command)}`;
}

/** Quotes a word for a shell of any kind, without a backslash: one that reached a BIOS would cut power. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** Returns the reason why a line cannot be typed, or null. */
export function whyNotTyped(line: string): string | null {
  if (/[\x00-\x1f\x7f]/.test(line)) return 'it holds a line end or another control character';
  if (line.length <= TYPED_LIMIT) return null;
  return `it is ${line.length - TYPED_LIMIT} characters too long for the line of a terminal`;
}

/** Reads the output of a {@link commandLine} from everything that a console prints. */
export class OutputReader {
  /** The first mark was read: the shell has taken the line. */
  begun = false;
  /** The last mark was read. */
  ended = false;
  /** Status at the last mark; null before it, or where the node printed none. */
  code: number | null = null;
  readonly #first: string;
  readonly #last: RegExp;
  readonly #behind: string;
  /** Lines of the output; each but the last ended with a line end. */
  readonly #lines: string[] = [];
  #bytes = 0;
  #raw = '';
  /** Beginning of a line that a kernel message interrupted; `output`: it is the last one of the output. */
  #interrupted: { head: string; output: boolean } | null = null;
  /** The last line had no end. */
  #open = false;

  constructor(token: string) {
    this.#first = `rackui-${token}<`;
    this.#last = new RegExp(`rackui-${token}>(\\d*)$`);
    this.#behind = behind(token);
  }

  /** The output so far, at most {@link OUTPUT_LIMIT} bytes. */
  get output(): string {
    const whole = this.#lines.join('\n') + (this.#open || this.#lines.length === 0 ? '' : '\n');
    return this.truncated ? Buffer.from(whole).subarray(0, OUTPUT_LIMIT).toString() : whole;
  }

  /** More was printed than {@link OUTPUT_LIMIT}. */
  get truncated(): boolean {
    return this.#bytes > OUTPUT_LIMIT;
  }

  /** Takes what the console printed, split anywhere. */
  feed(text: string): void {
    const pieces = (this.#raw + text).split('\n');
    // A line that never ends is not output.
    this.#raw = (pieces.pop() ?? '').slice(-2 * OUTPUT_LIMIT);
    for (const piece of pieces) if (!this.ended) this.#line(piece.endsWith('\r') ? piece.slice(0, -1) : piece);
  }

  #line(raw: string): void {
    const interrupted = this.#interrupted;
    if (isStamped(raw)) return;
    this.#interrupted = null;
    if (interrupted === null || this.#isOwn(raw)) {
      this.#whole(raw);
      return;
    }
    if (interrupted.output) this.#bytes -= Buffer.byteLength(this.#lines.pop() ?? '') + 1;
    this.#whole(interrupted.head + raw);
  }

  #whole(line: string): void {
    // The row that the kernel wrote into: a shell and progress bars return to its beginning.
    const row = line.lastIndexOf('\r') + 1;
    const split = splitInterrupted(line.slice(row));
    if (!this.begun) {
      this.begun = line.endsWith(this.#first);
      const head = split?.head ?? '';
      if (!this.begun && this.#mayBegin(head)) this.#interrupted = { head, output: false };
      return;
    }
    const last = this.#last.exec(line);
    const text = last === null ? line : line.slice(0, last.index);
    if (text.startsWith(this.#behind)) {
      const output = text.slice(this.#behind.length);
      this.#lines.push(output);
      this.#bytes += Buffer.byteLength(output) + 1;
      this.#open = last !== null;
      if (split) this.#interrupted = { head: line.slice(0, row) + split.head, output: true };
    } else if (last === null && split && this.#mayBegin(split.head))
      this.#interrupted = { head: split.head, output: false };
    if (last === null) return;
    this.ended = true;
    this.code = last[1] === undefined || last[1] === '' ? null : Number(last[1]);
  }

  /** True for a line that no interrupted line continues. */
  #isOwn(line: string): boolean {
    return line.startsWith(this.#behind) || line.startsWith('rackui-');
  }

  /** True for the beginning of an own line. */
  #mayBegin(head: string): boolean {
    return (
      head !== '' && (head.startsWith('rackui-') || [this.#behind, this.#first].some((own) => own.startsWith(head)))
    );
  }
}
