/** What plans need from the server around them, beside what operations do. */
import type { PlanRun } from '../../api/plan.ts';
import type { Address } from '../../rack/address.ts';
import type { PlanMeans } from '../../rack/plan-warnings.ts';
import type { PlanDefinition } from '../../rack/plan.ts';
import type { OperationPorts, ProgramEnd } from '../ports.ts';
import type { PlanRecord } from './record.ts';

export interface PlanPorts extends Pick<
  OperationPorts,
  'now' | 'every' | 'inventory' | 'reading' | 'network' | 'event' | 'limits' | 'bus' | 'durations' | 'systems'
> {
  plans: Readonly<Record<string, PlanDefinition>>;
  /** The ways of asking nodes that the configuration allows, and the programs that are there. */
  means(): PlanMeans;
  /** The program by which the master, this machine, shuts itself down; null: none is configured. */
  poweroff: Poweroff | null;
  /** The address that answered as the master last; null: none has. */
  seenMaster: () => Address | null;
  planJournal: {
    /** Resolves when this state of the run is on the disk. */
    write(record: PlanRecord): Promise<void>;
    unfinished(): PlanRecord[];
  };
  publishPlan(run: PlanRun): void;
}

export interface Poweroff {
  /** As it is run, for sentences. */
  text: string;
  run(): Promise<ProgramEnd>;
}
