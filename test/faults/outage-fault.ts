/** What a fault of an outage is: how it is brought about, and what has to come of it. */
import type { OutageStage, OutageStageOptions } from '../support/outage-stage.ts';

export interface OutageFault extends OutageStageOptions {
  name: string;
  play(stage: OutageStage): Promise<void>;
  /** The nodes at the end, by name; a pattern of the row's `nodes`. */
  ends: RegExp;
  /** What the report has to say, anywhere. */
  says?: RegExp;
  /** Played with real processes, NUT's own upsd among them: it is about one of them. */
  real?: boolean;
  /** Why it cannot be played on this machine; null: it can. */
  missing?: string | null;
}

/** How the nodes stand at the end, by name. */
export const SHED = /^dev1, prod1, prod2, spare off$/;
export const ALL_BUT_PROD1 = /^dev1, prod2, spare off; prod1 on \(\w+\)$/;
export const BACK = /^dev1, prod1, prod2 on \(login\); spare off$/;
export const STEPS = ', onBattery: [{ after: 1, run: shed-dev }]';
/** Of the simulator: nodes stay off when the mains return. */
export const STAY_OFF = ['--dialect', 'mains=stays-off,mains-after-off=stays-off'];

/** The last plan runs from a low battery on, and then the battery ends. */
export async function toTheEnd(stage: OutageStage, batteryS = 60, status = 'OB LB'): Promise<void> {
  await stage.away(batteryS, status);
  await shedToDarkness(stage);
}

/** The last plan comes to its end, and the battery after it. */
export async function shedToDarkness(stage: OutageStage): Promise<void> {
  await stage.shed();
  await stage.dark();
}

/** The same, where prod1 does not go down: the others do, while it is waited for. */
export async function allButProd1(stage: OutageStage): Promise<void> {
  await stage.rack.until(({ nodes }) => nodes[1]?.power === 'off' && nodes[3]?.power === 'off', 90_000);
  await shedToDarkness(stage);
}

/** The mains return, and the outage comes to its end. */
export async function mainsReturn(stage: OutageStage): Promise<void> {
  await stage.back();
  await stage.over();
}
