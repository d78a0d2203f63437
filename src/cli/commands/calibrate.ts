/**
 * `rackui calibrate`: derives the amperes of a count of current from a meter's values at two loads or more.
 * Switches nothing.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import {
  type Calibration,
  fitCalibration,
  implausible,
  type MeterPoint,
  meterValue,
  VOLTS,
} from '../../rack/calibration.ts';
import { type InventoryNode, nodeLabel } from '../../rack/inventory.ts';
import { type GlobalOptions, knownRack, noNames, openClient, targetsOf } from '../server-connection.ts';
import { Failure, hint, print, printJson, writeWhole } from '../terminal-output.ts';

export interface CalibrateOptions extends GlobalOptions {
  write?: boolean;
  json?: boolean;
}

/** Number of readings in a mean, over about a second: a load is never quite steady. */
const READINGS = 20;
const BETWEEN_MS = 50;
/** Longest age of a sample that counts for this reading, ms: while a console is open no node is polled. */
const FRESH_MS = 1_000;

interface Point extends MeterPoint {
  low: number;
  high: number;
}

/** Returns exit code 0 with a calibration; 3 where the readings give none. */
export async function calibrateCommand(words: readonly string[], options: CalibrateOptions): Promise<number> {
  const client = await openClient(options, 'calibrate', { autostart: true });
  try {
    const snapshot = await knownRack(client);
    const { nodes, label } = targetsOf(words, snapshot);
    const whole = nodes.length === snapshot.rack.nodes.length;
    const file = options.write === true ? await configFile(client, snapshot.rack.configured) : null;
    hint(
      `${label}: type what a meter at ${nodes.length === 1 ? 'it' : `these ${nodes.length} nodes together`} shows, in A (or in W at ${VOLTS} V), once the load is steady; then change the load, and again. Ctrl-D ends.`,
    );
    const points = await measure(client, nodes);
    const fit = fitCalibration(points, nodes.length);
    if (!fit.ok) throw new Failure(EXIT.refused, `no calibration: ${fit.problem}`);
    const doubt = implausible(points, nodes.length, fit.calibration, VOLTS);
    if (doubt !== null) hint(doubt);
    if (file !== null) await write(file, nodes, whole, fit.calibration);
    if (options.json === true)
      printJson({
        nodes: nodes.map(({ name }) => name),
        ...fit.calibration,
        worst: fit.worst,
        doubt,
        points,
        written: file,
      });
    else report(fit.calibration, fit.worst, { nodes, whole, file });
    return EXIT.done;
  } finally {
    client.close();
  }
}

/** Reads a point for each line of input. */
async function measure(client: RackClient, nodes: readonly InventoryNode[]): Promise<Point[]> {
  const prompt = process.stdin.isTTY ? (): void => void process.stderr.write('meter> ') : (): void => undefined;
  const points: Point[] = [];
  prompt();
  // The terminal edits the line itself, and its Ctrl-C ends the program.
  for await (const line of createInterface({ input: process.stdin, terminal: false })) {
    const amps = meterValue(line, VOLTS);
    if (amps !== null) {
      const point = { amps, ...(await countsOf(client, nodes)) };
      points.push(point);
      hint(
        `point ${points.length}: ${amps} A at ${point.counts.toFixed(1)} counts (${point.low} to ${point.high} in ${READINGS} readings)`,
      );
    } else if (line.trim() !== '') hint(`'${line.trim()}' is no current: 0.42, 0.42 A or 2.1 W`);
    prompt();
  }
  return points;
}

/** Returns the sum of the nodes' counts. @throws Failure where one of them does not answer now */
async function countsOf(client: RackClient, nodes: readonly InventoryNode[]): Promise<Omit<Point, 'amps'>> {
  const sums: number[] = [];
  while (sums.length < READINGS) {
    const { nodes: states, now } = await client.request('sweep', {
      addrs: nodes.map(({ addr }) => addr),
      interrupt: false,
    });
    const counts = nodes.map((node) => {
      const reading = states.find(({ addr }) => addr === node.addr)?.reading;
      if (reading?.state === 'ok' && now - reading.sample.at <= FRESH_MS) return reading.sample.current;
      throw new Failure(
        EXIT.unavailable,
        `${nodeLabel(node)} does not answer (no node is polled while a console is open): see rackui status`,
      );
    });
    sums.push(counts.reduce((a, b) => a + b, 0));
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
  }
  return { counts: sums.reduce((a, b) => a + b, 0) / sums.length, low: Math.min(...sums), high: Math.max(...sums) };
}

interface About {
  nodes: readonly InventoryNode[];
  whole: boolean;
  file: string | null;
}

function report(calibration: Calibration, worst: number, { nodes, whole, file }: About): void {
  const where = whole ? 'the whole rack' : nodes.map(({ name }) => name).join(', ');
  print(setting(calibration));
  hint(`for ${where}; no point is more than ${worst.toFixed(3)} A off this line`);
  hint(
    file === null
      ? `it belongs ${whole ? "at the configuration's top level" : 'under each of these nodes'} (--write puts it there)`
      : `written to ${file}; apply it with: rackui server reload`,
  );
}

function setting({ amps, zero }: Calibration): string {
  return `calibration: { amps: ${amps}, zero: ${zero} }`;
}

/** Returns the file that the server reads. */
async function configFile(client: RackClient, configured: boolean): Promise<string> {
  const { config } = await client.request('server.info', {});
  if (config !== null && configured) return config;
  throw noNames('there is no configuration file to write to');
}

/** Writes the calibration into the configuration. @throws Failure where the file does not allow it */
async function write(
  file: string,
  nodes: readonly InventoryNode[],
  whole: boolean,
  calibration: Calibration,
): Promise<void> {
  const [{ parseConfig }, { withSetting }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../config/edit.ts'),
  ]);
  let text: string | null = readFileSync(file, 'utf8');
  const { nodes: entries } = parseConfig(text, file);
  const paths = whole
    ? [[]]
    : nodes.map(({ addr }): (string | number)[] => ['nodes', entries.findIndex((entry) => entry.addr === addr)]);
  for (const path of paths) text = text === null ? null : withSetting(text, path, 'calibration', { ...calibration });
  if (text === null)
    throw new Failure(
      EXIT.config,
      `${file} has a form that this program does not edit: add ${setting(calibration)} yourself`,
    );
  parseConfig(text, file);
  writeWhole(file, text);
}
