/** The server killed in an outage at transitions that it writes down: in virtual time at every one, `kill -9` at some. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OutageStage } from '../support/outage-stage.ts';
import { ownProgram } from '../support/program.ts';
import type { OutageFault } from './outage-fault.ts';

const DOWN = /^(taken ?)+$/;
const PHASES = ['waiting', 'preflight', 'request', 'acknowledged', 'stopping', 'settle', 'cut', 'ended'];
/** Those that every outage comes to, or begin with one of these. */
const SURE = [
  'outage last, nothing',
  'outage last, last',
  'outage restoring, restore',
  'op 01 request',
  'run ended',
] as const;

/** One of each journal: every second death is before its entry is on the disk. */
const OF_PROCESSES = ['outage last, last', 'op 01 request', 'run ended'] as const;

const ENDS = /^((dev1|prod1|prod2|, )+ on \((login|halted)\); )+spare off$/;

export const KILLED: OutageFault = {
  name: 'the server is killed at every transition that is written down',
  dieAt: ['outage *', 'run *', 'plan 02 started', 'plan 02 ended', ...PHASES.map((phase) => `op 01 ${phase}`)],
  async play(stage) {
    await throughTheOutage(stage);
    expectDeaths(SURE, stage.died);
  },
  ends: ENDS,
};

/** The same between processes, at fewer transitions. */
export const KILLED_PROCESSES: OutageFault = {
  name: 'kill -9 of the server’s process at some transitions',
  real: true,
  async play(stage) {
    await stage.place.killServer('SIGTERM');
    const wanted = join(stage.folder, 'wanted');
    writeFileSync(wanted, OF_PROCESSES.join('\n'));
    const { folder } = stage.place;
    const life = [
      process.execPath,
      ownProgram('dying-server'),
      stage.rack.link,
      folder,
      join(folder, 'rack.yaml'),
      '',
      wanted,
    ];
    const over = new AbortController();
    const isOver = (): boolean => over.signal.aborted;
    const lives = (async () => {
      const died: string[] = [];
      while (!isOver()) {
        const { said } = await stage.start(life).ended;
        const key = /^died (.*)$/m.exec(said)?.[1];
        if (key === undefined && !isOver()) throw new Error(`a life after ${died.join('; ')} said: ${said}`);
        if (key !== undefined) died.push(key);
      }
      return died;
    })();
    await Promise.race([lives, throughTheOutage(stage)]);
    over.abort();
    stage.endPrograms();
    expectDeaths(OF_PROCESSES, await lives);
  },
  ends: ENDS,
};

function expectDeaths(keys: readonly string[], died: readonly string[]): void {
  for (const key of keys)
    if (!died.some((one) => one.startsWith(key))) throw new Error(`it did not die at ${key}: ${died.join('; ')}`);
}

/** Mains off, everything down, mains on, everything up, by whatever server lives. */
async function throughTheOutage(stage: OutageStage): Promise<void> {
  await stage.until('the UPS to be on mains', ({ policies }) => policies[0]?.supply.state === 'mains');
  await stage.away(60, 'OB LB');
  // One that went down unwatched stays halted: nothing proves it to the next server.
  await stage.rack.until(
    ({ nodes }) => nodes.slice(1).every(({ guest }) => ['dead', 'halted'].includes(guest)),
    200_000,
  );
  await stage.until(
    'the plan to be over',
    ({ policies }) =>
      policies[0]?.outage?.phase === 'last' && DOWN.test(policies[0].outage.nodes.map(({ state }) => state).join(' ')),
  );
  await stage.back();
  await stage.over(240_000);
}
