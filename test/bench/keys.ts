/** From a key to its echo on the operator's screen, beside other programs on such a line; and from console to console. */
import { startRack } from '../support/rack.ts';
import { PROGRAM, stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';
import { figure, leftOut, median, notHere, percentile, type Figure } from './measure.ts';

/** One byte out, one byte back. The first byte after a pause is not held back by the pacing. */
const WIRE_MS = (2 * 10_000) / 115_200;
const KEYS = 200;
const SWITCHES = 30;
const SIM = ['--time-scale', '50'];
const SIZE = { cols: 160, rows: 50 };

export async function keyToEcho(): Promise<Figure[]> {
  await using rack = await stand({ sim: SIM });
  await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket], SIZE);
  await terminal.waitFor('node-03');
  terminal.type('03\r');
  await terminal.waitFor(/Enter wakes it|login:/);
  terminal.type('\r');
  await terminal.waitFor(/login:/);
  const ours = await echoes(terminal);
  return [
    figure('key to echo, p50', median(ours), 'ms beyond the wire', 5, { p99: percentile(ours, 0.99) }),
    figure('key to echo, p99', percentile(ours, 0.99), 'ms beyond the wire', 20, { slowest: Math.max(...ours) }),
    ...(await besideOthers(ours)),
  ];
}

/** Programs that drive a line by hand: the device is their own, and nobody paces, filters, logs or shares. */
async function besideOthers(ours: readonly number[]): Promise<Figure[]> {
  const others = [
    { name: 'tio', args: (port: string) => ['-b', '115200', port] },
    { name: 'screen', args: (port: string) => [port, '115200'] },
  ];
  const figures: Figure[] = [];
  for (const { name, args } of others) {
    const why = notHere(name);
    if (why !== null) {
      leftOut(`key to echo beside ${name}: ${why}`);
      continue;
    }
    await using rack = await startRack({ args: [...SIM, '--unlocked'] });
    await using terminal = openTerminal(name, args(rack.link), SIZE);
    // Until the program has the device, what is typed reaches nobody.
    while (!(await opened(terminal, '[03]|[00]~'))) terminal.type('\x07');
    terminal.type('\r');
    await terminal.waitFor(/login:/);
    const theirs = await echoes(terminal);
    const detail = { ours: median(ours), theirs: median(theirs), theirP99: percentile(theirs, 0.99) };
    figures.push(figure(`key to echo beside ${name}, p50`, median(ours) - median(theirs), 'ms more', 5, detail));
  }
  return figures;
}

async function opened(terminal: TestTerminal, command: string): Promise<boolean> {
  terminal.type(command);
  return terminal.waitFor(/00~/, 'the echo of the command', 1_000).then(
    () => true,
    () => false,
  );
}

/** Milliseconds each beyond the wire, at a login prompt. */
async function echoes(terminal: TestTerminal): Promise<number[]> {
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
  return taken;
}

/** From the key to the other node's console, on the wire and with its screen as it was left. */
export async function switching(): Promise<Figure[]> {
  await using rack = await stand({ sim: SIM });
  await using terminal = openTerminal(process.execPath, [PROGRAM, '--socket', rack.socket], SIZE);
  await terminal.waitFor('node-03');
  for (const node of ['03', '04']) {
    terminal.type(node === '03' ? '03\r' : '\x1d04');
    await terminal.waitFor(onWire(node));
    terminal.type('\r');
    await terminal.waitFor((screen) => onWire(node)(screen) && /login:/.test(screen.text()), `node ${node}`);
  }
  const taken: number[] = [];
  for (let n = 0; n < SWITCHES; n++) {
    const began = performance.now();
    terminal.type('\x1d\t');
    const holds = onWire(n % 2 === 0 ? '03' : '04');
    await terminal.waitFor((screen) => holds(screen) && /login:/.test(screen.text()), 'the other console');
    taken.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const p99 = percentile(taken, 0.99);
  return [figure('from console to console, p50', median(taken), 'ms', 100, { p99, switches: SWITCHES })];
}

/** The pane's title: whose console it is, and that it is neither being opened nor left. */
function onWire(node: string): (screen: TestTerminal) => boolean {
  return (screen) => new RegExp(`─ node-${node} \\S+ ${node} (?!.*(?:opening|suspended|left))`).test(screen.text());
}
