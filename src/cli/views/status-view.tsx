/** The live table of `rackui status --watch`. */
import { Box, render, Text } from 'ink';
import { shown } from '../output.ts';
import { statusTable, type StatusReport } from '../status-report.ts';

export function StatusView({ report, rows }: { report: StatusReport; rows: number }): React.JSX.Element {
  const lines = statusTable(report).map(shown);
  // Ink can only redraw what fits on the screen; one line stays free for the cursor.
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
