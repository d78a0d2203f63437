/** Supply, forecast and outages in words and as JSON. Pure. */
import type { OutageForecast, OutageReport, OutageStatus, OutageView, Supply, UpsReading } from '../api/outage.ts';

const STATE_WORDS: Record<OutageReport['nodes'][number]['state'], string> = {
  on: 'on',
  taken: 'shut down',
  lost: 'lost power',
  restored: 'back',
  'came-back': 'back by itself',
  missing: 'NOT BACK',
};

export function outageLines({ policies }: OutageStatus): string[] {
  return policies.flatMap((view, index) => [...(index > 0 ? [''] : []), ...viewLines(view)]);
}

function viewLines(view: OutageView): string[] {
  const { supply, ups, last, problems, outage } = view;
  const lines = [`${view.nodes}: ${supplyText(supply)}`];
  for (const one of ups) lines.push(`  UPS ${one.name}: ${upsText(one)}`);
  if (ups.length === 0) lines.push('  no UPS is configured: UPS software tells the supply (docs/ups.md)');
  if (last === null) lines.push('  no last plan is configured');
  for (const problem of problems) lines.push(`  does not fit: ${problem}`);
  if (outage !== null && outage.endedAt === null)
    lines.push(`  ${outage.drill ? 'drill' : 'outage'} ${outage.id}: ${outage.phase}`);
  if (view.forecast.length > 0) {
    lines.push(supply.state === 'battery' ? '  what comes:' : '  if the mains failed now:');
    for (const line of view.forecast) lines.push(`    ${forecastText(line)}`);
  }
  return lines;
}

/** `mains, 98 %`; `BATTERY, 71 %, 11:20 left`. */
export function supplyText({ state, charge, runtimeS, why, low }: Supply): string {
  const parts = [state === 'battery' ? (low ? 'BATTERY LOW' : 'BATTERY') : state];
  if (charge !== null) parts.push(`${Math.round(charge)} %`);
  if (runtimeS !== null && state !== 'mains') parts.push(`${clock(runtimeS)} left`);
  if (state === 'unknown' && why !== null) parts.push(why);
  return parts.join(', ');
}

export function upsText(ups: UpsReading): string {
  const { state, charge, runtimeS, load, why } = ups;
  const parts = [state === 'unknown' ? `unknown: ${why ?? ''}` : state];
  if (charge !== null) parts.push(`charge ${Math.round(charge)} %`);
  if (runtimeS !== null) parts.push(`lasts ${clock(runtimeS)}`);
  if (load !== null) parts.push(`load ${Math.round(load)} %`);
  if (ups.low) parts.push('low');
  if (ups.shutdown) parts.push('about to be switched off');
  if (ups.replaceBattery) parts.push('replace its battery');
  if (ups.calibrating) parts.push('calibrates');
  if (ups.unregistered !== null) parts.push(`does not wait for this machine: ${ups.unregistered}`);
  return parts.join(', ');
}

function forecastText({ atS, text }: OutageForecast): string {
  return `${(atS === null ? '?' : clock(atS)).padStart(7)}  ${text}`;
}

export function reportLines(report: OutageReport): string[] {
  const { id, drill, phase, startedAt, endedAt, nodes, lines } = report;
  const end = endedAt === null ? `under way (${phase})` : `ended ${time(endedAt)}`;
  return [
    `${drill ? 'drill' : 'outage'} ${id}: began ${time(startedAt)}, ${end}`,
    ...lines.map(({ at, text }) => `  ${time(at)}  ${text}`),
    ...nodes.map(({ name, state, detail }) => `  ${name.padEnd(22)} ${STATE_WORDS[state].padEnd(14)} ${detail}`),
  ];
}

export function outageJson(report: OutageReport): Record<string, unknown> {
  return { type: 'outage', ...report };
}

/** Seconds as `m:ss`, above an hour `h:mm:ss`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

function time(at: number): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
