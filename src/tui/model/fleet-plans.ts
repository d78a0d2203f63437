/** Plans over several racks and their runs, as the interface shows them. */
import type { Refusal } from '../../api/power.ts';
import type { FleetRecord } from '../../client/fleet-journal.ts';
import { partsOf } from '../../rack/fleet-plan.ts';

export interface FleetPlans {
  plans: readonly { name: string; description: string | null; order: string }[];
  /** Oldest first; the ended ones that are kept are among them. */
  runs: readonly FleetRunState[];
}

export interface FleetRunState {
  record: FleetRecord;
  /** Program that drives it; `none`: nothing more of it is started until it is resumed. */
  driver: 'here' | 'elsewhere' | 'none';
  /** Nodes of the parts that this interface follows, by `north/shed-dev`. */
  nodes: Readonly<Record<string, { done: number; ended: number; total: number }>>;
}

/** What the racks say of a plan, or of the rest of a run, before its words are typed. */
export interface FleetPreviewState {
  plan: string;
  /** Id of the run that is to be resumed; null: a new one. */
  run: string | null;
  /** The words that confirm it; '' where nothing else is cut than what was confirmed before. */
  confirm: string;
  /** Number of nodes that a resume cuts by an earlier confirmation. */
  confirmedBefore: number;
  summary: string;
  steps: readonly { name: string; onFail: 'pause' | 'skip'; parts: readonly FleetPartPreview[] }[];
}

export interface FleetPartPreview {
  name: string;
  /** Reason why the rack cannot be reached or used; nothing is begun there. Null: it answered. */
  unreached: string | null;
  nodes: number;
  /** Nodes that lose power. */
  cut: number;
  /** Expected duration, ms; null where it is not known. */
  predictedMs: number | null;
  warnings: readonly string[];
  refusals: readonly Refusal[];
}

export type FleetEvent =
  /** The plans and runs, whichever program drives them. */
  | { type: 'fleet-plans'; fleet: FleetPlans }
  /** Answers for the panel with this identity. */
  | { type: 'fleet-previewed'; panel: number; preview: FleetPreviewState }
  | { type: 'fleet-started'; panel: number; id: string }
  /** `what` was not done, for the reason `why`. */
  | { type: 'fleet-failed'; panel: number; why: string };

export type FleetEffect =
  /** Asks the racks about a new run of a plan, or about the rest of a run. */
  | { do: 'fleet-preview'; panel: number; plan: string; run: string | null }
  /** Starts or resumes what was previewed; `confirm`: the words as typed. */
  | { do: 'fleet-start'; panel: number; confirm: string }
  | { do: 'fleet-act'; panel: number; act: 'pause' | 'abort'; id: string }
  /** Closes the connections of a preview. */
  | { do: 'fleet-forget'; panel: number };

/** Returns the text for the row of tabs about the run that has not ended; null: there is none. */
export function unfinishedText({ runs }: FleetPlans): string | null {
  const run = runs.findLast(({ record }) => record.state !== 'ended');
  if (run === undefined) return null;
  const { id, plan, state } = run.record;
  const parts = partsOf(run.record);
  const done = `${parts.filter((part) => part.state === 'done').length} of ${parts.length} parts done`;
  if (state === 'running' && run.driver !== 'none') return `plan ${plan} runs, ${done}`;
  return `plan ${plan} unfinished, ${done}: rackui plan resume ${id}`;
}
