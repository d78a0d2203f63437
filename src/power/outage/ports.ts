/** What an outage policy is once its configuration is resolved, and what it needs from the server around it. */
import type { UpsReading } from '../../api/outage.ts';
import type { KeptTime } from '../../lib/clock.ts';
import type { Address } from '../../rack/address.ts';
import type { PlanPorts } from '../plans/ports.ts';
import type { Plans } from '../plans/plans.ts';
import type { Policy } from './policy.ts';
import type { OutageRecord } from './record.ts';

export interface OutagePolicy extends Policy {
  /** Index in the configuration. */
  index: number;
  /** Names of its UPSes. Empty: other UPS software tells the supply. */
  ups: readonly string[];
  needs: number;
  /** Its nodes; null: the whole rack. */
  nodes: ReadonlySet<Address> | null;
  /** The same in words. */
  nodesText: string;
  /** Seconds that a full battery lasts at least; null: not configured. */
  assumedS: number | null;
  /** The plan by which nodes come back; null: all of them at once, a blade's one after another. */
  restorePlan: string | null;
}

export interface OutagePorts extends Pick<PlanPorts, 'now' | 'every' | 'inventory' | 'reading' | 'event' | 'plans'> {
  wallTime: (at: number) => number;
  keepTime: (at: number) => KeptTime;
  /** Null: another boot of the machine. */
  recallTime: (kept: KeptTime) => number | null;
  ups(name: string): UpsReading;
  runs: Pick<Plans, 'start' | 'recall' | 'run' | 'list' | 'predictedMs' | 'warnings' | 'startDefinition'>;
  journal: { write(record: OutageRecord): Promise<void> };
  /** Something to be seen changed. */
  changed(): void;
}
