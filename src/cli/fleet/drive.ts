/** Drives a run over several racks in this program: keeps its journal, prints its progress, and ends with its exit code. */
import type { PlanRun } from '../../api/plans.ts';
import { EXIT } from '../../api/power.ts';
import {
  claim,
  type FleetJournal,
  type FleetOrder,
  type FleetRecord,
  secondsLeft,
} from '../../client/fleet-journal.ts';
import { fleetDrivenElsewhere, fleetHowOn, fleetLeft, fleetPartLine, fleetRunLine } from '../../client/fleet-record.ts';
import { FleetRunner } from '../../client/fleet-runner.ts';
import { messageOf } from '../../lib/errors.ts';
import { fleetExitCode, type FleetPart } from '../../rack/fleet-plan.ts';
import type { FleetOptions } from './preview.ts';
import { planPrinter } from '../follow.ts';
import { fleetPartJson, fleetRunJson } from '../format/fleet-plan.ts';
import type { RackParts } from './rack-parts.ts';
import { Failure, hint, LEFT, print, printJson } from '../terminal-output.ts';

/** Claims the run for this program. @throws Failure where another program drives it */
export async function claimed<T>(record: FleetRecord, act: () => Promise<T>): Promise<T> {
  const release = await claim(record);
  if (release === null) throw new Failure(EXIT.refused, fleetDrivenElsewhere(record));
  try {
    return await act();
  } finally {
    release();
  }
}

/** Drives a claimed run, and returns the exit code: 130 where Ctrl-C left it. */
export async function drive(
  journal: FleetJournal,
  record: FleetRecord,
  racks: RackParts<FleetOptions>,
  order: FleetOrder | 'run',
): Promise<number> {
  const progress = new Progress(racks, record);
  journal.takeOrder(record.id);
  journal.write(record);
  let warned = false;
  const runner = new FleetRunner(record, {
    open: (rack) => racks.handOver(rack),
    save: () => {
      try {
        journal.write(record);
      } catch (error) {
        // An armed run waits for nothing: what it begins has an id that its server keeps.
        if (!record.armed) throw error;
        if (!warned) hint(`rackui: ${messageOf(error)}; the run continues`);
        warned = true;
      }
    },
    takeOrder: () => journal.takeOrder(record.id),
    secondsLeft: () => secondsLeft(record),
    partChanged: (part) => progress.part(part),
    planChanged: (part, run) => progress.plan(part, run),
  });
  const leave = (): void => runner.leave();
  process.once('SIGINT', leave);
  try {
    progress.begin();
    await runner.drive(order);
  } finally {
    process.off('SIGINT', leave);
  }
  if (runner.left) {
    hint(fleetLeft(record));
    return LEFT;
  }
  journal.prune(record.list);
  progress.end();
  return fleetExitCode(record);
}

/** Prints lines, or with `--json` objects: `fleet-start`, `fleet-part`, `fleet-end`, and each rack's own. */
class Progress {
  readonly #racks: RackParts<FleetOptions>;
  readonly #record: FleetRecord;
  readonly #printers = new Map<FleetPart, (run: PlanRun) => void>();

  constructor(racks: RackParts<FleetOptions>, record: FleetRecord) {
    this.#racks = racks;
    this.#record = record;
  }

  begin(): void {
    if (this.#racks.json) printJson({ type: 'fleet-start', ...fleetRunJson(this.#record) });
    else print(fleetRunLine(this.#record));
  }

  part(part: FleetPart): void {
    if (!this.#racks.json) {
      if (part.state !== 'asked') print(fleetPartLine(part));
      return;
    }
    const { id, plan, steps } = this.#record;
    const step = steps.find(({ parts }) => parts.includes(part))?.name ?? '';
    printJson({ type: 'fleet-part', id, fleetPlan: plan, step, ...fleetPartJson(part) });
  }

  plan(part: FleetPart, run: PlanRun): void {
    const show = this.#printers.get(part) ?? planPrinter(this.#racks.json);
    this.#printers.set(part, show);
    this.#racks.all.find(({ name }) => name === part.rack)?.output.run(() => show(run));
  }

  end(): void {
    if (this.#racks.json) printJson({ type: 'fleet-end', ...fleetRunJson(this.#record) });
    else print(fleetRunLine(this.#record));
    if (this.#record.state === 'paused') for (const line of fleetHowOn(this.#record)) hint(line);
  }
}
