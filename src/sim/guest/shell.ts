/** A login shell: prompt, editing, history, one command after another. Executes nothing of this machine. */
import { COMMANDS } from './commands.ts';
import { absolute, HOME, list } from './files.ts';
import { LineEditor, LineInput } from './line-editor.ts';
import type { Context, Machine, Reader } from './machine.ts';

/** Default of sudo. */
const SUDO_REMEMBERS_MS = 15 * 60_000;

export class Shell {
  readonly machine: Machine;
  readonly user: string;
  cwd: string;
  /** Time until which sudo remembers the password, ms of uptime. */
  sudoUntil = 0;
  lastStatus = 0;
  private readonly history: string[] = [];
  private readonly editor: LineEditor;
  private readonly leave: (status: number) => void;
  /** `after`: status of the previous command with which this one runs; null: any. */
  private queue: { text: string; after: 'success' | 'failure' | null }[] = [];
  private over = false;

  /** `leave` is called once, at the end of the shell. */
  constructor(machine: Machine, user: string, leave: (status: number) => void) {
    this.machine = machine;
    this.user = user;
    this.leave = leave;
    this.cwd = user === 'root' ? '/root' : HOME;
    this.editor = new LineEditor({
      print: (text) => machine.print(text),
      prompt: () => this.prompt(),
      line: (text) => this.execute(text),
      endOfFile: () => this.exit('logout'),
      complete: (left) => this.complete(left),
      history: this.history,
    });
  }

  start(): void {
    this.machine.attend(this.editor);
    this.editor.start();
  }

  exit(word: string): void {
    if (this.over) return;
    this.over = true;
    this.machine.print(`${word}\n`);
    this.leave(this.lastStatus);
  }

  private prompt(): string {
    const home = this.user === 'root' ? '/root' : HOME;
    const where = this.cwd === home || this.cwd.startsWith(`${home}/`) ? `~${this.cwd.slice(home.length)}` : this.cwd;
    return `${this.user}@${this.machine.hostname}:${where} ${this.user === 'root' ? '#' : '$'} `;
  }

  private execute(line: string): void {
    if (line.trim() !== '' && line !== this.history.at(-1)) this.history.push(line);
    this.queue = commandsOf(line);
    this.next();
  }

  private next(): void {
    const command = this.queue.shift();
    if (this.over) return;
    if (!command) this.start();
    else if (command.after !== null && (this.lastStatus === 0) !== (command.after === 'success')) this.next();
    else this.runLine(words(command.text));
  }

  /** Runs one command of a line; variables may be set ahead of it. */
  private runLine(argv: readonly string[]): void {
    const first = argv.findIndex((word) => !/^\w+=/.test(word));
    const env = argv.slice(0, Math.max(0, first)).map((word) => word.split(/=(.*)/s).slice(0, 2) as [string, string]);
    this.run(argv.slice(Math.max(0, first)), () => this.next(), this.user, Object.fromEntries(env));
  }

  /** Runs one command; `done` is called once, with its exit status. */
  run(
    argv: readonly string[],
    done: (status: number) => void,
    user = this.user,
    env: Readonly<Record<string, string>> = {},
  ): void {
    const [name, ...args] = argv;
    if (name === undefined) {
      done(this.lastStatus);
      return;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) {
      this.machine.print(`-bash: ${name}: command not found\n`);
      done(127);
      return;
    }
    const process = new Process(this, user, env, done);
    const status = command.run(process, args);
    if (status !== undefined) process.exit(status);
  }

  private complete(left: string): string[] {
    const word = left.slice(left.lastIndexOf(' ') + 1);
    if (word === '') return [];
    if (!left.trimStart().includes(' ')) return Object.keys(COMMANDS).filter((name) => name.startsWith(word));
    const slash = word.lastIndexOf('/') + 1;
    const names = list(absolute(word.slice(0, slash), this.cwd), this.machine.hostname) ?? [];
    return names.map((name) => word.slice(0, slash) + name).filter((name) => name.startsWith(word));
  }
}

/** One running command: its output, planned work and reading end with it. */
class Process implements Context {
  readonly machine: Machine;
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  private readonly shell: Shell;
  private readonly done: (status: number) => void;
  private readonly plans: (() => void)[] = [];
  private readonly endings: (() => void)[] = [];
  private over = false;

  constructor(shell: Shell, user: string, env: Readonly<Record<string, string>>, done: (status: number) => void) {
    this.shell = shell;
    this.user = user;
    this.env = env;
    this.machine = shell.machine;
    this.done = done;
    this.machine.attend(
      new LineInput({
        print: (text) => this.machine.print(text),
        echo: true,
        line: () => undefined,
        interrupt: () => {
          this.machine.print('\n');
          this.exit(130);
        },
      }),
    );
  }

  get cwd(): string {
    return this.shell.cwd;
  }

  set cwd(path: string) {
    this.shell.cwd = path;
  }

  print(text: string): void {
    this.machine.print(text);
  }

  attend(reader: Reader): void {
    this.machine.attend(reader);
  }

  runAs(user: string, argv: readonly string[]): void {
    this.shell.run(argv, (status) => this.exit(status), user);
  }

  openShell(user: string): void {
    new Shell(this.machine, user, (status) => this.exit(status)).start();
  }

  leaveShell(word: string): void {
    this.shell.exit(word);
  }

  sudoRemembers(): boolean {
    return this.machine.uptimeMs() < this.shell.sudoUntil;
  }

  sudoRemember(): void {
    this.shell.sudoUntil = this.machine.uptimeMs() + SUDO_REMEMBERS_MS;
  }

  after(ms: number, run: () => void): void {
    this.plans.push(this.machine.after(ms, run));
  }

  atExit(run: () => void): void {
    this.endings.push(run);
  }

  exit(status: number): void {
    if (this.over) return;
    this.over = true;
    for (const cancel of this.plans) cancel();
    for (const end of this.endings) end();
    this.shell.lastStatus = status;
    this.done(status);
  }
}

/** Splits a line into commands; separators in quotes do not count. */
function commandsOf(line: string): { text: string; after: 'success' | 'failure' | null }[] {
  const parts = line.split(/(;|&&|\|\|)(?=(?:[^"']|"[^"]*"|'[^']*')*$)/);
  return parts
    .filter((_part, index) => index % 2 === 0)
    .map((text, index) => {
      const before = parts[2 * index - 1];
      return { text, after: before === '&&' ? 'success' : before === '||' ? 'failure' : null };
    });
}

/**
 * Splits a command into words; quotes of both kinds hold words together, and pieces without a blank between them are
 * one.
 */
function words(text: string): string[] {
  return [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"']|["'])+/g)].map(([word]) =>
    word.replace(
      /"([^"]*)"|'([^']*)'/g,
      (_quoted, double: string | undefined, single: string | undefined) => double ?? single ?? '',
    ),
  );
}
