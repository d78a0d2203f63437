/** The rack by words and sentences: a terminal that can do nothing, an ear that hears each line once. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventSentences } from '../../src/cli/plain/sentences.ts';
import { rackui } from '../cli/support.ts';
import { innerStand } from '../support/inner-stand.ts';
import { PROGRAM, eightNodes, type Stand } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';

const CONFIG = `
name: test rack
port: /dev/null
poll: { interval: 0.2 }
login: { user: pi, password: { command: [echo, raspberry] } }
shutdown: { settle: 1 }
${eightNodes({ 0: 'role: master' })}
`;

let rack: Stand;
beforeAll(async () => {
  rack = await innerStand({ config: CONFIG, sim: ['--time-scale', '20', '--no-loss'] });
});
afterAll(() => rack[Symbol.asyncDispose]());

test('TERM=dumb: asked, told what is new, a node shut down by confirmed words; no control sequence ever', async () => {
  // The pseudo-terminal sets TERM itself.
  const shell = ['-c', 'TERM=dumb exec "$@"', 'sh', process.execPath, PROGRAM, '--socket', rack.socket, 'plain'];
  await using screen = openTerminal('/bin/sh', shell, { cols: 132, rows: 60 });
  const ask = (words: string, answer: RegExp): Promise<void> => {
    screen.type(`${words}\r`);
    return screen.waitFor(answer);
  };
  await screen.waitFor(/Rack test rack: the bus is ready\. Of 8 nodes 8 on\.[\s\S]*No alarms\.[\s\S]*rackui>\s*$/);
  await ask('node 03', /n3, A-3, address 03: on, current \d+ counts, fan \d+ counts\./);
  await ask('list row:B', /n7, B-3, address 07: on[\s\S]*rackui>\s*$/);
  await ask('nonsense', /'nonsense' is not a command; 'help' lists them/);
  // What happens is told without being asked, once.
  await rack.rack.ctl('silent', { node: '02' });
  await screen.waitFor(/alarm: n2 .*stopped answering/);
  await ask('status', /Of 8 nodes 7 on, 1 unknown \(1 last on\)\.[\s\S]*Not on: n2 is unknown\./);
  await ask('alarms', /Alarm \d+, since \S+: n2 \(A-2\) does not answer.*; not acknowledged\./);
  await ask('ack all', /\d acknowledged\./);
  await rack.rack.ctl('silent', { node: '02', on: false });
  await screen.waitFor(/n2 .*answers again/);
  // Guards and confirmation are the command line's.
  await ask('off n0', /n0 .*master[\s\S]*off: refused, nothing was cut \(code 3\)\./);
  await ask('off n3', /Type n3 and Enter to confirm/);
  await ask('n4', /not confirmed: 'n4' does not match/);
  expect((await rack.rack.counters()).nodes['03']).toMatchObject({ off: 0 });
  screen.type('off n3\r');
  await screen.waitFor((s) => s.text().split('Type n3 and Enter to confirm').length === 3);
  // What is typed together with the command is no answer: it was thrown away until the question stood.
  await ask('n3', /n3 \(A-3, 03\) done: is off, confirmed by two status replies[\s\S]*rackui>\s*$/);
  await ask('quit', /quit/);
  expect((await screen.exited).code).toBe(0);
  expect(screen.output).not.toContain('\x1b');
  const told = screen.output.split(/\r?\n/).filter((line) => /^\d\d:\d\d:\d\d .*stopped answering/.test(line));
  expect(told).toHaveLength(1);
  // What the command itself has told is not told again as news.
  expect(screen.output.match(/is off, confirmed by two status replies/g)).toHaveLength(1);
  expect(screen.output).not.toMatch(/\(operation \S+\)/);
});

test('from a pipe: sentences, and no cut without the words on the line', async () => {
  const { code, stdout, stderr } = await rackui(['--socket', rack.socket, '--plain'], {
    input: 'list n4\noff n4\nevents 3\nack x\n',
  });
  expect(stdout).toMatch(/n4, B-0, address 04: on/);
  expect(stderr).toContain("add --confirm 'n4'");
  expect(stdout).toContain('off: not understood (code 64).');
  expect(stdout).toContain("ack needs a number from 'alarms', or all");
  expect(code).toBe(0);
  expect((await rack.rack.counters()).nodes['04']).toMatchObject({ off: 0 });
});

test('much at once is cut short, and alarms are not what is left out', () => {
  const event = (seq: number, level: 'info' | 'alarm'): Parameters<typeof eventSentences>[0][number] => ({
    ...{ seq, at: 0, level, topic: 'node', addr: seq },
    text: `event ${seq}`,
  });
  const news = eventSentences([...Array.from({ length: 20 }, (_, n) => event(n, 'info')), event(20, 'alarm')]);
  expect(news).toHaveLength(6);
  expect(news.join('\n')).toMatch(/alarm: event 20\.\nAnd 16 more; 'events' lists them\.$/);
});
