/**
 * Runs commands on nodes for sessions: by ssh where it is configured, otherwise in the shell on the one console, one
 * node after another. An operation and a session that types have priority over every command.
 */
import type { CommandRequest, CommandRun } from '../../api/shell.ts';
import { commandLine, whyNotTyped } from '../../console/shell-command.ts';
import { steadyNow } from '../../lib/clock.ts';
import { Refused, Unavailable } from '../../lib/errors.ts';
import { ConsoleArbiter } from '../../power/console-arbiter.ts';
import { type CommandEnd, ConsoleHeld, type OperationPorts, type RawAuditEntry } from '../../power/ports.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import type { EventLog } from '../events.ts';
import type { NodeStates } from '../polling/node-states.ts';
import { type Caller, whoIs } from '../rpc/registry.ts';
import type { ShellPorts } from './login.ts';
import { NodeShell } from './node-shell.ts';

/** The ports of operations that commands share. */
type Ports = ShellPorts & Pick<OperationPorts, 'network'>;

export interface CommandNeeds {
  nodeStates: Pick<NodeStates, 'label' | 'name' | 'reading'>;
  events: Pick<EventLog, 'add'>;
  audit: (entry: RawAuditEntry) => Promise<void>;
  /** Returns the master's address; null: not known yet. */
  master: () => Address | null;
  /** Returns the id of a running operation; null: none runs. */
  running: () => string | null;
}

/** As long as the token of a command that is typed. */
const NO_TOKEN = '000000';
/** Characters of a command in an event. */
const SHOWN = 120;

export class Commands {
  readonly #ports: Ports;
  readonly #needs: CommandNeeds;
  readonly #arbiter: ConsoleArbiter;
  #last = 0;

  constructor(ports: Ports, needs: CommandNeeds) {
    this.#ports = ports;
    this.#needs = needs;
    this.#arbiter = new ConsoleArbiter(() => ports.now());
  }

  /**
   * Runs a command until it ends, or `stop` is aborted, whose reason the answer has.
   * @throws {Refused} {ConsoleHeld} {Unavailable} and the command was not run
   */
  async run({ addr, command, by, limitS }: CommandRequest, caller: Caller, stop: AbortSignal): Promise<CommandRun> {
    const { network } = this.#ports;
    const startedAt = this.#ports.now();
    const bySsh = by === 'configured' && network?.target(addr) != null ? network : null;
    this.#expectPossible(addr, bySsh !== null);
    const wrong = bySsh === null ? whyNotTyped(commandLine(command, NO_TOKEN)) : null;
    if (wrong !== null) throw new Refused(`nothing was typed: ${wrong}`);
    const audited = await this.announce({ addr, verb: 'run', raw: command, by: bySsh ? 'ssh' : 'console' }, caller);
    try {
      const ran = bySsh
        ? await bySsh.run(addr, command, limitS, stop)
        : await this.#overConsole(addr, command, limitS, { session: caller.id, stop });
      await audited(ran.code === null ? ran.why : `exit code ${ran.code}`);
      return { addr, by: bySsh ? 'ssh' : 'console', ...ran, ms: this.#ports.now() - startedAt };
    } catch (error) {
      await audited(`not run: ${error instanceof Error ? error.message : ''}`);
      throw error;
    }
  }

  /** Writes the intent to the audit log and an event; returns the function that writes the outcome. */
  async announce(
    { addr, verb, raw, by }: { addr: Address; verb: 'run' | 'put' | 'get'; raw: string; by: 'ssh' | 'console' },
    caller: Caller,
  ): Promise<(detail: string) => Promise<void>> {
    const { nodeStates, events, audit } = this.#needs;
    const entry = {
      verb,
      raw,
      reportedBy: whoIs(caller),
      session: caller.id,
      node: { name: nodeStates.name(addr), pos: formatPosition(addr), addr: formatAddress(addr) },
    };
    await audit({ ...entry, at: steadyNow(), stage: 'intent', detail: by });
    const shown = raw.length > SHOWN ? `${raw.slice(0, SHOWN)}…` : raw;
    const does = { run: 'runs a command on', put: 'writes a file on', get: 'reads a file on' }[verb];
    events.add('notice', 'console', addr, `${caller.name} ${does} ${nodeStates.label(addr)}: ${shown}`);
    return (detail) => audit({ ...entry, at: steadyNow(), stage: 'outcome', detail });
  }

  /** Reaches the shell on a node's console. @throws {Refused} {ConsoleHeld} {Unavailable} */
  async reachShell(addr: Address, stop: AbortSignal, session: number): Promise<NodeShell> {
    this.#expectPossible(addr, false);
    const user = { addr, id: `run-${++this.#last}`, session, arbiter: this.#arbiter };
    const shell = new NodeShell(this.#ports, user, stop);
    try {
      await shell.reach();
      return shell;
    } catch (error) {
      await shell.close();
      throw this.named(addr, error);
    }
  }

  /** Puts the node's name before a reason that follows it. */
  named(addr: Address, error: unknown): unknown {
    return error instanceof Unavailable
      ? new Unavailable(`${this.#needs.nodeStates.label(addr)}: ${error.message}`)
      : error;
  }

  #expectPossible(addr: Address, bySsh: boolean): void {
    const { nodeStates } = this.#needs;
    const reading = nodeStates.reading(addr);
    if (reading.state === 'ok' && reading.sample.power !== 'on')
      throw new Unavailable(`${nodeStates.label(addr)} is ${reading.sample.power}: nothing was run`);
    if (bySsh) return;
    if (addr === this.#needs.master())
      throw new Refused(`${nodeStates.label(addr)} is the master: it has no console; run the command on it directly`);
    const running = this.#needs.running();
    if (running !== null)
      throw new ConsoleHeld(
        running,
        `operation ${running} may need the one console: nothing was run; try again when it has ended`,
      );
    const holder = this.#ports.console.holder();
    if (holder !== null)
      throw new ConsoleHeld(
        holder.name,
        `${holder.name} has the keyboard of the console of ${nodeStates.label(holder.addr)}: nothing was run`,
      );
  }

  async #overConsole(
    addr: Address,
    command: string,
    limitS: number,
    { session, stop }: { session: number; stop: AbortSignal },
  ): Promise<CommandEnd> {
    const shell = await this.reachShell(addr, stop, session);
    try {
      return await shell.run(command, limitS * 1000);
    } catch (error) {
      throw this.named(addr, error);
    } finally {
      await shell.close();
    }
  }
}
