/** Manual pages, read by the programs that show them. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { manualPages } from '../../packaging/manual.ts';
import { readCommandLine } from '../../src/cli/completion/command-line.ts';
import { declare } from '../../src/cli/program.ts';

const program = declare(() => () => Promise.resolve());
const pages = manualPages(readCommandLine(program), '0.1.0', '2026-11-29');
const has = (name: string): boolean => existsSync(`/usr/bin/${name}`);

test('the program and each of its commands has a page', () => {
  expect(pages.map(({ name }) => name)).toEqual(['rackui', ...program.commands.map((one) => `rackui-${one.name()}`)]);
});

test.skipIf(!has('mandoc'))('mandoc finds nothing to warn of in any page', () => {
  for (const { name, text } of pages) {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: text, encoding: 'utf8' });
    expect(stdout, name).toBe('');
  }
});

test.skipIf(!has('man'))('man shows commands, options and exit codes, and warns of nothing', () => {
  const shown = (name: string): string => {
    const input = pages.find((page) => page.name === name)?.text ?? '';
    const { stdout, stderr } = spawnSync('man', ['--warnings', '-E', 'ascii', '-l', '-'], {
      input,
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '100', MAN_KEEP_FORMATTING: '', LC_ALL: 'C.UTF-8' },
    });
    expect(stderr).toBe('');
    return stdout;
  };
  const plan = shown('rackui-plan');
  expect(plan).toContain('rackui plan skip [options] run [selector...]');
  expect(plan).toMatch(/--deadline seconds\n\s+start nothing new after this time/);
  expect(plan).toMatch(/EXIT STATUS[\s\S]*78\s+configuration/);
  expect(shown('rackui')).toMatch(/rackui-completion\(1\)\n\s+print a completion script/);
});
