/**
 * Live views on a terminal, redrawn in place: a running operation with each node's phase and times, and the table
 * of `rackui status --watch`.
 */
import { Box, render, Text } from 'ink';
import type { NodeProgress, Operation } from '../api/power.ts';
import type { ProgressOutput } from './follow.ts';
import { questionLines, standing, summaryLine } from './format/power.ts';
import { type StatusReport, statusTable } from './format/status.ts';
import { shown } from './terminal-output.ts';

const MARK = { running: '…', done: '✓', other: '✗' } as const;

/** `now`: by the clock of the operation's times. */
export function OperationView({ operation, now }: { operation: Operation; now: number }): React.JSX.Element {
  const width = Math.max(...operation.nodes.map(({ name }) => name.length));
  return (
    <Box flexDirection="column">
      {operation.nodes.map((node) => (
        <NodeLine key={node.addr} node={node} now={now} width={width} />
      ))}
      {operation.nodes.flatMap((node) =>
        questionLines(operation.id, node).map((line, index) => (
          <Text key={`${node.addr}-${index}`} bold={index === 0}>
            {shown(line)}
          </Text>
        )),
      )}
      {operation.endedAt === null ? (
        <Text dimColor>Ctrl-C leaves; the operation goes on. End it with: rackui abort {shown(operation.id)}</Text>
      ) : (
        <Text bold>{shown(summaryLine(operation))}</Text>
      )}
    </Box>
  );
}

function NodeLine({ node, now, width }: { node: NodeProgress; now: number; width: number }): React.JSX.Element {
  const mark = node.outcome === null ? MARK.running : node.outcome === 'done' ? MARK.done : MARK.other;
  return (
    <Text wrap={node.outcome === null ? 'truncate' : 'wrap'}>
      {mark} {shown(node.name).padEnd(width)} <Text bold>{standing(node)}</Text>
      {timesOf(node, now)}
      {node.detail === '' ? '' : ` ${shown(node.detail)}`}
    </Text>
  );
}

/** ` 12 s, 168 s left`; empty once it has ended. */
function timesOf({ outcome, since, until }: NodeProgress, now: number): string {
  if (outcome !== null) return '';
  const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000));
  const left = until === null ? '' : `, ${seconds(until - now)} s left`;
  return ` ${seconds(now - since)} s${left}`;
}

/** Interval of redrawing between the server's messages, ms: times continue. */
const REDRAW_MS = 1_000;

/** `now`: the server's time, which continues between its messages. */
export function showOperation(now: () => number): ProgressOutput {
  let latest: Operation | null = null;
  let view: ReturnType<typeof render> | null = null;
  const draw = (): void => {
    if (latest === null) return;
    const element = <OperationView operation={latest} now={now()} />;
    if (view === null) view = render(element, { exitOnCtrlC: false });
    else view.rerender(element);
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    update(operation) {
      latest = operation;
      draw();
    },
    end() {
      clearInterval(timer);
      view?.unmount();
    },
  };
}

export function StatusView({ report, rows }: { report: StatusReport; rows: number }): React.JSX.Element {
  const lines = statusTable(report).map(shown);
  // Ink can only redraw lines that fit on the screen; one line stays free for the cursor.
  const room = Math.max(3, rows - 2);
  const hidden = lines.length - room;
  return (
    <Box flexDirection="column">
      {lines.slice(0, hidden > 0 ? room - 1 : room).map((line, index) => (
        <Text key={index} bold={index === 0} wrap="truncate">
          {line}
        </Text>
      ))}
      {hidden > 0 ? <Text dimColor>… {hidden + 1} more lines: enlarge the terminal, or name fewer nodes</Text> : null}
    </Box>
  );
}

export function showStatus(first: StatusReport): { update(report: StatusReport): void; end(): void } {
  const rows = (): number => process.stdout.rows || 24;
  const view = render(<StatusView report={first} rows={rows()} />, { exitOnCtrlC: false });
  return {
    update: (report) => view.rerender(<StatusView report={report} rows={rows()} />),
    end: () => view.unmount(),
  };
}
