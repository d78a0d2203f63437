/**
 * Drives runs of plans over several racks from the interface, with the journal and the claims of the command line: each
 * run is driven by one program, and another one can resume it.
 */
import type { PlanPreview, PlanRun } from '../../api/plans.ts';
import type { RackClient } from '../../client/client.ts';
import {
  claim,
  type FleetJournal,
  type FleetOrder,
  type FleetRecord,
  isDriven,
  passOrder,
  secondsLeft,
} from '../../client/fleet-journal.ts';
import {
  busProblem,
  confirmationOf,
  confirmPreviewed,
  isRefusal,
  prepareResume,
  unconfirmedParts,
} from '../../client/fleet-preview.ts';
import {
  fleetDrivenElsewhere,
  fleetLeft,
  fleetOrder,
  fleetRunLine,
  newFleetRecord,
  secondRunRefusal,
} from '../../client/fleet-record.ts';
import { FleetRunner } from '../../client/fleet-runner.ts';
import { messageOf } from '../../lib/errors.ts';
import { type FleetPart, type FleetPlanDefinition, partName, partsOf, startable } from '../../rack/fleet-plan.ts';
import type { FleetEffect, FleetEvent, FleetPlans, FleetRunState } from '../model/fleet-plans.ts';
import { type AskedParts, previewState } from './plan-preview.ts';

/** The list of racks as it is now. */
export interface FleetSource {
  /** The file. */
  path: string;
  plans: Readonly<Record<string, FleetPlanDefinition>>;
  journal: FleetJournal;
  by: string;
  /** Opens a connection of its own to a rack's server. */
  open: (rack: string, signal: AbortSignal) => Promise<RackClient>;
}

/** A preview, and the connections by which it was asked, which the run takes over. */
interface Prepared {
  panel: number;
  record: FleetRecord;
  asked: AskedParts;
  connections: Map<string, Promise<RackClient>>;
}

/** A run that this program drives. */
interface Driven {
  record: FleetRecord;
  runner: FleetRunner;
  order: FleetOrder | null;
  nodes: Record<string, FleetRunState['nodes'][string]>;
}

type Report = (event: FleetEvent) => void;

export class FleetDriver {
  readonly #load: () => Promise<FleetSource | null>;
  readonly #report: Report;
  readonly #here = new Map<string, Driven>();
  #prepared: Prepared | null = null;
  #source: FleetSource | null = null;
  #last = '';
  /** Number of the last reading: an older one that ends later reports nothing. */
  #reading = 0;
  readonly #end = new AbortController();

  /** `load` reads the list of racks; null: there is none. `report` is called with what has changed. */
  constructor(load: () => Promise<FleetSource | null>, report: Report) {
    this.#load = load;
    this.#report = report;
  }

  /** Reads the runs on the disk, of all programs, and reports them where they have changed. */
  async read(): Promise<void> {
    const reading = ++this.#reading;
    // A list that cannot be read now was read when the interface started, or has no plans to show.
    this.#source ??= await this.#load().catch(() => null);
    const source = this.#source;
    if (source === null) return;
    const { runs } = source.journal.read(source.path);
    const states = runs.map(async (record): Promise<FleetRunState> => {
      const here = this.#here.get(record.id);
      if (here !== undefined) return { record: here.record, driver: 'here', nodes: here.nodes };
      const elsewhere = record.state !== 'ended' && (await isDriven(record));
      return { record, driver: elsewhere ? 'elsewhere' : 'none', nodes: {} };
    });
    const plans = Object.entries(source.plans).map(([name, plan]) => ({
      ...{ name, description: plan.description ?? null, order: fleetOrder(plan) },
    }));
    const fleet: FleetPlans = { plans, runs: await Promise.all(states) };
    // A copy: the runner changes its record.
    const text = JSON.stringify(fleet);
    if (text === this.#last || reading !== this.#reading || this.#end.signal.aborted) return;
    this.#last = text;
    this.#report({ type: 'fleet-plans', fleet: JSON.parse(text) as FleetPlans });
  }

  /** Performs an effect; `report` is told what came of it. */
  async perform(effect: FleetEffect, report: Report): Promise<void> {
    const { panel } = effect;
    try {
      if (effect.do === 'fleet-preview') await this.#prepare(effect, report);
      else if (effect.do === 'fleet-start') await this.#start(effect, report);
      else if (effect.do === 'fleet-act') await this.#act(effect);
      else this.#forget();
    } catch (error) {
      report({ type: 'fleet-failed', panel, why: messageOf(error) });
    }
    await this.read();
  }

  /** Leaves every run that this program drives; returns what to say about them. */
  leave(): string[] {
    this.#end.abort();
    this.#forget();
    return [...this.#here.values()].map(({ record, runner }) => {
      runner.leave();
      return fleetLeft(record);
    });
  }

  #forget(): void {
    for (const one of this.#prepared?.connections.values() ?? []) closeLater(one);
    this.#prepared = null;
  }

  async #prepare({ panel, plan, run }: Extract<FleetEffect, { do: 'fleet-preview' }>, report: Report): Promise<void> {
    this.#forget();
    const source = (this.#source = await this.#load());
    if (source === null) throw new Error('there is no list of racks any more');
    const { record, parts } = run === null ? newRun(source, plan) : await unfinishedRun(source, run);
    const connections = new Map<string, Promise<RackClient>>();
    const prepared: Prepared = { panel, record, asked: new Map(), connections };
    this.#prepared = prepared;
    const answers = parts.map(async (part): Promise<[FleetPart, PlanPreview | string]> => {
      const opening = connections.get(part.rack) ?? source.open(part.rack, this.#end.signal);
      connections.set(part.rack, opening);
      return [part, await askRack(opening, part)];
    });
    const asked = await Promise.allSettled(answers);
    if (this.#prepared !== prepared || this.#end.signal.aborted) {
      for (const one of connections.values()) closeLater(one);
      return;
    }
    const failed = asked.find((one) => one.status === 'rejected');
    if (failed !== undefined) {
      this.#forget();
      throw failed.reason;
    }
    prepared.asked = new Map(asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    report({ type: 'fleet-previewed', panel, preview: previewState(record, prepared.asked, run) });
  }

  async #start({ panel, confirm }: Extract<FleetEffect, { do: 'fleet-start' }>, report: Report): Promise<void> {
    const { source, prepared } = { source: this.#source, prepared: this.#prepared };
    if (source === null || prepared?.panel !== panel) throw new Error('nothing was started: the preview has ended');
    const { record, asked } = prepared;
    const preview = new Map([...asked].map(([part, one]) => [part, typeof one === 'string' ? null : one]));
    if (confirm !== confirmationOf(record, preview))
      throw new Error('nothing was started: the words are not those of the preview');
    const release = await claim(record);
    if (release === null) throw new Error(fleetDrivenElsewhere(record));
    try {
      // As another program may have left it since the preview.
      const known = source.journal.read(source.path).runs;
      const resumes = known.find(({ id }) => id === record.id);
      if (resumes === undefined) refuseSecond(known, record.plan);
      else if (changedSince(resumes, record))
        throw new Error('nothing was started: the run has changed meanwhile, look at it again');
      confirmPreviewed(preview);
      if (resumes !== undefined) prepareResume(record);
      else if (startable(record).length === 0)
        throw new Error('nothing was started: no rack of the first step is reached');
      source.journal.takeOrder(record.id);
      save(source.journal, record);
    } catch (error) {
      release();
      throw error;
    }
    this.#prepared = null;
    this.#drive(source, record, 'run', prepared.connections, release);
    report({ type: 'fleet-started', panel, id: record.id });
  }

  /** Pauses or aborts a run, wherever it is driven. */
  async #act({ act, id }: Extract<FleetEffect, { do: 'fleet-act' }>): Promise<void> {
    const source = (this.#source ??= await this.#load());
    const here = this.#here.get(id);
    if (here !== undefined) here.order = act;
    const record = here === undefined && source?.journal.read(source.path).runs.find((one) => one.id === id);
    if (!source || !record) return;
    const latest = await passOrder(source.journal, record, act, this.#end.signal);
    if (latest.state === 'ended' || (latest.state === 'paused' && act === 'pause') || this.#end.signal.aborted) return;
    // No program drives it: what is under way on the racks gets the order from this one.
    const release = await claim(latest);
    if (release === null) throw new Error(fleetDrivenElsewhere(latest));
    this.#drive(source, latest, act, new Map(), release);
  }

  /** Drives a claimed run to its end, or until it waits for an operator; the claim is ended then. */
  #drive(
    source: FleetSource,
    record: FleetRecord,
    order: FleetOrder | 'run',
    connections: Map<string, Promise<RackClient>>,
    release: () => void,
  ): void {
    const { journal } = source;
    const changed = (): void => void this.read();
    const runner = new FleetRunner(record, {
      open: (rack) => {
        const opened = connections.get(rack);
        connections.delete(rack);
        return opened?.catch(() => source.open(rack, this.#end.signal)) ?? source.open(rack, this.#end.signal);
      },
      save: () => save(journal, record),
      takeOrder: () => {
        const given = here.order ?? journal.takeOrder(record.id);
        here.order = null;
        return given;
      },
      secondsLeft: () => secondsLeft(record),
      partChanged: changed,
      planChanged: (part, run) => {
        here.nodes[partName(part)] = nodesOf(run);
        changed();
      },
    });
    const here: Driven = { record, runner, order: null, nodes: {} };
    this.#here.set(record.id, here);
    void runner
      .drive(order)
      .then(() => {
        if (!runner.left) journal.prune(source.path);
      })
      .catch((error: unknown) => this.#report({ type: 'fleet-failed', panel: 0, why: messageOf(error) }))
      .finally(() => {
        release();
        this.#here.delete(record.id);
        for (const one of connections.values()) closeLater(one);
        changed();
      });
  }
}

function nodesOf({ steps }: PlanRun): FleetRunState['nodes'][string] {
  const nodes = steps.flatMap((one) => one.nodes);
  return {
    done: nodes.filter(({ outcome }) => outcome === 'done').length,
    ended: nodes.filter(({ state }) => state === 'ended').length,
    total: nodes.length,
  };
}

function newRun(source: FleetSource, plan: string): { record: FleetRecord; parts: FleetPart[] } {
  const { journal, path, plans, by } = source;
  const definition = Object.hasOwn(plans, plan) ? plans[plan] : undefined;
  if (definition === undefined) throw new Error(`there is no plan '${plan}' of several racks any more`);
  refuseSecond(journal.read(path).runs, plan);
  const record = newFleetRecord(journal, { list: path, plan, by }, definition, { armed: false, deadlineS: null });
  return { record, parts: partsOf(record) };
}

async function unfinishedRun(source: FleetSource, id: string): Promise<{ record: FleetRecord; parts: FleetPart[] }> {
  const record = source.journal.read(source.path).runs.find((one) => one.id === id);
  if (record === undefined) throw new Error(`run ${id} is not in the journal any more`);
  if (record.state === 'ended') throw new Error(`it has ended: ${fleetRunLine(record)}`);
  if (await isDriven(record)) throw new Error(fleetDrivenElsewhere(record));
  return { record, parts: unconfirmedParts(record) };
}

/** Refuses a second run of a plan beside one that has not ended. */
function refuseSecond(runs: readonly FleetRecord[], plan: string): void {
  const second = secondRunRefusal(runs, plan);
  if (second !== null) throw new Error(second);
}

/** Reports whether another program has driven the run since it was read. */
const changedSince = (now: FleetRecord, read: FleetRecord): boolean => JSON.stringify(now) !== JSON.stringify(read);

/** Asks a rack's server for the preview of a part; a string: why it is not reached. @throws where it refuses */
async function askRack(opening: Promise<RackClient>, part: FleetPart): Promise<PlanPreview | string> {
  let preview: PlanPreview;
  try {
    const client = await opening;
    const bus = await busProblem(client);
    if (bus !== null) return bus;
    preview = await client.request('plan.show', { name: part.plan });
  } catch (error) {
    if (isRefusal(error)) throw new Error(`${partName(part)}: ${messageOf(error)}; nothing was started`);
    return messageOf(error);
  }
  if (preview.problem !== null)
    throw new Error(`${partName(part)} cannot be run: ${preview.problem}; nothing was started`);
  return preview;
}

function save(journal: FleetJournal, record: FleetRecord): void {
  try {
    journal.write(record);
  } catch (error) {
    // An armed run waits for nothing: what it begins has an id that its server keeps.
    if (!record.armed) throw error;
  }
}

function closeLater(opening: Promise<RackClient>): void {
  opening.then((client) => client.close()).catch(() => undefined);
}
