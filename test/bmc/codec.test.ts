import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BIOS_COMMANDS,
  consoleEcho,
  DEFAULT_UNLOCK,
  endOfEcho,
  endOfPipeEcho,
  findStatusLines,
  openConsole,
  openPipe,
  verbByte,
} from '../../src/bmc/codec.ts';

const address = fc.integer({ min: 0, max: 0x7f });
const hex = (value: number): string => value.toString(16).padStart(2, '0');

describe('commands', () => {
  test('are the bytes of bus-protocol section 3', () => {
    expect(openPipe(4)).toBe('[04]|');
    expect(openPipe(0x17)).toBe('[17]|');
    expect(openConsole(115200)).toBe('[00]~');
    expect(openConsole(57600)).toBe('[03]~');
    expect([verbByte('on'), verbByte('off')]).toEqual(['/', '\\']);
  });

  test('never hold 0x07, and the unlock string no command', () => {
    fc.assert(fc.property(address, (a) => !openPipe(a).includes('\x07')));
    expect(BIOS_COMMANDS.test(DEFAULT_UNLOCK)).toBe(false);
    expect(BIOS_COMMANDS.test('Un\\Lock')).toBe(true);
  });
});

describe('status lines', () => {
  test.each([
    ['00 00 1 1d 74\n', { id: 0, master: true, power: 'on', current: 0x1d, fan: 0x74 }],
    ['09 ff 1 1b 6c\r\n', { id: 9, master: false, power: 'on', current: 0x1b, fan: 0x6c }],
    ['04 ff 1 26 98\r', { id: 4, master: false, power: 'on', current: 0x26, fan: 0x98 }],
    ['  17 ff 0 00 00\n', { id: 0x17, master: false, power: 'off', current: 0, fan: 0 }],
    ['17 FF 2 00 0A\n', { id: 0x17, master: false, power: 'disabled', current: 0, fan: 10 }],
    ['0a ff 01 10 20\n', { id: 10, master: false, power: 'on', current: 16, fan: 32 }],
  ])('%j', (text, status) => {
    expect(findStatusLines(text).map((match) => match.status)).toEqual([status]);
  });

  test('round trip, whatever surrounds them', () => {
    const line = fc.record({
      id: address,
      master: fc.boolean(),
      power: fc.constantFrom('off', 'on', 'disabled'),
      current: fc.integer({ min: 0, max: 255 }),
      fan: fc.integer({ min: 0, max: 255 }),
    });
    const eol = fc.constantFrom('\n', '\r', '\r\n');
    fc.assert(
      fc.property(line, eol, fc.constantFrom('', '  ', '#!~', '\x80\xff'), (status, end, noise) => {
        const xx = ['off', 'on', 'disabled'].indexOf(status.power);
        const text = `${noise}${end}${hex(status.id)} ${status.master ? '00' : 'ff'} ${xx} ${hex(status.current)} ${hex(status.fan)}${end}`;
        expect(findStatusLines(text).map((match) => match.status)).toEqual([status]);
      }),
    );
  });

  test('a line that lost any one character is no status line, and no other status', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), (id, current, fan) => {
        const whole = `${hex(id)} ff 1 ${hex(current)} ${hex(fan)}`;
        for (let at = 0; at < whole.length; at++) {
          const torn = `\n${whole.slice(0, at)}${whole.slice(at + 1)}\n`;
          expect(findStatusLines(torn)).toEqual([]);
        }
      }),
    );
  });

  test.each([
    ['cut at the front', '4 ff 1 26 98\n'],
    ['cut at the end', '04 ff 1 26\n'],
    ['an impossible MS', '04 f0 1 26 98\n'],
    ['an impossible XX', '04 ff 3 26 98\n'],
    ['glued to noise', 'x04 ff 1 26 98\n'],
    ['a digit too many', '04 ff 1 26 981\n'],
    ['not hex', '04 ff 1 2g 98\n'],
  ])('%s is not believed', (_what, text) => {
    expect(findStatusLines(text)).toEqual([]);
  });

  test('says whether the line was ended', () => {
    expect(findStatusLines('04 ff 1 26 98')[0]?.terminated).toBe(false);
    expect(findStatusLines('04 ff 1 26 98\r')[0]?.terminated).toBe(true);
  });
});

describe('echoes', () => {
  test.each(['04|=', '[04]|=', ' [04]| =', '[04] |='])('of a request through a pipe: %j', (echo) => {
    expect(endOfEcho(`${echo}\r\n`, 4)).toBe(echo.length);
    expect(endOfEcho(`${echo}\r\n`, 5)).toBe(-1);
  });

  test('of a bare request', () => {
    expect(endOfEcho('=\r\n00 00 1 1d 74', null)).toBe(1);
    expect(endOfEcho('00 00 1 1d 74', null)).toBe(-1);
  });

  test.each(['[00]~', '00~', '\r\n[00]~\r\n', '00~\n'])('of the console command: %j', (echo) => {
    expect(consoleEcho(echo, 115200)).toMatchObject({ complete: true, end: echo.indexOf('~') + 1 });
    for (let n = 0; n < echo.indexOf('~'); n++) expect(consoleEcho(echo.slice(0, n), 115200).matches).toBe(true);
  });

  test("a node's own words are no echo", () => {
    expect(consoleEcho('rpi login: ', 115200)).toMatchObject({ matches: false, complete: false });
  });
});

test.each(['18|', '[18]|', '\r\n18|', ' 18 |'])(
  'an address where nobody is echoes its pipe and nothing else: %j',
  (echo) => {
    expect(endOfPipeEcho(echo, 0x18)).toBe(echo.length);
    expect(endOfPipeEcho(echo, 0x19)).toBe(-1);
  },
);
