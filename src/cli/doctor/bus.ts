/** The bus: does it answer, was it locked or wedged, who is there, how many exchanges go wrong. Pure. */
import type { BusSurvey } from '../../api/bus.ts';
import { formatAddress, type Address } from '../../rack/address.ts';
import { fanMeaning } from '../../rack/fan-drive.ts';
import { masterMismatch, type InventoryNode } from '../../rack/inventory.ts';
import { compressNames } from '../../rack/compress.ts';
import { failure, ok, warning, type Check } from './check.ts';
import { settingsCheck } from './tty.ts';
import { count } from '../../lib/words.ts';

/** What was found out about the bus, whoever asked it. */
export interface BusPicture {
  state: string;
  detail: string;
  master: Address | null;
  /** Only where doctor opened the port itself. */
  first: { before: { who: string; addr?: Address }; wasLocked: boolean } | null;
  survey: BusSurvey | null;
  /** Why there is no survey of a bus that is ready, or null. */
  whyNot: string | null;
}

/** Shares of exchanges that fail: so many do where the master is busy; above the second the cable, ground or bus is at fault. Ours, not measured. */
const USUAL = 0.01;
const TOLERABLE = 0.05;

/** @param configured the nodes that the configuration names, or null */
export function busChecks(bus: BusPicture, configured: readonly InventoryNode[] | null): Check[] {
  const checks = [state(bus)];
  if (bus.first !== null && bus.state !== 'down') checks.push(pipe(bus.first));
  if (bus.state === 'ready' && bus.master !== null) {
    if (bus.first !== null) checks.push(lock(bus.first.wasLocked));
    checks.push(master(bus.master, configured));
  }
  const { survey } = bus;
  if (survey !== null)
    checks.push(nodes(survey, configured?.map(({ addr }) => addr) ?? null), errors(survey), fan(survey.fan));
  else if (bus.whyNot !== null) checks.push(warning('errors', `not measured: ${bus.whyNot}`, 'run doctor again then'));
  if (survey !== null) checks.push(settingsCheck(survey.forms.tty));
  return checks;
}

const TODO: Record<string, string> = {
  locked: "rack on? cable on GPIO 14/15 of the master? another unlock string? ('unlock' in the configuration)",
  wedged: 'end other programs on this bus; power-cycle the rack last',
  down: 'see the port’s checks above',
  starting: 'try again in a moment',
};

function state({ state: now, detail }: BusPicture): Check {
  if (now === 'ready') return ok('bus', 'the bus answers');
  if (now === 'paused') return ok('bus', 'the bus answers; a console holds the pipe');
  return failure('bus', `${now}: ${detail === '' ? 'no answer' : detail}`, TODO[now] ?? 'rackui events tells more');
}

function master(seen: Address, configured: readonly InventoryNode[] | null): Check {
  const wrong = masterMismatch(configured ?? [], seen);
  if (wrong === null) return ok('master', `the master at ${formatAddress(seen)} answers`);
  return failure(
    'master',
    `the bus ${wrong}`,
    `give role: master to the node at ${formatAddress(seen)} in the configuration, then: rackui config check`,
  );
}

/** Whether ZZ can say anything of a fan; where it cannot, no alarm does. */
function fan({ kept, read }: BusSurvey['fan']): Check {
  const seen = `ZZ is 4 × YY on ${kept} of ${count(read, 'reading')}`;
  switch (fanMeaning(kept, read)) {
    case 'drive':
      return ok(
        'fan',
        `${seen}: it is the drive that the BMC derives, and a fan that stands still cannot be seen in it`,
      );
    case 'speed':
      return ok('fan', `${seen}: it is a value of its own, and the alarm fan-stopped judges it`);
    case 'unknown':
      return ok(
        'fan',
        `${read === 0 ? 'no node runs' : seen}: what ZZ means is not known, and nothing is claimed of a fan`,
      );
  }
}

function pipe({ before, wasLocked }: NonNullable<BusPicture['first']>): Check {
  const left = 'some program ended without ^G; doctor has closed it: look for what it was (screen, a script)';
  if (before.who === 'node' && before.addr !== undefined)
    return warning(
      'pipe',
      `a pipe to ${formatAddress(before.addr)} had been left open: commands vanished into it`,
      left,
    );
  if (before.who === 'console') return warning('pipe', 'a console had been left open: commands were keys to it', left);
  if (before.who === 'nobody' && !wasLocked)
    return warning('pipe', 'nobody answered before ^G, and the master did after it: a pipe to nobody was open', left);
  return ok('pipe', 'no pipe was left open');
}

function lock(wasLocked: boolean): Check {
  return ok('lock', wasLocked ? 'it was locked, and the unlock string opened it' : 'it was unlocked already');
}

function nodes({ nodes: found }: BusSurvey, configured: readonly Address[] | null): Check {
  const names = (addrs: readonly Address[]): string => compressNames(addrs.map(formatAddress));
  if (found.length === 0) return failure('nodes', 'no BMC answers', 'is the rack on?');
  const missing = configured?.filter((addr) => !found.includes(addr)) ?? [];
  if (missing.length > 0)
    return warning(
      'nodes',
      `${found.length === 1 ? '1 BMC answers' : `${found.length} BMCs answer`}; ${names(missing)} of the configuration ${missing.length === 1 ? 'does' : 'do'} not`,
      'is its blade seated and powered? Otherwise correct the configuration (rackui discover)',
    );
  return ok(
    'nodes',
    `${found.length === 1 ? '1 BMC answers' : `${found.length} BMCs answer`}${configured === null ? '' : ', all that the configuration names'}`,
  );
}

function errors({ exchanges, silent, garbled, foreign, medianMs, slowestMs }: BusSurvey): Check {
  const wrong = silent + garbled + foreign;
  const times =
    medianMs === null ? '' : `; median ${medianMs.toFixed(1)} ms, slowest ${(slowestMs ?? 0).toFixed(1)} ms`;
  if (wrong <= exchanges * USUAL)
    return ok('errors', `${count(exchanges, 'exchange')}, ${wrong === 0 ? 'none' : wrong} failed${times}`);
  const seen = `${wrong} of ${count(exchanges, 'exchange')} failed (${silent} silent, ${garbled} unreadable, ${foreign} from another node)${times}`;
  const todo =
    'other programs on the bus? ground and cable between rack and master? A loaded master is slow, not wrong';
  return wrong / exchanges > TOLERABLE ? failure('errors', seen, todo) : warning('errors', seen, todo);
}
