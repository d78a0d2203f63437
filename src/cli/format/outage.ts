/** Formats supply, forecast and outages as text and JSON. Pure. */
import {
  clock,
  type OutageForecast,
  type OutageReport,
  type OutageStatus,
  type OutageView,
  supplyText,
  upsText,
} from '../../api/outage.ts';
import { formatAddress } from '../../rack/address.ts';
import { iso } from '../terminal-output.ts';

const STATE_WORDS: Record<OutageReport['nodes'][number]['state'], string> = {
  on: 'on',
  taken: 'shut down',
  lost: 'lost power',
  restored: 'back',
  'came-back': 'back by itself',
  missing: 'NOT BACK',
};

/** `now`: server's clock. */
export function outageLines({ policies }: OutageStatus, now: number): string[] {
  return policies.flatMap((view, index) => [...(index > 0 ? [''] : []), ...viewLines(view, now)]);
}

function viewLines(view: OutageView, now: number): string[] {
  const { supply, ups, last, problems, outage } = view;
  const lines = [`${view.nodes}: ${supplyText(supply)}`];
  for (const one of ups) lines.push(`  UPS ${one.name}: ${upsText(one, now)}`);
  if (ups.length === 0) lines.push('  no UPS is configured: UPS software reports the supply (docs/ups.md)');
  if (last === null) lines.push('  no last plan is configured');
  for (const problem of problems) lines.push(`  problem: ${problem}`);
  if (outage !== null && outage.endedAt === null)
    lines.push(`  ${outage.drill ? 'drill' : 'outage'} ${outage.id}: ${outage.phase}`);
  if (view.forecast.length > 0) {
    lines.push(supply.state === 'battery' ? '  what comes:' : '  if the mains failed now:');
    for (const line of view.forecast) lines.push(`    ${forecastText(line)}`);
  }
  return lines;
}

function forecastText({ atS, text }: OutageForecast): string {
  return `${(atS === null ? '?' : clock(atS)).padStart(7)}  ${text}`;
}

export function reportLines(report: OutageReport): string[] {
  const { id, drill, phase, startedAt, endedAt, nodes, lines } = report;
  const end = endedAt === null ? `in progress (${phase})` : `ended ${time(endedAt)}`;
  return [
    `${drill ? 'drill' : 'outage'} ${id}: began ${time(startedAt)}, ${end}`,
    ...lines.map(({ at, text }) => `  ${time(at)}  ${text}`),
    ...nodes.map(({ name, state, detail }) => `  ${name.padEnd(22)} ${STATE_WORDS[state].padEnd(14)} ${detail}`),
  ];
}

export function outageJson(report: OutageReport): Record<string, unknown> {
  return {
    type: 'outage',
    ...report,
    startedAt: dateOf(report.startedAt),
    endedAt: dateOf(report.endedAt),
    nodes: report.nodes.map(({ addr, ...node }) => ({ addr: formatAddress(addr), ...node })),
    lines: report.lines.map(({ at, text }) => ({ at: dateOf(at), text })),
  };
}

export function supplyJson({ policies }: OutageStatus): Record<string, unknown> {
  return {
    policies: policies.map(({ ups, phase, outage, ...policy }) => ({
      ...policy,
      ups: ups.map(({ answeredAt, ...one }) => ({ ...one, answeredAt: answeredAt === null ? null : iso(answeredAt) })),
      phase: phase === null ? null : { is: phase.is, since: iso(phase.since) },
      outage: outage === null ? null : outageJson(outage),
    })),
  };
}

/** Formats a report's date, epoch ms. */
function dateOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function time(at: number): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
