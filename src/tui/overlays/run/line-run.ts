/** A line for the shells on several consoles, one after another: which node is next, and each one's answer. Pure. */
import { RPC_ERROR } from '../../../api/methods.ts';
import type { CommandRun } from '../../../api/shell.ts';
import { outputLines } from '../../../lib/control-chars.ts';
import type { Address } from '../../../rack/address.ts';
import { keyOf } from '../../keymap/lookup.ts';
import { type RequestError, step, type Step, type UiEvent, withNotice } from '../../model/events.ts';
import type { LineRow, LineRun } from '../../model/overlays.ts';
import type { State } from '../../model/state.ts';

const WAITING: Omit<LineRow, 'addr'> = { is: 'waiting', code: null, why: '', lines: [] };

/** Sends the line to the first of these nodes. */
export function startLineRun(state: State, line: string, nodes: readonly Address[]): Step {
  const rows = nodes.map((addr): LineRow => ({ addr, ...WAITING }));
  const run: LineRun = { id: state.nextId, line, rows, seen: false };
  return withNext({ ...state, nextId: state.nextId + 1 }, run);
}

export function isRunning({ rows }: LineRun): boolean {
  return rows.some(({ is }) => is === 'waiting' || is === 'running');
}

/** Leaves out the nodes that wait, for this reason, and aborts the command that runs. */
export function abortLineRun(state: State, why: string): Step {
  const run = state.lineRun;
  if (run === null || !isRunning(run)) return step(state);
  return step({ ...state, lineRun: withoutWaiting(run, why) }, { do: 'stop-line' });
}

function withoutWaiting(run: LineRun, why: string): LineRun {
  const rows = run.rows.map((row): LineRow => (row.is === 'waiting' ? { ...row, is: 'left-out', why } : row));
  return { ...run, rows };
}

/** Begins the next node; after the last one the result is shown, or a notice where the overlay is closed. */
function withNext(state: State, run: LineRun): Step {
  const next = run.rows.findIndex(({ is }) => is === 'waiting');
  const row = run.rows[next];
  if (row !== undefined && !run.rows.some(({ is }) => is === 'running')) {
    const rows = run.rows.with(next, { ...row, is: 'running' });
    const { id, line } = run;
    return step({ ...state, lineRun: { ...run, rows } }, { do: 'run-line', id, addr: row.addr, line });
  }
  if (isRunning(run)) return step({ ...state, lineRun: run });
  if (state.overlay?.kind === 'run') return step({ ...state, lineRun: { ...run, seen: true } });
  const text = `${run.line}: ${summaryOf(run)}: ${keyOf(state, 'map', 'run')} on the map shows it`;
  return step(withNotice({ ...state, lineRun: run }, 'info', text));
}

/** `exit code 0 on 3 of 4 nodes`. */
export function summaryOf({ rows }: LineRun): string {
  const good = rows.filter(({ code }) => code === 0).length;
  return `exit code 0 on ${good} of ${rows.length} ${rows.length === 1 ? 'node' : 'nodes'}`;
}

type LineEvent = Extract<UiEvent, { type: 'line-ran' | 'line-failed' }>;

/** Takes one node's answer, and goes on to the next. */
export function lineEvent(state: State, event: LineEvent): Step {
  const run = state.lineRun;
  if (run?.id !== event.id) return step(state);
  const answer = event.type === 'line-ran' ? answered(event.run) : failed(event.error);
  const rows = run.rows.map((row) => (row.addr === event.addr ? { ...row, ...answer } : row));
  return withNext(state, { ...run, rows });
}

function answered({ code, why, output, truncated }: CommandRun): Omit<LineRow, 'addr'> {
  const lines = outputLines(output);
  if (truncated) lines.push('(more was printed, and left out)');
  return { is: code === null ? 'cut' : 'done', code, why, lines };
}

function failed({ code, message }: RequestError): Omit<LineRow, 'addr'> {
  const refused = code === RPC_ERROR.held || code === RPC_ERROR.refused || code === RPC_ERROR.viewOnly;
  return { ...WAITING, is: refused ? 'refused' : 'failed', why: message };
}
