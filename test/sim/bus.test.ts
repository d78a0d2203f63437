/** BIOS, pipe and console byte for byte, as bus-protocol sections 2 to 5 have them. */
import { describe, expect, test } from 'vitest';
import { WiredRack } from './wired-rack.ts';

/** What is sent, and what must come back. Steps of one row share a rack. */
type Step = readonly [sent: string, heard: string];

const EXCHANGES: readonly (readonly [name: string, steps: readonly Step[]])[] = [
  ['the first capture', [['[02]|=', '02|=\r\n02 ff 1 .. ..\r\n']]],
  ["the master's own status needs no pipe", [['=', '=\r\n00 00 1 .. ..\r\n']]],
  ['several commands share a pipe', [['[02]|==', '02|=\r\n02 ff 1 .. ..\r\n=\r\n02 ff 1 .. ..\r\n']]],
  [
    'brackets clear the register, bare digits join what was there',
    [
      ['[01]02|=', '0102|'],
      ['\x07[02]|=', '02|=\r\n02 ff 1 .. ..\r\n'],
    ],
  ],
  ['a pipe to nobody: the master echoes its opening, and nobody the rest', [['[0a]|=', '0a|']]],
  [
    'what follows an unclosed pipe goes to the slave, and its pipe leads nowhere',
    [
      ['[02]|=', '02|=\r\n02 ff 1 .. ..\r\n'],
      ['[03]|=', '03|=\r\n02 ff 1 .. ..\r\n'],
      ['\x07[03]|=', '03|=\r\n03 ff 1 .. ..\r\n'],
    ],
  ],
  [
    'off and on say nothing, and the next status tells',
    [
      ['[02]|\\', '02|'],
      ['=', '=\r\n02 ff 0 .. ..\r\n'],
      ['/', ''],
      ['=', '=\r\n02 ff 1 .. ..\r\n'],
    ],
  ],
  ['letters that are no command are ignored', [['xyz !\r', '']]],
  ['^G without a pipe does nothing', [['\x07\x07=', '=\r\n00 00 1 .. ..\r\n']]],
  [
    'a console passes everything but ^G, which closes it with the pipe',
    [
      ['[02]|[00]~', '02|00~'],
      ['=', '='],
      ['\x07=', '=\r\n00 00 1 .. ..\r\n'],
    ],
  ],
];

test.each(EXCHANGES)('%s', (_name, steps) => {
  const wired = new WiredRack();
  for (const [sent, heard] of steps) expect(wired.send(sent)).toBe(heard);
});

const DIALECTS: readonly (readonly [dialect: string, sent: string, heard: string])[] = [
  ['echo=no', '[02]|=', '\r\n02 ff 1 .. ..\r\n'],
  ['brackets=yes', '[02]|=', '[02]|=\r\n02 ff 1 .. ..\r\n'],
  ['newline=lf', '[02]|=', '02|=\n02 ff 1 .. ..\n'],
  ['newline=cr', '[02]|=', '02|=\r02 ff 1 .. ..\r'],
  ['spaces=4', '[02]|=', '02|=\r\n    02 ff 1 .. ..\r\n'],
  ['final-newline=no', '[02]|==', '02|=\r\n02 ff 1 .. ..=\r\n02 ff 1 .. ..'],
  ['verb-echo=yes', '[02]|\\/', '02|\\/'],
  ['console-echo=no', '[02]|[00]~', '02|00'],
  ['close=bell', '[02]|\x07', '02|\x07'],
  ['close=newline', '[02]|\x07', '02|\r\n'],
  ['hex=upper', '[02]|=', '02|=\r\n02 FF 1 .. ..\r\n'],
  ['self-pipe=silent', '[00]|=', '00|'],
  ['self-pipe=answers', '[00]|=', '00|=\r\n00 00 1 .. ..\r\n'],
];

test.each(DIALECTS)('dialect %s', (dialect, sent, heard) => {
  expect(new WiredRack({ dialect }).send(sent)).toBe(heard);
});

test('locked, it hears nothing but the unlock string', () => {
  const wired = new WiredRack({ locked: true });
  expect(wired.send('\x07=[02]|=UnLock=UnLockMe')).toBe('');
  expect(wired.send('=')).toBe('=\r\n00 00 1 .. ..\r\n');
});

test('a console at the wrong rate is garbage both ways', () => {
  const wired = new WiredRack();
  wired.send('[02]|[01]~');
  expect(wired.send('\r')).not.toContain('login');
});

test('no power, no console: keys go nowhere and nothing comes', () => {
  const wired = new WiredRack();
  expect(wired.send('[02]|\\[00]~\r\r')).toBe('02|00~');
});

test("the master's own cut ends the bus", () => {
  const wired = new WiredRack();
  wired.send('\\');
  expect(wired.send('\x07UnLockMe=[02]|=')).toBe('');
  expect(wired.rack.counters().bus).toMatchObject({ catastrophe: true, masterCuts: 1, afterCatastrophe: 16 });
});

describe('faults of a BMC', () => {
  test('silent', () => {
    const wired = new WiredRack();
    wired.node(2).faults.silent = true;
    expect(wired.send('[02]|=')).toBe('02|');
  });

  test("another's address", () => {
    const wired = new WiredRack();
    wired.node(2).faults.wrongId = 3;
    expect(wired.send('[02]|=')).toBe('02|=\r\n03 ff 1 .. ..\r\n');
  });

  test('torn and garbled replies never look whole', () => {
    for (const fault of [{ torn: true }, { garble: 1 }]) {
      const wired = new WiredRack();
      Object.assign(wired.node(2).faults, fault);
      for (let count = 0; count < 50; count++) expect(wired.send('[02]|=\x07')).not.toMatch(/02 ff 1 \.\. \.\./);
    }
  });

  test('verbs without effect', () => {
    const wired = new WiredRack();
    wired.node(2).faults.offIgnored = true;
    expect(wired.send('[02]|\\=')).toContain('02 ff 1');
    Object.assign(wired.node(2).faults, { offIgnored: false, onIgnored: true });
    expect(wired.send('\\/=')).toContain('02 ff 0');
  });

  test('off that shows late', () => {
    const wired = new WiredRack();
    wired.node(2).faults.offLateMs = 300;
    expect(wired.send('[02]|\\=')).toContain('02 ff 1');
    wired.wait(300);
    expect(wired.send('=')).toContain('02 ff 0');
  });

  test("a slow reply comes into another's exchange", () => {
    const wired = new WiredRack();
    wired.node(2).faults.slowMs = 100;
    expect(wired.send('[02]|=\x07[03]|=')).toBe('02|=03|=\r\n03 ff 1 .. ..\r\n');
    expect(wired.rack.nextDeadline()).toBeLessThan(wired.now + 100);
    expect(wired.wait(100)).toBe('\r\n02 ff 1 .. ..\r\n');
  });

  test("a node's own bell passes, or closes its pipe and takes along what is behind it, as the switch says", () => {
    for (const [dialect, heard, stray] of [
      ['', 'one\x07two\r\n', 0],
      ['node-bell=closes', 'one\x07', 1],
    ] as const) {
      const wired = new WiredRack({ dialect });
      wired.send('[02]|[00]~');
      wired.node(2).guest.printText('one\x07two\n', wired.now);
      expect(wired.wait(10)).toContain(heard);
      wired.send('x');
      const { bus } = wired.rack.counters();
      expect([bus.bells.node, bus.masterForConsole.printable]).toEqual([stray, stray]);
    }
  });

  test('a share of all replies comes torn, the others whole', () => {
    const wired = new WiredRack();
    wired.rack.faults.tornReplies = 0.3;
    const whole = Array.from({ length: 300 }, () => wired.send('=')).filter((reply) =>
      /00 00 1 \S+ \S+\r\n$/.test(reply),
    );
    expect(whole.length).toBeGreaterThan(180);
    expect(whole.length).toBeLessThan(240);
  });

  test('a console that does not come up leaves the keys to the BIOS, and they are counted', () => {
    const wired = new WiredRack();
    wired.node(2).faults.consoleIgnored = true;
    wired.send('[02]|[00]~');
    expect(wired.send('ls\r=')).toBe('=\r\n02 ff 1 .. ..\r\n');
    expect(wired.node(2).counters.biosForConsole).toEqual({ printable: 3, control: 1 });
  });
});

test('counters tell where each ^G fell, and what was meant for a console and reached the master', () => {
  const wired = new WiredRack();
  wired.send('\x07[02]|\x07[02]|[00]~\x07');
  expect(wired.rack.counters().bus.bells).toEqual({ idle: 1, pipe: 1, console: 1, node: 0 });
  wired.send('=[03]|=\x07');
  expect(wired.rack.counters().bus.masterForConsole).toEqual({ printable: 0, control: 0 });
  wired.send('ls\r');
  expect(wired.rack.counters().bus.masterForConsole).toEqual({ printable: 2, control: 1 });
});

describe('the bridge', () => {
  const type = (gapMs: number, text: string): number => {
    const wired = new WiredRack({ lossy: true });
    wired.send('[02]|[00]~', 2);
    wired.wait(50);
    wired.send(text, gapMs);
    return wired.node(2).counters.lost;
  };
  const text = 'x'.repeat(200);

  test('passes what comes 2 ms apart', () => expect(type(2, text)).toBe(0));
  test('loses of what comes back to back', () => expect(type(0.087, text)).toBeGreaterThan(20));
  test('loses of what comes twice too fast', () => expect(type(1, text)).toBeGreaterThan(10));
  test('never the same thing another time: the same seed loses the same bytes', () =>
    expect(type(0.087, text)).toBe(type(0.087, text)));
  test('commands in bursts of six bytes are no console', () => {
    const wired = new WiredRack({ lossy: true });
    for (let count = 0; count < 50; count++) expect(wired.send('[02]|=\x07', 0.087)).toBe('02|=\r\n02 ff 1 .. ..\r\n');
  });
});
