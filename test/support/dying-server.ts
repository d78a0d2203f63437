/**
 * A whole server in a process that kills itself, as `kill -9` would, at journal transitions that no earlier life died at;
 * it begins or resumes a plan by itself; without a plan it serves, and outages begin what they begin. What it says, one line
 * each: `ready`, `died KEY`, `ended JSON`, `paused JSON`.
 *
 *     node dying-server.mjs PORT DIRECTORY CONFIG PLAN WANTED
 *
 * WANTED is a file of the keys to die at, one a line, of those not yet in DIRECTORY/died; `outage *`: all of a kind. A key is `run STATE`,
 * `plan ADDR STATE` (the plan's journal), `op ADDR PHASE` (the operations') or `outage PHASE, RUN` (the outage's).
 */
import { appendFileSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import type { PlanRun } from '../../src/api/plans.ts';
import { createBus } from '../../src/bmc/index.ts';
import { openLine } from '../../src/bmc/serial-port.ts';
import { Trace } from '../../src/bmc/trace.ts';
import { connect } from '../../src/client/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openAudit, openJournal } from '../../src/power/journal.ts';
import { openOutageJournal } from '../../src/power/outage/record.ts';
import { openPlanJournal } from '../../src/power/plans/record.ts';
import { ActiveConfig } from '../../src/server/active-config.ts';
import { RackServer } from '../../src/server/rack-server.ts';
import { isListed, operationKeys, outageKeys, planKeys } from './journal-keys.ts';

const [port = '', dir = '', config = '', plan = '', wantedFile = ''] = process.argv.slice(2);
const lines = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
};
const died = new Set(lines(join(dir, 'died')));
const list = lines(wantedFile).filter((key) => key !== '');
const wanted = (key: string): boolean => !died.has(key) && isListed(key, list);

/** Dies at the first of these keys: every second one before its state is on the disk, the others right after. */
async function write(keys: string[], store: () => Promise<void>): Promise<void> {
  const key = keys.find(wanted);
  if (key === undefined) return store();
  if (died.size % 2 === 0) await store();
  appendFileSync(join(dir, 'died'), `${key}\n`);
  writeSync(1, `died ${key}\n`);
  process.kill(process.pid, 'SIGKILL');
}

// A test that failed does not wait for its servers: they end with it.
const test = process.ppid;
setInterval(() => process.ppid !== test && process.exit(1), 1_000).unref();

const loaded = loadConfig(config);
const audit = openAudit(dir);
const journal = openJournal(dir, () => undefined);
const planJournal = openPlanJournal(dir, () => undefined);
const outageJournal = openOutageJournal(dir, () => undefined);
const socket = join(dir, 'rack.sock');
const trace = new Trace(Date.now, []);
const server = new RackServer({
  bus: createBus({ port, open: trace.around(openLine) }),
  trace,
  unlock: 'UnLock',
  port,
  configuration: new ActiveConfig(loaded),
  socket,
  viewSocket: join(dir, 'view.sock'),
  gid: null,
  viewGid: null,
  stateDir: dir,
  consoleLogDir: join(dir, 'consoles'),
  autostarted: false,
  audit: (entry) => audit.write(entry),
  journal: { ...journal, write: (operation) => write(operationKeys(operation), () => journal.write(operation)) },
  planJournal: { ...planJournal, write: (record) => write(planKeys(record), () => planJournal.write(record)) },
  outageJournal: { ...outageJournal, write: (record) => write(outageKeys(record), () => outageJournal.write(record)) },
  log: pino({ level: 'silent' }),
  leave: () => process.exit(1),
});
await server.start();
const client = await connect(socket, { user: 'test', from: null, tty: null, program: 'plan run', pid: process.pid });
await client.request('sweep', { addrs: null, interrupt: false });
writeSync(1, 'ready\n');
if (plan !== '') await beginOrResume();

async function beginOrResume(): Promise<void> {
  client.on('plan', look);
  const { runs } = await client.request('plan.list', {});
  const left = runs.find(({ endedAt }) => endedAt === null);
  const last = lines(join(dir, 'plans.jsonl')).findLast((line) => line.startsWith('{') && line.endsWith('}'));
  // Its end was the last thing that the one before wrote down.
  if (left === undefined && last !== undefined) look((JSON.parse(last) as { run: PlanRun }).run);
  else if (left === undefined)
    look(await client.request('plan.run', { name: plan, confirm: null, armed: true, deadlineS: null }));
  else look(await client.request('plan.resume', { id: left.id }));
}

function look(run: PlanRun): void {
  if (run.state !== 'ended' && run.state !== 'paused') return;
  writeSync(1, `${run.state} ${JSON.stringify(run)}\n`);
  void server.close('it is over', AbortSignal.abort()).then(() => process.exit(0));
}
