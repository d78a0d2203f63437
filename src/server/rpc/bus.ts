/** Methods of the bus: its log, polls, diagnostics for doctor, host names, commands and files on nodes, raw commands. */
import { hostname } from 'node:os';
import type { BusLook, BusSurvey } from '../../api/bus.ts';
import { checkRawCommand } from '../../bmc/raw-commands.ts';
import { PRIORITY } from '../../bmc/types.ts';
import { steadyNow } from '../../lib/clock.ts';
import { Refused, Unavailable } from '../../lib/errors.ts';
import { ConsoleHeld, PowerRefused } from '../../power/ports.ts';
import { type Address, formatAddress, formatPosition } from '../../rack/address.ts';
import { runDiagnostics } from '../bus-diagnostics.ts';
import { readHostName } from '../consoles/hostname-probe.ts';
import type { Services } from '../services.ts';
import { rpcError } from './errors.ts';
import { expectNode } from './rack.ts';
import type { Caller, Methods } from './registry.ts';

type BusMethods = Pick<
  Methods,
  Exclude<Extract<keyof Methods, `bus.${string}` | `file.${string}`>, 'bus.retry'> | 'host.read' | 'node.run'
>;

/** Longest wait of a request for new log entries, ms; entries within GATHER_MS after the first join the answer. */
const ENTRY_WAIT_MS = 1_000;
const GATHER_MS = 100;

export function busHandlers(services: Services): BusMethods {
  const { bus, exchanges, consoles, nodeStates, monitor } = services;

  /** An exchange of several steps leaves gaps in a console: the client that has the console open has priority. */
  const expectFree = async (caller: Caller): Promise<void> => {
    await monitor.settled(ENTRY_WAIT_MS * 3);
    if (!monitor.ready) throw new Unavailable(`the bus cannot be queried: ${bus.health.detail}`);
    const open = consoles.state();
    if (open !== null && open.holder !== caller.id)
      throw new ConsoleHeld(
        open.holderName ?? 'nobody',
        `the console of ${nodeStates.label(open.addr)} is open (keyboard: ${open.holderName ?? 'no session'}) and is not interrupted; try again when it is closed`,
      );
  };

  return {
    async 'bus.log'({ after, limit, wait }) {
      if (wait) {
        await exchanges.waitForEntry(after, ENTRY_WAIT_MS);
        // Collects the exchanges of a sweep into one answer.
        await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      }
      return exchanges.after(after, limit);
    },

    async 'bus.look'({ addrs, patient }, caller) {
      await expectFree(caller);
      const seen: BusLook[] = [];
      for (const addr of addrs) seen.push(await query(addr, patient ? 'patient' : 'brief'));
      return seen;
    },

    async 'bus.survey'({ exchanges: count }, caller): Promise<BusSurvey> {
      await expectFree(caller);
      const found = await runDiagnostics(bus, nodeStates.addresses, count);
      if (typeof found === 'string') throw new Unavailable(`the bus cannot be queried: ${found}`);
      return { ...found, verbEcho: exchanges.verbEcho };
    },

    async 'host.read'({ addr }, caller) {
      if (addr === bus.health.master) return { addr, host: hostname(), why: '' };
      await expectFree(caller);
      const reading = nodeStates.reading(addr);
      if (reading.state === 'ok' && reading.sample.power !== 'on')
        return { addr, host: null, why: `it is ${reading.sample.power}` };
      return readHostName(consoles, addr, caller.id);
    },

    'node.run': (request, caller, cancellation) => {
      expectNode(services, request.addr);
      const cancelled = new AbortController();
      cancellation.onCancellationRequested(() => cancelled.abort('its client aborted it'));
      return services.commands.run(request, caller, AbortSignal.any([caller.gone, cancelled.signal]));
    },

    'file.open': (request, caller) => {
      expectNode(services, request.addr);
      return services.files.open(request, caller);
    },
    'file.write': ({ id, at, data }, caller) => services.files.write(id, caller, at, data),
    'file.read': ({ id, at }, caller) => services.files.read(id, caller, at),
    'file.finish': (end, caller) => services.files.finish(end, caller),
    'file.close': async ({ id }, caller) => {
      await services.files.close(id, caller);
      return { ok: true };
    },

    async 'bus.raw'({ target, text, confirm }, caller) {
      await expectFree(caller);
      const { master } = bus.health;
      const verdict = checkRawCommand(text, target, master);
      if (verdict.refused !== null) throw new Refused(verdict.refused);
      const addr = target ?? master;
      if (addr === null) throw new Unavailable('the master is not known yet: try again');
      const name = target === null ? 'master' : nodeStates.name(addr);
      if (verdict.confirm.length > 0 && confirm !== name)
        throw rpcError(
          'refused',
          `${verdict.confirm.join(' ')} can switch power, open or close pipes: to send it to ${nodeStates.label(addr)}, confirm with '${name}'`,
          [{ rule: 'confirmation', message: `type ${name}`, override: `--confirm ${name}` }],
        );
      await guardVerbs(addr, text, caller);
      const entry = {
        verb: 'raw' as const,
        raw: shownRaw(text),
        reportedBy: caller.who ?? { user: '?', from: null, tty: null, program: '?', pid: 0 },
        session: caller.id,
        node: { name, pos: formatPosition(addr), addr: formatAddress(addr) },
      };
      await services.audit({ ...entry, at: steadyNow(), stage: 'intent', detail: '' });
      services.events.add('notice', 'bus', addr, `${caller.name} sends a raw command to ${name}: ${shownRaw(text)}`);
      const outcome = await bus.raw(target, text);
      const detail = outcome.sent ? `reply ${JSON.stringify(outcome.reply)}` : `not sent: ${outcome.detail}`;
      await services.audit({ ...entry, at: steadyNow(), stage: 'outcome', detail });
      if (!outcome.sent) throw new Unavailable(`nothing was sent: ${outcome.detail}`);
      const { phase, detail: why } = outcome.after;
      return { heard: outcome.reply, after: phase === 'ready' ? 'the pipe is closed and the master answers' : why };
    },
  };

  /** A verb in a raw command passes the same guards as the command of its name. */
  async function guardVerbs(addr: Address, text: string, caller: Caller): Promise<void> {
    const verb = text.includes('\\') ? 'force-off' : text.includes('/') ? 'on' : null;
    if (verb === null || addr === bus.health.master) return;
    const { nodes } = await services.operations.check(
      {
        verb,
        nodes: [addr],
        label: nodeStates.name(addr),
        confirm: null,
        deadlineS: null,
        onDeadline: 'leave',
        takeConsole: false,
      },
      caller.id,
    );
    const refusals = nodes.flatMap((node) => node.refusals);
    if (refusals.length > 0) throw new PowerRefused(refusals);
  }

  async function query(addr: Address, patience: 'patient' | 'brief'): Promise<BusLook> {
    const status = await bus.status(addr, PRIORITY.sample, patience);
    if (!status.ok) return { addr, power: null, master: false, failure: status.failure, uid: null };
    const uid = await bus.uid(addr, PRIORITY.sample);
    const { power } = status.sample;
    return { addr, power, master: status.master, failure: null, uid: uid.ok ? uid.uid : null };
  }
}

function shownRaw(text: string): string {
  return text.replaceAll('\x07', '^G');
}
