/** Writes the metrics as text, in OpenMetrics or in the older text format of Prometheus. */
import { Counter, Gauge, Registry, type RegistryContentType } from 'prom-client';
import { FAMILIES, type MetricFacts } from './families.ts';

/** `openmetrics`: for Prometheus; `text`: for node_exporter's textfile collector, which reads no OpenMetrics. */
export type Format = 'openmetrics' | 'text';

export const CONTENT_TYPES: Readonly<Record<Format, RegistryContentType>> = {
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
  text: Registry.PROMETHEUS_CONTENT_TYPE,
};

/** Returns the format for a request's Accept header: OpenMetrics, unless only text is accepted. */
export function formatFor(accept: string | undefined): Format {
  return accept !== undefined && accept.includes('text/plain') && !accept.includes('openmetrics')
    ? 'text'
    : 'openmetrics';
}

/**
 * Writes all metrics that have a value now. The registry is made anew each time, so that nothing of an earlier time
 * stays in it.
 */
export function writeMetrics(facts: MetricFacts, format: Format): Promise<string> {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(CONTENT_TYPES[format]);
  const rack = facts.snapshot.rack.name;
  for (const { name, type, help, values } of FAMILIES) {
    const common = name.startsWith('process_') ? {} : { rack };
    const known = values(facts).flatMap(([labels, value]) =>
      value === null ? [] : [{ labels: { ...common, ...labels }, value }],
    );
    const [first] = known;
    if (first === undefined) continue;
    const settings = { name, help, labelNames: Object.keys(first.labels), registers: [registry] };
    if (type === 'counter') {
      const counter = new Counter(settings);
      for (const { labels, value } of known) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(settings);
      for (const { labels, value } of known) gauge.set(labels, value);
    }
  }
  return registry.metrics();
}
