/**
 * The language of a guest's shell: lists, pipelines, groups, redirections, quotes, `$?`, `$1`, `$name`, `$(…)`. A part
 * of a pipeline runs when the one before it has ended, and gets all of its output.
 */

/** Receives the output of one descriptor. */
export type Sink = (text: string) => void;

/** Environment of a command: its input (null: the terminal), its descriptors, and the words `$1`, `$2`, … */
export interface Streams {
  input: string | null;
  sinks: ReadonlyMap<number, Sink>;
  words: readonly string[];
}

/** The machine below the language. */
export interface ScriptHost {
  /** Exit status of the last command. */
  lastStatus: number;
  readonly variables: Map<string, string>;
  /** Runs one command; `done` is called once. */
  command(argv: readonly string[], env: Readonly<Record<string, string>>, streams: Streams, done: () => void): void;
  /** Returns the host of a subshell: `exit` and variables stay in it. */
  child(): ScriptHost;
  /** Opens a file for writing; null: it cannot be written. */
  open(path: string): Sink | null;
  /** True after `exit`, and after ^C until the next line: nothing more of the present one runs. */
  readonly over: boolean;
}

type Piece = { is: 'text'; text: string } | { is: 'name'; name: string; whole: boolean } | Substitution;
interface Substitution {
  is: 'list';
  list: List;
  whole: boolean;
}
type Word = readonly Piece[];

interface Redirection {
  fd: number;
  /** Another descriptor, a file, or null: closed. */
  to: number | Word | null;
  /** For the command's input. */
  reads: boolean;
}

interface Part {
  body:
    | { is: 'command'; env: { name: string; value: Word }[]; words: Word[] }
    | { is: 'group'; list: List; own: boolean };
  redirections: Redirection[];
}

/** `after`: the status of the command before, with which this one runs; null: any. */
type List = readonly { after: 'success' | 'failure' | null; pipeline: readonly Part[] }[];

const BLANK = ' \t';
const SPECIAL = ' \t\n;|&(){}<>';

/** @throws {SyntaxError} */
export function parseScript(text: string): List {
  const parser = new Parser(text);
  const list = parser.list('');
  if (!parser.over()) throw new SyntaxError(`syntax error near unexpected token \`${parser.peek()}'`);
  return list;
}

class Parser {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  over(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string {
    return this.text[this.at] ?? '';
  }

  /** Parses up to the closing bracket `end`, which stays; '': to the end of the text. */
  list(end: string): List {
    const list: { after: 'success' | 'failure' | null; pipeline: Part[] }[] = [];
    let after: 'success' | 'failure' | null = null;
    for (;;) {
      this.skip(`${BLANK}\n;`);
      if (this.over() || this.peek() === end) return list;
      list.push({ after, pipeline: this.pipeline() });
      after = this.take('&&') ? 'success' : this.take('||') ? 'failure' : null;
      if (after !== null || this.over() || this.peek() === end || ';\n'.includes(this.peek())) continue;
      throw new SyntaxError(`syntax error near unexpected token \`${this.peek()}'`);
    }
  }

  private pipeline(): Part[] {
    const parts: Part[] = [];
    do {
      this.skip(`${BLANK}\n`);
      parts.push(this.part());
      this.skip(BLANK);
    } while (!this.text.startsWith('||', this.at) && this.take('|'));
    return parts;
  }

  private part(): Part {
    const close = this.take('(') ? ')' : /^\{\s/.test(this.text.slice(this.at)) && this.take('{') ? '}' : null;
    const redirections: Redirection[] = [];
    if (close !== null) {
      const list = this.list(close);
      if (!this.take(close)) throw new SyntaxError('syntax error: unexpected end of file');
      while (this.redirection(redirections)) this.skip(BLANK);
      return { body: { is: 'group', list, own: close === ')' }, redirections };
    }
    const env: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    for (;;) {
      this.skip(BLANK);
      if (this.redirection(redirections)) continue;
      const [assigned, name] = words.length > 0 ? [] : (/^(\w+)=/.exec(this.text.slice(this.at)) ?? []);
      if (assigned !== undefined && name !== undefined) {
        this.at += assigned.length;
        env.push({ name, value: this.word() });
        continue;
      }
      if (this.over() || SPECIAL.includes(this.peek())) break;
      words.push(this.word());
    }
    if (env.length + words.length + redirections.length === 0)
      throw new SyntaxError(`syntax error near unexpected token \`${this.peek() === '' ? 'newline' : this.peek()}'`);
    return { body: { is: 'command', env, words }, redirections };
  }

  private redirection(into: Redirection[]): boolean {
    this.skip(BLANK);
    const [whole, fd, sign] = /^(\d?)(>>|>|<)/.exec(this.text.slice(this.at)) ?? [];
    if (whole === undefined) return false;
    this.at += whole.length;
    const reads = sign === '<';
    const [copied, other] = /^&(\d|-)/.exec(this.text.slice(this.at)) ?? [];
    const own = fd === '' ? (reads ? 0 : 1) : Number(fd);
    if (copied !== undefined) this.at += copied.length;
    else this.skip(BLANK);
    into.push({ fd: own, reads, to: copied === undefined ? this.word() : other === '-' ? null : Number(other) });
    return true;
  }

  private word(): Word {
    const pieces: Piece[] = [];
    const add = (text: string): void => void pieces.push({ is: 'text', text });
    while (!this.over() && !SPECIAL.includes(this.peek())) {
      if (this.take("'")) add(this.until("'"));
      else if (this.take('"')) {
        add('');
        while (!this.over() && this.peek() !== '"') pieces.push(this.expansion(true) ?? this.literal('"$'));
        if (!this.take('"')) throw new SyntaxError('unexpected EOF while looking for matching `"\'');
      } else pieces.push(this.expansion(false) ?? this.literal(`${SPECIAL}'"$`));
    }
    return pieces;
  }

  private literal(ends: string): Piece {
    const from = this.at++;
    while (!this.over() && !ends.includes(this.peek())) this.at++;
    return { is: 'text', text: this.text.slice(from, this.at) };
  }

  private expansion(whole: boolean): Piece | null {
    const [name] = /^\$(?:[?\d]|[A-Za-z_]\w*)/.exec(this.text.slice(this.at)) ?? [];
    if (name !== undefined) {
      this.at += name.length;
      return { is: 'name', name: name.slice(1), whole };
    }
    if (!this.take('$(')) return null;
    const list = this.list(')');
    if (!this.take(')')) throw new SyntaxError('syntax error: unexpected end of file');
    return { is: 'list', list, whole };
  }

  private until(end: string): string {
    const from = this.at;
    const to = this.text.indexOf(end, from);
    if (to < 0) throw new SyntaxError(`unexpected EOF while looking for matching \`${end}'`);
    this.at = to + 1;
    return this.text.slice(from, to);
  }

  private skip(chars: string): void {
    while (!this.over() && chars.includes(this.peek())) this.at++;
  }

  private take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }
}

/** Runs a parsed list; `done` is called once, with the status in {@link ScriptHost.lastStatus}. */
export function runScript(host: ScriptHost, list: List, streams: Streams, done: () => void, from = 0): void {
  const entry = list[from];
  if (entry === undefined || host.over) {
    done();
    return;
  }
  const next = (): void => runScript(host, list, streams, done, from + 1);
  const { after, pipeline } = entry;
  if (after !== null && (host.lastStatus === 0) !== (after === 'success')) next();
  else runPipeline(host, pipeline, streams, next);
}

function runPipeline(host: ScriptHost, parts: readonly Part[], streams: Streams, done: () => void): void {
  const [part, ...rest] = parts;
  if (part === undefined || host.over) {
    done();
    return;
  }
  let output = '';
  const piped = { ...streams, sinks: new Map(streams.sinks).set(1, (text) => void (output += text)) };
  const next = (): void => runPipeline(host, rest, { ...streams, input: output }, done);
  if (rest.length === 0) runPart(host, part, streams, done);
  else runPart(host, part, piped, next);
}

function runPart(host: ScriptHost, { body, redirections }: Part, streams: Streams, done: () => void): void {
  redirected(host, redirections, streams, (inner) => {
    if (inner === null) {
      host.lastStatus = 1;
      done();
    } else if (body.is === 'group') runScript(body.own ? host.child() : host, body.list, inner, done);
    else
      expandAll(host, body.words, inner, (argv) =>
        expandAll(host, body.env.map(asOne), inner, (values) => {
          const env = Object.fromEntries(body.env.map(({ name }, index) => [name, values[index] ?? '']));
          if (argv.length > 0) host.command(argv, env, inner, done);
          else {
            for (const [name, value] of Object.entries(env)) host.variables.set(name, value);
            done();
          }
        }),
      );
  });
}

/** Returns the value of an assignment as a word that is not split. */
function asOne({ value }: { value: Word }): Word {
  return [
    { is: 'text', text: '' },
    ...value.map((piece): Piece => (piece.is === 'text' ? piece : { ...piece, whole: true })),
  ];
}

/** Applies redirections in their order; null: a file cannot be opened. */
function redirected(
  host: ScriptHost,
  redirections: readonly Redirection[],
  streams: Streams,
  then: (streams: Streams | null) => void,
): void {
  const [first, ...rest] = redirections;
  if (first === undefined) {
    then(streams);
    return;
  }
  const { fd, to, reads } = first;
  const sinks = new Map(streams.sinks);
  if (to === null) sinks.delete(fd);
  else if (typeof to === 'number') {
    const sink = sinks.get(to);
    if (sink !== undefined) sinks.set(fd, sink);
  } else {
    expandAll(host, [to], streams, ([path = '']) => {
      if (reads) redirected(host, rest, { ...streams, input: '' }, then);
      else {
        const sink = host.open(path);
        if (sink !== null) {
          redirected(host, rest, { ...streams, sinks: sinks.set(fd, sink) }, then);
          return;
        }
        streams.sinks.get(2)?.(`-bash: ${path}: Permission denied\n`);
        then(null);
      }
    });
    return;
  }
  redirected(host, rest, { ...streams, sinks }, then);
}

/** Expands words one after another: unquoted expansions are split at blanks. */
function expandAll(
  host: ScriptHost,
  words: readonly Word[],
  streams: Streams,
  then: (words: string[]) => void,
  expanded: string[] = [],
): void {
  const [word, ...rest] = words;
  if (word === undefined) {
    then(expanded);
    return;
  }
  expandPieces(host, word, streams, [], (fields) => expandAll(host, rest, streams, then, [...expanded, ...fields]));
}

function expandPieces(
  host: ScriptHost,
  [piece, ...rest]: Word,
  streams: Streams,
  fields: readonly string[],
  then: (fields: readonly string[]) => void,
): void {
  if (piece === undefined) {
    then(fields);
    return;
  }
  const append = (text: string, whole: boolean): void => {
    const [first = '', ...others] = whole ? [text] : text.split(/\s+/);
    const joined = [...fields.slice(0, -1), (fields.at(-1) ?? '') + first, ...others];
    const empty = !whole && text.trim() === '' && fields.length === 0;
    expandPieces(host, rest, streams, empty ? fields : joined, then);
  };
  if (piece.is === 'text') append(piece.text, true);
  else if (piece.is === 'name') append(valueOf(host, piece.name, streams), piece.whole);
  else {
    let output = '';
    const sinks = new Map(streams.sinks).set(1, (text) => void (output += text));
    runScript(host.child(), piece.list, { ...streams, sinks }, () => append(output.replace(/\n+$/, ''), piece.whole));
  }
}

function valueOf({ lastStatus, variables }: ScriptHost, name: string, { words }: Streams): string {
  if (name === '?') return String(lastStatus);
  return /^\d$/.test(name) ? (words[Number(name)] ?? '') : (variables.get(name) ?? '');
}
