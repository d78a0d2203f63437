/** A program on a node that wants to know whether it has the focus: it hears of the operator's coming and going, and only then. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { until } from '../bench/measure.ts';
import { innerStand } from '../support/inner-stand.ts';

const folder = mkdtempSync(join(tmpdir(), 'rackui-focus-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes down every byte that it gets; `e` makes it ask for focus reports, `d` no more. */
const PROGRAM = (got: string): string => `
const { writeFileSync } = require('node:fs');
let all = '';
process.stdin.setRawMode(true).on('data', (bytes) => {
  for (const char of bytes.toString('latin1')) {
    if (char === 'e') process.stdout.write('\\x1b[?1004henabled\\r\\n');
    else if (char === 'd') process.stdout.write('\\x1b[?1004ldisabled\\r\\n');
    else writeFileSync(${JSON.stringify(got)}, (all += char));
  }
  process.stdout.write('here it is\\r\\n');
});
`;

test('focus in and out as the terminal says, as the console is left and come back to; nothing when it did not ask', async () => {
  const got = join(folder, 'got');
  writeFileSync(join(folder, 'node.cjs'), PROGRAM(got));
  const node = `03=${process.execPath} ${join(folder, 'node.cjs')}`;
  // The bridge loses what comes too close together.
  await using rack = await innerStand({ sim: ['--time-scale', '20', '--exec', node] });
  await using screen = rack.open({ cols: 160, rows: 50 });
  let expected = '';
  const gets = async (bytes: string): Promise<void> => {
    expected += bytes;
    await until(`the node has ${JSON.stringify(expected)}`, () => {
      const has = existsSync(got) ? readFileSync(got, 'latin1') : '';
      if (!expected.startsWith(has)) throw new Error(`it has ${JSON.stringify(has)}, not ${JSON.stringify(expected)}`);
      return has === expected;
    });
  };
  const enter = async (): Promise<void> => {
    await screen.waitFor(/─ node-03 A-3 03 on Enter wakes it/);
    screen.type('\r');
  };
  await screen.waitFor(/\b24 on\b/);

  screen.type('03\r');
  await enter();
  await gets('\r');
  await screen.waitFor(/─ node-03 A-3 03 on ─/);
  screen.type('\x1b[O');
  screen.type('\x1b[I');
  screen.type('x');
  await gets('x');
  screen.type('\x1dd');
  await rack.rack.until(({ bus }) => bus.console === null);
  screen.type('\r');
  await enter();
  await gets('\r');

  await screen.waitFor(/─ node-03 A-3 03 on ─/);
  screen.type('e');
  await screen.waitFor('enabled');
  screen.type('\x1b[O');
  await gets('\x1b[O');
  screen.type('\x1b[I');
  await gets('\x1b[I');
  screen.type('\x1dd');
  await gets('\x1b[O');
  await rack.rack.until(({ bus }) => bus.console === null);
  screen.type('\r');
  await enter();
  await gets('\r\x1b[I');
  screen.type('\x1d04');
  await gets('\x1b[O');
  await rack.rack.until(({ bus }) => bus.console === '04');
  screen.type('\x1d03');
  await enter();
  await gets('\r\x1b[I');

  screen.type('d');
  await screen.waitFor('disabled');
  screen.type('\x1dd');
  await rack.rack.until(({ bus }) => bus.console === null);
  await gets('');
  const { nodes } = await rack.rack.counters();
  expect(nodes['03']).toMatchObject({ lost: 0 });
}, 60_000);
