/**
 * A small loop in the shell on a node's console, for work in many steps over a line that tears what passes: it gets
 * commands in short lines with a checksum, runs each once, and prints its output so that nothing that the kernel or
 * another program adds is taken for it. It switches the terminal's echo off for as long as it runs; an empty line ends
 * it. POSIX sh with cksum, sed and stty, BusyBox's too.
 */
import { randomBytes } from 'node:crypto';
import { OutputReader, quoted } from '../../console/shell-command.ts';
import { checksum } from '../../lib/checksum.ts';
import { Unavailable } from '../../lib/errors.ts';
import type { NodeShell } from './node-shell.ts';

/** Letters of one line: a dot answers each, so the bus knows that the node still reads. */
const LINE = 32;
/** Number of times the loop is started, and each command sent. */
const STARTS = 3;
const SENDS = 8;
/** Time for the loop to answer behind the last byte, besides the command's own, ms. */
const ANSWERS_MS = 3_000;
/** Time for a shell that did not take the loop to print its prompt again, ms. */
const STARTS_MS = 10_000;

/** Reads the answer to one command. */
class AnswerReader extends OutputReader {
  /** The node has refused a torn line or command. */
  torn = false;
  #rest = '';

  override feed(text: string): void {
    super.feed(text);
    const seen = this.#rest + text;
    this.torn ||= seen.includes('rackui-torn');
    this.#rest = seen.slice(-'rackui-torn'.length);
  }
}

/**
 * Returns the typed line that starts the loop. `functions` is shell code with `$F`, the file at `path`, and `$P`, its
 * part file. The shell runs all of it only where its checksum is right. Written without backslash: one that reached a
 * BIOS would cut power.
 */
function agentLine(path: string, functions: string, token: string): string {
  const script = [
    'F=$2;P=$F.rackui-part;umask 77',
    functions,
    's=$(stty -g);trap "exit 1" 1 2 15;trap "stty $s" 0;stty -echo',
    `echo "ra""ckui-${token}<";echo "ra""ckui-${token}>0";n=;b=`,
    'while IFS= read -r l&&[ -n "$l" ];do case $l in +*)b=$b${l#+};printf .;;-)b=;;=*)set -- ${l#=}',
    'c=$(printf %s "$2 $b"|cksum);echo;if [ "${c%% *}" = "$1" ];then if [ "$2" != "$n" ];then n=$2',
    'r=$(eval "$b" 2>&1 </dev/null);e=$?;k=$(printf %s "$r"|cksum);fi',
    'echo "rackui-$n<";echo "$n:$k";printf %s "$r"|sed "s/^/$n:/";echo',
    'echo "rackui-$n>$e";else echo "ra""ckui-torn";fi;b=;;*)b=;echo;echo "ra""ckui-torn";;esac;done',
  ].join(';');
  const sum = checksum(Buffer.from(script + path));
  const check = `c=$(printf %s "$1$2"|cksum);if [ "\${c%% *}" = ${sum} ];then eval "$1";else echo "ra""ckui-torn";fi`;
  return ` sh -c ${quoted(check)} - ${quoted(script)} ${quoted(path)}`;
}

/** Returns the lines that send `command` under `token`; the node runs it once, however often it comes. */
function agentCommand(command: string, token: string): string {
  const lines = command.match(new RegExp(`.{1,${LINE}}`, 'gs')) ?? [];
  // Whatever a lost line end left in the node's line goes with the first.
  const begin = ['-', ...lines.map((line) => `+${line}`)];
  return [...begin, `=${checksum(Buffer.from(`${token} ${command}`))} ${token}`, ''].join('\r');
}

/** Exit code and output of a command. */
export interface Answer {
  code: number;
  output: string;
}

export class Agent {
  readonly #shell: NodeShell;
  readonly #token = randomBytes(3).toString('hex');
  #commands = 0;

  private constructor(shell: NodeShell) {
    this.#shell = shell;
  }

  /** Starts the loop in a shell at its prompt. @throws {Unavailable} */
  static async start(shell: NodeShell, path: string, functions: string): Promise<Agent> {
    const agent = new Agent(shell);
    for (let start = 1; start <= STARTS; start++) {
      const token = `${agent.#token}-s${start}`;
      const reader = new AnswerReader(token);
      await shell.typeLine(`${agentLine(path, functions, token)}\r`, reader);
      const stopped = await shell.wait(() => reader.ended || reader.torn, STARTS_MS);
      if (reader.ended) return agent;
      if (stopped !== null && stopped !== 'limit') throw new Unavailable(`the transfer ended${shell.reason(stopped)}`);
      await shell.interrupt();
    }
    throw new Unavailable(
      `the shell did not start the transfer in ${STARTS} tries: sh, cksum, sed or stty is missing, or the line loses too much`,
    );
  }

  /**
   * Runs one command, once. Returns null where the line tears the answer in all of `sends` tries. @throws {Unavailable}
   * where the console is lost
   */
  async ask(command: string, limitMs: number, sends = SENDS): Promise<Answer | null> {
    const token = `${this.#token}-${++this.#commands}`;
    for (let send = 1; send <= sends; send++) {
      const reader = new AnswerReader(token);
      const unsent = await this.#shell.type(agentCommand(command, token), reader);
      if (unsent !== '') throw new Unavailable(`the transfer ended: ${unsent}`);
      // A torn line is followed by the refusal of its command: only that one counts, or each would cost two tries.
      reader.torn = false;
      const stopped = await this.#shell.wait(() => reader.ended || reader.torn, limitMs + ANSWERS_MS);
      const answer = wholeAnswer(reader);
      if (answer !== null) return answer;
      if (stopped !== null && stopped !== 'limit')
        throw new Unavailable(`the transfer ended${this.#shell.reason(stopped)}`);
    }
    return null;
  }

  /** Ends the loop, which switches the echo on again. */
  async end(): Promise<void> {
    // The first line end may end a torn line.
    await this.#shell.type('\r\r', null);
  }
}

/** Returns the answer where its checksum, its first line, is right. */
function wholeAnswer({ ended, begun, code, output }: OutputReader): Answer | null {
  if (!ended || !begun || code === null) return null;
  const [sum = '', ...lines] = output.replace(/\n$/, '').split('\n');
  const text = lines.join('\n');
  return Number(sum.split(' ')[0]) === checksum(Buffer.from(text)) ? { code, output: text } : null;
}
