/** What stands on a node's screen when its console is opened again: what was there before counts until a line begins. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nextPress, type Press } from '../../src/console/screen-state.ts';
import { ConsoleBuffer } from '../../src/server/consoles/buffer.ts';

function record(): ConsoleBuffer {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-record-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return new ConsoleBuffer({
    ...{ name: 'n3', dir, scrollback: 100, limits: { size: 1e6, age: 1e9, kept: 1, total: 1e7, free: 0 } },
    ...{ onLine: () => undefined, onReply: () => undefined, warn: () => undefined },
  });
}

/** Left with this text on its screen, opened again, and answered; the next key, and whether the screen counts as new. */
async function opened(before: string, answers: string[], done: Press[]) {
  const one = record();
  one.opened(0);
  one.data(Buffer.from(before), 0);
  one.closed('it was left', 1);
  one.opened(2);
  for (const answer of answers) one.data(Buffer.from(answer), 2);
  const { screen, fresh } = await one.readScreen();
  return { fresh, next: nextPress(screen, { fresh, answered: answers.length > 0 }, done) };
}

test.each([
  ['the rest of a boot line', '[    3.4] EXT4-fs (mmcblk0p2): re-mounted 3f9f2e0a'],
  ['half a word of the firmware', 'RPi: BOOTLOADER release VERSION:4c845bd3 DATE: 2025/05/08 TIME: 15:13:17 BOO'],
  ['a progress line', 'Get:3 http://archive libc6 arm64 [2 400 kB] 41%'],
])(
  'left at %s, and only an erased key came since: the node is still asked what stands there',
  async (_what, before) => {
    const { fresh, next } = await opened(before, ['^E\b \b\b \b'], ['clear']);
    expect({ fresh, next }).toEqual({ fresh: false, next: 'redraw' });
  },
);

test.each([
  ['a prompt on a new line', '\r\nn3 login: '],
  ['a line drawn anew', '\rn3 login: '],
  ['a cleared screen', '\x1b[H\x1b[2Jn3 login: '],
])('%s behind it counts as what stands there now', async (_what, answer) => {
  const { fresh, next } = await opened('[    3.4] EXT4-fs (mmcblk0p2): re-mou', [answer], ['clear']);
  expect({ fresh, next }).toEqual({ fresh: true, next: null });
});

test.each(['\x1b', '\x1b[1;3', '\x1b]0;pi@', '\x1bP'])(
  'a sequence that was torn when the console was left (%j) swallows nothing of what comes behind it',
  async (torn) => {
    const one = record();
    one.opened(0);
    one.data(Buffer.from(`pi@n3${torn}`), 0);
    one.closed('it was left', 1);
    one.opened(2);
    // The echo of ^E, which continues a lone escape to a string without an end.
    one.data(Buffer.from('^E\b \b\b \b\r\n[  114.123456] usb 1-1: new device\r\n'), 2);
    const { screen } = await one.readScreen();
    expect(screen).toEqual({ is: 'rest', text: '[  114.123456] usb 1-1: new device' });
    await one.close();
  },
);
