/**
 * Sends files to nodes and reads them over their consoles, in pieces that are checked one by one. What is put goes into
 * a part file, which takes the file's name when all of it has been checked; a transfer that breaks off leaves the part
 * file for the next one.
 */
import { gunzipSync } from 'node:zlib';
import { FILE_LIMIT, type FileEnd, type FileOpened, type FileRequest } from '../../api/shell.ts';
import { messageOf, NodeFailed, Refused, Unavailable } from '../../lib/errors.ts';
import type { Address } from '../../rack/address.ts';
import type { Caller } from '../rpc/registry.ts';
import { Agent, type Answer } from './agent.ts';
import type { Commands } from './commands.ts';
import type { NodeShell } from './node-shell.ts';

/** Time for the node's work on a whole file, and on a piece, ms. */
const WHOLE_MS = 120_000;
const STEP_MS = 5_000;
/** Time without a request after which a transfer ends: its client is stopped, ms. */
const IDLE_MS = 60_000;
/** Bytes of one piece that is read: it is halved when the line tears it, and grows again. */
const READ = { least: 512, most: 16 * 1024 };
/** Time that the line needs for a byte that is read, ms: 9600 baud and base64. */
const BYTE_MS = 2;

/** Code of the agent for each way. `w`: adds a piece; `g`: prints a piece. */
const FUNCTIONS = {
  put: 'w(){ [ "$1" = 0 ]&&:>"$P";echo "$2"|base64 -d>>"$P"&&wc -c<"$P";}',
  get: 'Z=cat;command -v gzip>/dev/null&&Z="gzip -c";g(){ tail -c +$1 "$F"|head -c $2|$Z|base64;}',
};
const GZIP = 'command -v gzip>/dev/null&&echo gzip||echo plain';
const PLACE = 'case $F in /*)echo "$F";;*)echo "$PWD/$F";;esac';

interface Transfer {
  addr: Address;
  way: 'put' | 'get';
  session: number;
  shell: NodeShell;
  agent: Agent;
  gzip: boolean;
  /** Bytes of the next piece that is read. */
  piece: number;
  idle: NodeJS.Timeout | undefined;
  outcome: (detail: string) => Promise<void>;
  /** Bytes that went, and what became of the file. */
  bytes: number;
  end: string;
}

export class Files {
  readonly #commands: Commands;
  readonly #transfers = new Map<string, Transfer>();
  #last = 0;

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /** @throws {Refused} {ConsoleHeld} {Unavailable} and nothing on the node has changed */
  async open({ addr, way, path, have }: FileRequest, caller: Caller): Promise<FileOpened> {
    const shell = await this.#commands.reachShell(addr, caller.gone, caller.id);
    const stop = async (error: unknown): Promise<never> => {
      await shell.close();
      throw this.#commands.named(addr, error);
    };
    const outcome = await this.#commands.announce({ addr, verb: way, raw: path, by: 'console' }, caller).catch(stop);
    const id = `file-${++this.#last}`;
    try {
      // A path that begins with a hyphen is none of an option.
      const agent = await Agent.start(shell, path.startsWith('-') ? `./${path}` : path, FUNCTIONS[way]);
      const about = { addr, way, session: caller.id, shell, agent, outcome };
      const transfer: Transfer = {
        ...about,
        gzip: false,
        piece: READ.most,
        idle: undefined,
        bytes: 0,
        end: 'not finished',
      };
      this.#transfers.set(id, transfer);
      caller.gone.addEventListener('abort', () => void this.#end(id), { once: true });
      const opened = way === 'put' ? await openPart(agent) : await openFile(agent, have);
      transfer.gzip = opened.gzip;
      this.#touch(id, transfer);
      return { id, ...opened };
    } catch (error) {
      const transfer = this.#transfers.get(id);
      if (transfer !== undefined) {
        transfer.end = messageOf(error);
        await this.#end(id);
        throw this.#commands.named(addr, error);
      }
      await outcome(messageOf(error));
      return await stop(error);
    }
  }

  async write(id: string, caller: Caller, at: number, data: string): Promise<{ size: number }> {
    return await this.#work(id, caller, 'put', async (transfer) => {
      const { code, output } = await ask(transfer.agent, `w ${at} ${data}`, STEP_MS);
      const size = Number(output);
      const added = Buffer.from(data, 'base64').length;
      if (code !== 0 || size !== at + added)
        throw new NodeFailed(`the node could not write the part file: ${code === 0 ? `it has ${size} bytes` : output}`);
      transfer.bytes += added;
      return { size };
    });
  }

  async read(id: string, caller: Caller, at: number): Promise<{ data: string }> {
    return await this.#work(id, caller, 'get', async (transfer) => {
      for (;;) {
        const { piece } = transfer;
        const answer = await transfer.agent.ask(`g ${at + 1} ${piece}`, STEP_MS + piece * BYTE_MS, 2);
        if (answer !== null) {
          if (answer.code !== 0) throw new NodeFailed(`the node could not read the file: ${answer.output}`);
          transfer.piece = Math.min(READ.most, piece * 2);
          const bytes = Buffer.from(answer.output, 'base64');
          const whole = transfer.gzip ? gunzipSync(bytes) : bytes;
          transfer.bytes += whole.length;
          return { data: whole.toString('base64') };
        }
        if (piece === READ.least) throw new Unavailable(TORN);
        transfer.piece = piece / 2;
      }
    });
  }

  /** Checks what was put, and gives it its name. */
  async finish({ id, size, sum, mode, gzip }: FileEnd, caller: Caller): Promise<{ path: string }> {
    return await this.#work(id, caller, 'put', async (transfer) => {
      const whole = gzip ? '$P.whole' : '$P';
      const steps = [
        ...(gzip ? [`gzip -dc<"$P">"${whole}"`] : []),
        `[ "$(cksum<"${whole}")" = "${sum} ${size}" ]`,
        `chmod ${mode.toString(8)} "${whole}"`,
        `mv -f "${whole}" "$F"`,
      ];
      const command = `if [ -d "$F" ];then echo "it is a folder";exit 1;fi;${steps.join('&&')}||exit 1;rm -f "$P";sync;${PLACE}`;
      const { code, output } = await ask(transfer.agent, command, WHOLE_MS);
      if (code !== 0)
        throw new NodeFailed(
          `the node could not finish the file: ${output || 'its checksum differs'}; the old one is untouched`,
        );
      transfer.end = `done: ${size} bytes, checksum ${sum}`;
      return { path: output };
    });
  }

  async close(id: string, caller: Caller): Promise<void> {
    const transfer = this.#transfers.get(id);
    if (transfer?.session === caller.id) await this.#end(id);
  }

  /** Does one step of a transfer; one that fails for good ends it. */
  async #work<T>(id: string, caller: Caller, way: 'put' | 'get', step: (transfer: Transfer) => Promise<T>): Promise<T> {
    const transfer = this.#transfers.get(id);
    if (transfer?.session !== caller.id || transfer.way !== way)
      throw new Unavailable(`there is no transfer ${id} of this session: it has ended`);
    clearTimeout(transfer.idle);
    try {
      const result = await step(transfer);
      this.#touch(id, transfer);
      return result;
    } catch (error) {
      transfer.end = messageOf(error);
      await this.#end(id);
      throw this.#commands.named(transfer.addr, error);
    }
  }

  #touch(id: string, transfer: Transfer): void {
    transfer.idle = setTimeout(() => void this.#end(id), IDLE_MS);
  }

  async #end(id: string): Promise<void> {
    const transfer = this.#transfers.get(id);
    if (!this.#transfers.delete(id) || transfer === undefined) return;
    clearTimeout(transfer.idle);
    await transfer.agent.end();
    await transfer.shell.close();
    // The disk's fault is reported by the audit log itself.
    await transfer.outcome(`${transfer.bytes} bytes went; ${transfer.end}`).catch(() => undefined);
  }
}

const TORN = 'the line tears every answer of the node, or the loop there has ended';

async function ask(agent: Agent, command: string, limitMs: number): Promise<Answer> {
  const answer = await agent.ask(command, limitMs);
  if (answer === null) throw new Unavailable(TORN);
  return answer;
}

type Opened = Omit<FileOpened, 'id'>;

async function openPart(agent: Agent): Promise<Opened> {
  const checks = [
    'if [ -d "$F" ];then echo "it is a folder: give a file name";exit 1;fi',
    'command -v base64>/dev/null||{ echo "it has no base64";exit 1; }',
    '[ -h "$P" ]&&rm -f "$P"',
    ': >>"$P"||exit 1',
  ];
  const { code, output } = await ask(agent, `${checks.join(';')};${PLACE};${GZIP};cksum<"$P"`, WHOLE_MS);
  const [path = '', gzip, sums = ''] = output.split('\n');
  if (code !== 0) throw new NodeFailed(`the node takes no file there: ${output}`);
  return { path, ...readSums(sums), mode: null, haveSum: null, gzip: gzip === 'gzip' };
}

async function openFile(agent: Agent, have: number): Promise<Opened> {
  const checks = [
    'if [ ! -f "$F" ];then echo "there is no such file";exit 1;fi',
    'command -v base64>/dev/null||{ echo "it has no base64";exit 1; }',
    'cksum<"$F"||exit 1',
  ];
  const more = `head -c ${have} "$F"|cksum;ls -ldn "$F";${PLACE};${GZIP}`;
  const { code, output } = await ask(agent, `${checks.join(';')};${more}`, WHOLE_MS);
  const [sums = '', had = '', mode = '', path = '', gzip] = output.split('\n');
  if (code !== 0) throw new NodeFailed(`the node has no such file to read: ${output}`);
  const of = readSums(sums);
  if (of.size > FILE_LIMIT)
    throw new Refused(`${path} has ${of.size} bytes: over a console ${FILE_LIMIT} are the limit`);
  return { path, ...of, mode: readMode(mode), haveSum: readSums(had).sum, gzip: gzip === 'gzip' };
}

/** Reads `3287646509 5`. */
function readSums(line: string): { sum: number; size: number } {
  const [sum, size] = line.split(/\s+/).map(Number);
  if (!Number.isInteger(sum) || !Number.isInteger(size)) throw new Unavailable(`the node's cksum printed ‘${line}’`);
  return { sum: sum ?? 0, size: size ?? 0 };
}

/** Reads the permissions of `-rwxr-x---`, as ls prints them; set-user-id and its like are left out. */
function readMode(line: string): number {
  const bits = line
    .slice(1, 10)
    .replace(/[rwxst]/g, '1')
    .replace(/[^1]/g, '0');
  return Number.parseInt(bits, 2);
}
