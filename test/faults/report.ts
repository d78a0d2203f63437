/** The table of faults as a page, and back. */
import { STATES, type Row } from './stage.ts';

const HEAD = `# Faults, and what becomes of them

Written by \`RACKUI_FAULTS=write npx vitest run test/faults\`: every fault of the [simulator](simulator.md),
brought about on node n3 (or the bus, or a blade) in each of six states, held for a moment, and ended. _Noticed_: from the fault
until the operator was told something new, and the first words of it; nothing, where the fault does not show in that state (a guest
that hangs is no news to a sweep). _Well again_: from the fault's end until the bus is ready and every node freshly read, or
the console answers; a guest that has to start anew is waited for. _Cuts_: power cut where no operation of ours was to cut.
_Bytes_: of the console, neither shown nor inside a marked gap. Server and rack are in one process, and times are virtual: those of a
machine that needs none to compute.
`;

export interface WrittenRow {
  state: string;
  fault: string;
  wrongCuts: string;
  unaccounted: string;
}

export function report(rows: readonly Row[]): string {
  const sections = STATES.map((state) => {
    const lines = rows
      .filter((row) => row.state === state)
      .map(
        ({ fault, detectedMs, saw, recoveredMs, wrongCuts, unaccounted }) =>
          `| ${fault} | ${detectedMs === null ? '-' : seconds(detectedMs)} | ${cell(saw)} | ${seconds(recoveredMs)} | ${wrongCuts} | ${unaccounted ?? '-'} |`,
      );
    return `## ${state}\n\n| fault | noticed | what the operator saw first | well again | cuts | bytes |\n| --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  });
  return `${HEAD}\n${sections.join('\n')}`;
}

export function tableRows(page: string): WrittenRow[] {
  return page.split(/^## /m).flatMap((section) => {
    const state = section.split('\n', 1)[0] ?? '';
    return [...section.matchAll(/^\|(.*)\|$/gm)].slice(2).map(([, inner = '']) => {
      const [fault = '', , , , wrongCuts = '', unaccounted = ''] = inner.split(/(?<!\\)\|/).map((word) => word.trim());
      return { state, fault, wrongCuts, unaccounted };
    });
  });
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Devices and process numbers of the run mean nothing to a reader. */
function cell(text: string): string {
  const plain = text.replace(/\/tmp\/\S+\/tty|\/dev\/in-memory/g, 'PORT').replace(/pid \d+/g, 'pid N');
  return (plain.length > 140 ? `${plain.slice(0, 139)}…` : plain).replaceAll('|', '\\|');
}
