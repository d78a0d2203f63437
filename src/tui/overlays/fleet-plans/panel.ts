/** The state of the panel of plans over several racks, its runs, and what can be done with one. Pure. */
import type { FleetPreviewState, FleetRunState } from '../../model/fleet-plans.ts';
import type { Asked, Overlay, Shown } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';

export interface FleetPlansPanel {
  kind: 'fleet-plans';
  /** Distinguishes an answer for this panel from one for a panel that was closed meanwhile. */
  id: number;
  /** The view of all racks that it was opened from. */
  back: Overlay | null;
  mode: FleetMode;
  /** The selected entry of the list. */
  index: number;
  /** Lines scrolled down in the preview, or in the run. */
  scroll: number;
  remark: string | null;
}

export type FleetMode =
  | { is: 'choose' }
  /** What the racks say of a plan (`run` null), or of the rest of a run; its words are typed. */
  | {
      is: 'preview';
      plan: string;
      run: string | null;
      preview: Asked<FleetPreviewState>;
      text: string;
      shown: Shown;
      sent: boolean;
    }
  /** A run; `asks`: whether to abort it. */
  | { is: 'run'; id: string; asks: Shown | null };

declare module '../../model/overlays.ts' {
  interface OverlayStates {
    'fleet-plans': FleetPlansPanel;
  }
}

export function runOf({ racks }: State, id: string): FleetRunState | null {
  return racks.fleet?.runs.find(({ record }) => record.id === id) ?? null;
}

/** Returns the reason why a run cannot be paused, aborted or resumed now; null: it can. */
export function isDrivable(run: FleetRunState | null, act: 'pause' | 'abort' | 'resume'): string | null {
  if (run === null) return 'this run is not known any more';
  const { record, driver } = run;
  if (record.state === 'ended') return 'it has ended';
  if (act === 'pause') return record.state === 'paused' ? 'it is paused' : null;
  if (act === 'abort' || driver === 'none') return null;
  return driver === 'here' ? 'this interface drives it' : 'another rackui drives it: pause it first';
}
