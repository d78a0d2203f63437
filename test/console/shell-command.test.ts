/** Commands in a shell of a console: the line that is typed, and what is read of the console for their output. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { commandLine, OUTPUT_LIMIT, OutputReader, whyNotTyped } from '../../src/console/shell-command.ts';

const TOKEN = 'abc123';
const KERNEL = '[  123.456789] usb 1-1: new device\r\n';

/** Reads what a console printed, in pieces of so many characters. */
function read(text: string, size = text.length): OutputReader {
  const reader = new OutputReader(TOKEN);
  for (let at = 0; at < text.length; at += size) reader.feed(text.slice(at, at + size));
  return reader;
}

/** What a tty makes of the line's output. */
const console = (output: string): string => output.replaceAll('\n', '\r\n');

/** The line in a real shell. */
function shell(command: string, program = 'sh'): OutputReader {
  const { stdout } = spawnSync(program, ['-c', commandLine(command, TOKEN)], { maxBuffer: 1e7 });
  return read(console(stdout.toString()));
}

test.each([
  ['several lines', 'echo one; echo two', 'one\ntwo\n', 0],
  ['no output', 'true', '', 0],
  ['no line end', 'printf abc', 'abc', 0],
  ['an empty line at the end', 'echo a; echo', 'a\n\n', 0],
  ['standard error between', 'echo a; echo b >&2; echo c', 'a\nb\nc\n', 0],
  ['quotes of both kinds', `echo "it's" 'a "b"'`, `it's a "b"\n`, 0],
  ['a long line', 'head -c 3000 /dev/zero | tr "\\0" x', 'x'.repeat(3000), 0],
  ['carriage returns', 'printf "10%%\\r20%%\\n"', '10%\r20%\n', 0],
  ['lines of a kernel log', 'echo "[    1.234567] Linux"', '[    1.234567] Linux\n', 0],
  ['a marker of another command', 'echo "rackui-other>0"', 'rackui-other>0\n', 0],
  ['input is empty', 'cat; echo end', 'end\n', 0],
  ['a syntax error', 'echo (', expect.stringContaining('yntax') as string, 2],
  ['an unknown command', 'nonsense-here', expect.stringContaining('not found') as string, 127],
])('output of a command: %s', (_what, command, output, code) => {
  const reader = shell(command);
  expect({ output: reader.output, code: reader.code, ended: reader.ended }).toEqual({ output, code, ended: true });
});

test('every exit code from 0 to 255 is read', () => {
  const script = Array.from({ length: 256 }, (_, code) => commandLine(`exit ${code}`, `t${code}x`)).join('\n');
  const printed = console(spawnSync('sh', ['-c', script]).stdout.toString());
  const codes = Array.from({ length: 256 }, (_, code) => {
    const reader = new OutputReader(`t${code}x`);
    reader.feed(printed);
    return reader.code;
  });
  expect(codes).toEqual(Array.from({ length: 256 }, (_, code) => code));
});

test('output without end is cut off at its limit, and the command ends', () => {
  const reader = shell('yes');
  expect(reader.truncated).toBe(true);
  expect(reader.output).toHaveLength(OUTPUT_LIMIT);
  expect(reader.ended).toBe(true);
});

test('a kernel line at any place changes neither output nor exit code', () => {
  const line = `\x1b[1;32mpi@n3\x1b[0m:~$ ${commandLine('x', TOKEN)}\r\n\x1b[?2004l\r`;
  const printed = `rackui-${TOKEN}<\r\n${TOKEN}:first\r\n${TOKEN}:second\r\nrackui-${TOKEN}>17\r\n`;
  for (let at = 1; at < printed.length - 1; at++) {
    // A line end is one write of the tty.
    if (printed[at] === '\n') continue;
    const reader = read(line + printed.slice(0, at) + KERNEL + printed.slice(at), 7);
    expect([at, reader.output, reader.code]).toEqual([at, 'first\nsecond\n', 17]);
  }
});

test('lines of other programs, a prompt and the echo are no output', () => {
  const reader = read(
    `$ ${commandLine('x', TOKEN)}\r\nrackui-${TOKEN}<\r\n${TOKEN}:a\r\nBroadcast message\r\n${TOKEN}:b\r\nrackui-${TOKEN}>0\r\n$ `,
  );
  expect(reader.output).toBe('a\nb\n');
});

test('a command too long for a terminal, or with a control character, is not typed', () => {
  expect(whyNotTyped(commandLine('echo ok', TOKEN))).toBeNull();
  expect(whyNotTyped(commandLine('x'.repeat(1000), TOKEN))).toMatch(/characters too long/);
  expect(whyNotTyped(commandLine('a\tb', TOKEN))).toMatch(/control character/);
});

test('the typed line holds no backslash of its own', () => {
  expect(commandLine(`it's`, TOKEN)).not.toContain('\\');
});
