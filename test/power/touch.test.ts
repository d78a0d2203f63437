/** Whether a machine whose last line was read is dead to a touch: living terminals of all kinds, in virtual time. */
import { expect, test } from 'vitest';
import { FakeNetwork, FakeRack } from './fake-rack.ts';

const NAME = 'k8s-worker-04';
const PROMPT = `\r\npi@${NAME}:~$ `;
const HALT = '[  312.345678] reboot: Power down\r\n';
const ACK = '\r\nThe system will power off now!\r\n';

/** A node that was asked, says `last`, and whose terminal then answers typing as `lives` has it. */
async function claims(lives: (typed: string) => string, last = HALT, rack = new FakeRack()): Promise<FakeRack> {
  let asked = false;
  rack.console.onTyped = (typed) => {
    if (typed.includes('poweroff')) {
      asked = true;
      rack.says(`${typed}\n${ACK}${last}`);
    } else if (!asked) rack.says(PROMPT);
    else if (lives(typed) !== '') rack.says(lives(typed));
  };
  await rack.start({ verb: 'off', confirm: NAME });
  await rack.clock.advance(25_000);
  return rack;
}

const question = (rack: FakeRack): string => rack.operation.nodes[0]?.question?.text ?? '(no question)';
const evidence = (rack: FakeRack): string[] => rack.operation.nodes[0]?.evidence.map(({ kind }) => kind) ?? [];

test('a machine that echoes nothing is cut, after its BMC answered between the two touches', async () => {
  const rack = await claims(() => '');
  expect(rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  expect(rack.console.typed.slice(2)).toEqual(['\x11 \x15', '\x11\x15\r']);
  expect(evidence(rack)).toContain('touch');
});

test.each<[terminal: string, lives: (typed: string) => string]>([
  [
    'a cooked tty that nobody reads',
    (typed) => typed.replace('\x11', '').replace('\r', '\r\n').replace('\x15', '\b \b'),
  ],
  ['a line editor', (typed) => (typed.includes(' ') ? ' \b\x1b[K' : '')],
  [
    'a password prompt, which shows nothing before Enter',
    (typed) => (typed.endsWith('\r') ? '\r\nSorry, try again.\r\n' : ''),
  ],
  ['a console that was stopped, and says what it held back', (typed) => (typed.startsWith('\x11') ? '\r\nBroad' : '')],
  ['a program that rings', () => '\x07'],
  ['a getty', (typed) => (typed.endsWith('\r') ? `\r\n${NAME} login: ` : ' ')],
])('%s is a sign of life: a question, and no cut', async (_terminal, lives) => {
  for (const last of [
    HALT,
    'reboot: System halted\r\n',
    '[  300.1] reboot: Power off not available: System halted instead\r\n',
  ]) {
    const rack = await claims(lives, last);
    expect(question(rack)).toMatch(/the machine is alive \(its console answered (?:a blank|Enter)/);
    expect(rack.verbs).toEqual([]);
    expect(evidence(rack)).toContain('alive');
  }
});

test('an echo of the blank keeps Enter from being pressed', async () => {
  const rack = await claims((typed) => (typed.includes(' ') ? ' ' : ''));
  expect(rack.console.typed.slice(2)).toEqual(['\x11 \x15']);
});

test('a network that still answers contradicts the last line; one that is silent since does not', async () => {
  const rack = new FakeRack();
  rack.network = new FakeNetwork();
  rack.network.answer = () =>
    Promise.resolve({ code: 1, why: 'exit code 1', output: ['sudo: a password is required'] });
  await claims(() => '', HALT, rack);
  expect(question(rack)).toMatch(/the machine is alive \(something answers at pi@192\.0\.2\.3\)/);
  expect(rack.verbs).toEqual([]);

  const silent = new FakeRack();
  const network = new FakeNetwork();
  silent.network = network;
  network.answer = () => Promise.resolve({ code: 255, why: 'exit code 255', output: ['Connection refused'] });
  silent.clock.every(100, () => silent.console.typed.some((one) => one.includes('poweroff')) && network.gone.add(3));
  await claims(() => '', HALT, silent);
  expect(silent.ends).toEqual(['done: is off, confirmed by two status replies']);
});

test('no printable byte goes to a console that has not proven to be the node’s', async () => {
  const rack = new FakeRack();
  const ticks = rack.clock.every(100, () => {
    if (rack.operation.nodes[0]?.phase !== 'settle') return;
    ticks();
    rack.console.become({ open: false, proven: false, why: 'lent to a verb' });
    rack.console.become({ open: true, proven: false, why: '' });
  });
  await claims(() => '', HALT, rack);
  expect(rack.console.typed.slice(2)).toEqual(['\x11\x15\r']);
  expect(rack.ends).toEqual(['done: is off, confirmed by two status replies']);
});

test('a gap while an echo is waited for voids the touch: Enter is pressed again behind it', async () => {
  const rack = new FakeRack();
  let gaps = 0;
  rack.clock.every(100, () => {
    if (rack.console.typed.at(-1) !== '\x11\x15\r' || gaps >= 2) return;
    gaps += 1;
    rack.console.become({ open: false, proven: false, why: 'lent to a verb' });
    rack.console.become({ open: true, proven: false, why: '' });
    rack.console.typed.push('(gap)');
  });
  await claims(() => '', HALT, rack);
  expect(rack.console.typed.filter((one) => one === '\x11\x15\r')).toHaveLength(3);
  expect(rack.ends).toEqual(['done: is off, confirmed by two status replies']);
});

test('a BMC that does not answer between the touches leaves the node on, with a question', async () => {
  const rack = new FakeRack();
  rack.clock.every(100, () => {
    if (rack.operation.nodes[0]?.phase === 'settle')
      rack.trouble.set(3, { ok: false, failure: 'silent', detail: 'the BMC at 03 does not answer' });
  });
  await claims(() => '', HALT, rack);
  expect(question(rack)).toContain('The BMC of k8s-worker-04 does not answer any more');
  expect(rack.verbs).toEqual([]);
});

test('last lines that are claimed again and again do not put off the deadline', async () => {
  const rack = new FakeRack();
  rack.console.onTyped = (typed) => {
    if (typed.includes('poweroff')) rack.says(`${typed}\n${ACK}`);
    else rack.says(PROMPT);
  };
  await rack.start({ verb: 'off', confirm: NAME, deadlineS: 40 });
  rack.clock.every(4_000, () => rack.says(`\r\n${HALT}`));
  await rack.clock.advance(50_000);
  expect(rack.ends[0]).toMatch(/^deadline: /);
  expect(rack.verbs).toEqual([]);
});
