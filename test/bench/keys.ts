/** From a key to its echo on the operator's screen, through interface, server, bus, bridge, guest and back. */
import { openTerminal } from '../support/terminal.ts';
import { figure, median, percentile, type Figure } from './measure.ts';
import { PROGRAM, stand } from '../support/stand.ts';

/** One byte out, one byte back. The first byte after a pause is not held back by the pacing. */
const WIRE_MS = (2 * 10_000) / 115_200;
const KEYS = 200;

export async function keyToEcho(): Promise<Figure[]> {
  await using rack = await stand({ sim: ['--time-scale', '50'] });
  await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket], { cols: 160, rows: 50 });
  await terminal.waitFor('node-03');
  terminal.type('03\r');
  await terminal.waitFor(/Enter wakes it|login:/);
  terminal.type('\r');
  await terminal.waitFor(/login:/);
  const taken: number[] = [];
  for (let n = 0; n < KEYS; n++) {
    // A login name that grows and is taken back: each key changes one cell.
    const key = n % 2 === 0 ? 'x' : '\x7f';
    const before = terminal.cursor.x;
    const began = performance.now();
    terminal.type(key);
    await terminal.waitFor((screen) => screen.cursor.x === before + (n % 2 === 0 ? 1 : -1), 'the echo');
    taken.push(performance.now() - began - WIRE_MS);
    // Keys as a person types them, not as a paste.
    await new Promise((resolve) => setTimeout(resolve, 20 + (n % 7)));
  }
  const p99 = percentile(taken, 0.99);
  return [
    figure('key to echo, p50', median(taken), 'ms beyond the wire', 5, { p99 }),
    figure('key to echo, p99', p99, 'ms beyond the wire', 20, { slowest: Math.max(...taken) }),
  ];
}
