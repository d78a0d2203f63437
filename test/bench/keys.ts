/** From a key to its echo on the operator's screen, beside other programs on such a line; and from console to console. */
import { startRack, type TestRack } from '../support/rack.ts';
import { PROGRAM, stand } from '../support/stand.ts';
import { openTerminal, type TestTerminal } from '../support/terminal.ts';
import { figure, leftOut, median, notHere, percentile, type Figure } from './measure.ts';
import { held, holding, isSlow } from './slow.ts';

/** One byte out, one byte back. The first byte after a pause is not held back by the pacing. */
const WIRE_MS = (2 * 10_000) / 115_200;
/** Keys of one program before the next program's turn, and the number of turns. */
const KEYS = 50;
const ROUNDS = 6;
const SWITCHES = 30;
const SIM = ['--time-scale', '50'];
const SIZE = { cols: 160, rows: 50 };

/** Programs that drive a line by hand: the device is their own, and nothing paces, filters, logs or shares. */
const OTHERS = [
  { name: 'tio', args: (port: string) => ['-b', '115200', port] },
  { name: 'screen', args: (port: string) => [port, '115200'] },
];

export async function keyToEcho(): Promise<Figure[]> {
  await using rack = await stand({ sim: SIM, through: holding() });
  await using ours = openTerminal(...held(process.execPath, [PROGRAM, '--socket', rack.socket]), SIZE);
  await ours.waitFor('node-03');
  ours.type('03\r');
  await ours.waitFor(/Enter wakes it|login:/);
  ours.type('\r');
  await ours.waitFor(/login:/);
  const others: (Other & { taken: number[][] })[] = [];
  const rounds: number[][] = [];
  try {
    for (const { name, args } of OTHERS) {
      const why = notHere(name);
      if (why === null) others.push({ ...(await openOther(name, args)), taken: [] });
      else leftOut(`key to echo beside ${name}: ${why}`);
    }
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await echoes(ours));
      for (const { terminal, taken } of others) taken.push(await echoes(terminal));
    }
  } finally {
    for (const { terminal, rack: line } of others) {
      await terminal.close();
      await line.stop();
    }
  }
  const all = rounds.flat();
  const p99 = percentile(all, 0.99);
  const detail = { p50: median(all), p99, slowest: Math.max(...all) };
  if (isSlow()) return [figure('key to echo, p99', p99, 'ms beyond the wire', 60, detail)];
  return [
    figure('key to echo, p50', rounds.map(median), 'ms beyond the wire', 5, detail),
    figure('key to echo, p99', p99, 'ms beyond the wire', 20, detail),
    ...others.flatMap(({ name, taken }) => {
      const theirs = { p50: median(taken.flat()), p99: percentile(taken.flat(), 0.99) };
      const more = rounds.map((round, i) => median(round) - median(taken[i] ?? []));
      const budget = name === 'tio' ? [1.5, 5] : [5, 20];
      return [
        figure(`key to echo beside ${name}, p50`, more, 'ms more', budget[0] ?? 0, theirs),
        figure(`key to echo beside ${name}, p99`, p99 - theirs.p99, 'ms more', budget[1] ?? 0, theirs),
      ];
    }),
  ];
}

interface Other {
  name: string;
  rack: TestRack;
  terminal: TestTerminal;
}

async function openOther(name: string, args: (port: string) => string[]): Promise<Other> {
  const rack = await startRack({ args: [...SIM, '--unlocked'] });
  const terminal = openTerminal(...held(name, args(rack.link)), SIZE);
  // Until the program has the device, typed keys are lost.
  while (!(await takes(terminal, '[03]|[00]~'))) terminal.type('\x07');
  terminal.type('\r');
  await terminal.waitFor(/login:/);
  return { name, rack, terminal };
}

async function takes(terminal: TestTerminal, command: string): Promise<boolean> {
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
