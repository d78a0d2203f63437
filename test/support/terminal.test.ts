import { expect, test } from 'vitest';
import { openTerminal } from './terminal.ts';

test('shows cells and modes of a real program, and its end', async () => {
  await using terminal = openTerminal('/bin/sh', [
    '-c',
    'printf "\\033[?2004h\\033[1;31mready\\033[0m\\n"; read line; echo "got $line"; read line; exit 3',
  ]);
  await terminal.waitFor('ready');
  expect(terminal.find('ready')?.cells[0]).toMatchObject({ ch: 'r', fg: 1, bold: true });
  expect(terminal.modes.bracketedPasteMode).toBe(true);
  terminal.type('hello\n');
  await terminal.waitFor('got hello');
  terminal.type('\n');
  expect(await terminal.exited).toEqual({ code: 3, signal: 0 });
});

test('a wait in vain shows the screen', async () => {
  await using terminal = openTerminal('/bin/sh', ['-c', 'echo only this']);
  await expect(terminal.waitFor('something else')).rejects.toThrow(/only this/);
});
