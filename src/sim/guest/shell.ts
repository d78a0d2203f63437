/** A login shell: prompt, editing, history, one command after another. Executes nothing of this machine. */
import { COMMANDS, sysrq } from './commands.ts';
import { absolute, HOME, list } from './files.ts';
import { LineEditor, LineInput } from './line-editor.ts';
import type { Context, Machine, Reader } from './machine.ts';
import { parseScript, runScript, type ScriptHost, type Sink, type Streams } from './script.ts';

/** Default of sudo. */
const SUDO_REMEMBERS_MS = 15 * 60_000;

export class Shell {
  readonly machine: Machine;
  readonly user: string;
  cwd: string;
  /** Time until which sudo remembers the password, ms of uptime. */
  sudoUntil = 0;
  lastStatus = 0;
  /** Set by ^C: the rest of the line does not run. */
  interrupted = false;
  /** Its session has ended. */
  over = false;
  private readonly history: string[] = [];
  private readonly editor: LineEditor;
  private readonly leave: (status: number) => void;

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
    this.interrupted = false;
    const sinks = new Map([1, 2].map((fd) => [fd, this.toTerminal]));
    const host = new Script(this, this.user);
    host.run(line, { input: null, sinks, words: ['-bash'] }, () => {
      if (host.left) this.exit('logout');
      else if (!this.over) this.start();
    });
  }

  /** Its standard output while that is the terminal. */
  readonly toTerminal: Sink = (text) => this.machine.print(text);

  private complete(left: string): string[] {
    const word = left.slice(left.lastIndexOf(' ') + 1);
    if (word === '') return [];
    if (!left.trimStart().includes(' ')) return Object.keys(COMMANDS).filter((name) => name.startsWith(word));
    const slash = word.lastIndexOf('/') + 1;
    const names = list(absolute(word.slice(0, slash), this.cwd), this.machine.hostname) ?? [];
    return names.map((name) => word.slice(0, slash) + name).filter((name) => name.startsWith(word));
  }
}

/** A line or a script, as it is run for one user. */
class Script implements ScriptHost {
  /** Ended by `exit`. */
  left = false;
  readonly variables: Map<string, string>;
  private readonly shell: Shell;
  private readonly user: string;

  constructor(shell: Shell, user: string, variables: ReadonlyMap<string, string> = new Map()) {
    this.shell = shell;
    this.user = user;
    this.variables = new Map(variables);
  }

  child(): Script {
    return new Script(this.shell, this.user, this.variables);
  }

  get over(): boolean {
    return this.left || this.shell.interrupted || this.shell.over;
  }

  get lastStatus(): number {
    return this.shell.lastStatus;
  }

  set lastStatus(status: number) {
    this.shell.lastStatus = status;
  }

  /** Runs the text; `done` is called once, at its end. */
  run(text: string, streams: Streams, done: () => void): void {
    let list: ReturnType<typeof parseScript> = [];
    try {
      list = parseScript(text);
    } catch (error) {
      streams.sinks.get(2)?.(`-bash: ${error instanceof Error ? error.message : ''}\n`);
      this.lastStatus = 2;
    }
    runScript(this, list, streams, done);
  }

  leave(status: number | undefined): void {
    this.left = true;
    if (status !== undefined) this.lastStatus = status;
  }

  command(argv: readonly string[], env: Readonly<Record<string, string>>, streams: Streams, done: () => void): void {
    this.runAs(this.user, argv, env, streams, () => done());
  }

  runAs(
    user: string,
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
    streams: Streams,
    done: (status: number) => void,
  ): void {
    const [name = '', ...args] = argv;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) {
      streams.sinks.get(2)?.(`-bash: ${name}: command not found\n`);
      this.lastStatus = 127;
      done(127);
      return;
    }
    const process = new Process(this.shell, this, { user, env, streams }, done);
    const status = command.run(process, args);
    if (status !== undefined) process.exit(status);
  }

  open(path: string): Sink | null {
    if (path === '/dev/null') return () => undefined;
    if (path !== '/proc/sysrq-trigger' || this.user !== 'root') return null;
    return (text) => sysrq(this.shell.machine, text.slice(0, 1));
  }
}

/** One running command: its output, planned work and reading end with it. */
class Process implements Context {
  readonly machine: Machine;
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  private readonly streams: Streams;
  private readonly shell: Shell;
  private readonly script: Script;
  private readonly done: (status: number) => void;
  private readonly plans: (() => void)[] = [];
  private readonly endings: (() => void)[] = [];
  private over = false;

  constructor(
    shell: Shell,
    script: Script,
    { user, env, streams }: { user: string; env: Readonly<Record<string, string>>; streams: Streams },
    done: (status: number) => void,
  ) {
    this.shell = shell;
    this.script = script;
    this.user = user;
    this.env = env;
    this.streams = streams;
    this.machine = shell.machine;
    this.done = done;
    this.machine.attend(
      new LineInput({
        print: (text) => this.machine.print(text),
        echo: true,
        line: () => undefined,
        interrupt: () => this.interrupt(),
      }),
    );
  }

  get cwd(): string {
    return this.shell.cwd;
  }

  set cwd(path: string) {
    this.shell.cwd = path;
  }

  get input(): string | null {
    return this.streams.input;
  }

  get piped(): boolean {
    return this.streams.sinks.get(1) !== this.shell.toTerminal;
  }

  print(text: string): void {
    this.streams.sinks.get(1)?.(text);
  }

  attend(reader: Reader): void {
    this.machine.attend(reader);
  }

  runAs(user: string, argv: readonly string[]): void {
    this.script.runAs(user, argv, {}, this.streams, (status) => this.exit(status));
  }

  runScript(text: string, words: readonly string[]): void {
    const script = new Script(this.shell, this.user);
    script.run(text, { ...this.streams, words }, () => this.exit(this.shell.lastStatus));
  }

  openShell(user: string): void {
    new Shell(this.machine, user, (status) => this.exit(status)).start();
  }

  leaveShell(status?: number): void {
    this.script.leave(status);
    this.exit(this.shell.lastStatus);
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

  interrupt(): void {
    this.shell.interrupted = true;
    this.machine.print('\n');
    this.exit(130);
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
