/** Completion scripts in the real shells: bash, zsh and fish. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allCommands, readCommandLine } from '../../src/cli/completion/command-line.ts';
import { declare } from '../../src/cli/program.ts';
import { eightNodes, PROGRAM } from '../support/stand.ts';
import { openTerminal } from '../support/terminal.ts';
import { rackui } from './support.ts';

const exec = promisify(execFile);
const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];
/** Programs that answer Tab start on a busy machine. */
const WAIT_MS = 45_000;

const CONFIG = [
  eightNodes({ 0: 'role: master' }).replaceAll('name: n', 'name: worker-'),
  'plans:',
  '  shed-all: { steps: [{ name: a, selector: worker-1, action: off }] }',
  '  shed-dev: { steps: [{ name: a, selector: worker-2, action: off }] }',
  '',
].join('\n');

const commands = allCommands(readCommandLine(declare(() => () => Promise.resolve())));
const [program] = commands;

let folder: string;
/** Nothing of this machine's shells, and the program on PATH by its name. */
let env: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rackui-test-completion-'));
  for (const name of ['bin', 'traced', 'rackui', 'scripts', 'files/dir-one'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'files/file-one.yaml'), '');
  writeFileSync(join(folder, 'rackui/rack.yaml'), CONFIG);
  symlinkSync(PROGRAM, join(folder, 'bin/rackui'));
  writeFileSync(join(folder, 'traced/rackui'), `#!/bin/sh\n: >>'${folder}/started'\n`, { mode: 0o755 });
  env = { PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`, HOME: folder, XDG_CONFIG_HOME: folder };
  for (const shell of SHELLS) {
    const { code, stdout } = await rackui(['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(script(shell), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Named as each shell looks for it in its own folders. */
function script(shell: Shell): string {
  return join(folder, 'scripts', { bash: 'rackui', zsh: '_rackui', fish: 'rackui.fish' }[shell]);
}

const installed = (shell: Shell): boolean => existsSync(`/usr/bin/${shell}`) || existsSync(`/bin/${shell}`);

/** How each shell starts without files of this machine, what it says to load its script, and its prompt. */
const STARTS: Readonly<Record<Shell, { args: string[]; load: () => string; prompt: string }>> = {
  bash: { args: ['--norc', '--noprofile'], load: () => `source ${script('bash')}`, prompt: "PS1='ready> '" },
  zsh: {
    args: ['-f'],
    load: () => `fpath=(${join(folder, 'scripts')} $fpath); autoload -Uz compinit; compinit -u -D`,
    prompt: "PS1='ready> '",
  },
  fish: {
    args: ['--no-config', '--private'],
    load: () => `source ${script('fish')}`,
    prompt: "function fish_prompt; printf 'ready> '; end",
  },
};

/** What the shell lists for each line that ends where Tab would be pressed. */
async function listed(shell: 'bash' | 'fish', lines: readonly string[], path = 'bin'): Promise<string[][]> {
  const text =
    shell === 'fish'
      ? [`source ${script(shell)}`, ...lines.flatMap((line) => [`complete -C '${line}'`, 'echo =='])].join('\n')
      : [
          `source ${script(shell)}`,
          'list() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rackui; printf "%s\\n" "${COMPREPLY[@]}" ==; }',
          ...lines.map((line) => `list ${line.endsWith(' ') ? `${line}''` : line}`),
        ].join('\n');
  const args = shell === 'fish' ? ['--no-config', '-c', text] : ['--norc', '-c', text];
  const PATH = `${join(folder, path)}:${process.env.PATH ?? ''}`;
  const { stdout } = await exec(shell, args, { env: { ...env, PATH }, cwd: join(folder, 'files') });
  return stdout
    .split(/^==\n/m)
    .slice(0, lines.length)
    .map((part) => part.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? ''])));
}

describe.each(['bash', 'fish'] as const)('%s', (shell) => {
  test.skipIf(!installed(shell))(
    'lists the commands below each command, and its options without a start of the program',
    async () => {
      const groups = commands.filter((command) => command.commands.length > 0);
      const words = await listed(
        shell,
        groups.map((group) => ['rackui', ...group.words, ''].join(' ')),
      );
      groups.forEach((group, at) =>
        expect(words[at]).toEqual(expect.arrayContaining(group.commands.map((command) => command.words.at(-1)))),
      );
      const options = await listed(
        shell,
        commands.map((command) => ['rackui', ...command.words, '--'].join(' ')),
        'traced',
      );
      expect(existsSync(join(folder, 'started'))).toBe(false);
      commands.forEach((command, at) => {
        const long = [...command.options, ...(program?.options ?? [])].map(({ flags }) => flags.at(-1) ?? '');
        expect([...new Set(options[at])].sort()).toEqual([...new Set(long)].sort());
      });
    },
  );

  test.skipIf(!installed(shell))('completes nodes, plans and files, also behind options with values', async () => {
    const [nodes, plans, files, directories, behind, value, choices, none] = await listed(shell, [
      'rackui status worker-',
      'rackui plan run s',
      'rackui --config ',
      'rackui serve --state ',
      'rackui --rack status off worker-1 worker-',
      'rackui answer 7 yes --node worker-',
      'rackui completion ',
      'rackui plan run shed-all --confirm ',
    ]);
    const all = Array.from({ length: 8 }, (_, n) => `worker-${n}`);
    expect(nodes?.sort()).toEqual(all);
    expect(plans?.sort()).toEqual(['shed-all', 'shed-dev']);
    expect(files?.map((name) => name.replace('/', '')).sort()).toEqual(['dir-one', 'file-one.yaml']);
    expect(directories?.map((name) => name.replace('/', ''))).toEqual(['dir-one']);
    expect(behind?.sort()).toEqual(all);
    expect(value?.sort()).toEqual(all);
    expect(choices?.sort()).toEqual(['bash', 'fish', 'nodes', 'plans', 'zsh']);
    expect(none).toEqual([]);
  });
});

describe.each(SHELLS)('%s at a terminal', (shell) => {
  test.skipIf(!installed(shell))('completes on Tab', async () => {
    const { args, load, prompt } = STARTS[shell];
    await using terminal = openTerminal(shell, args, { env, cwd: join(folder, 'files'), cols: 120 });
    const line = (): string => terminal.lines()[terminal.cursor.y]?.trimEnd() ?? '';
    const prompted = (): Promise<void> => terminal.waitFor(() => line() === 'ready>', 'an empty prompt', WAIT_MS);
    terminal.type(`${load()}; ${prompt}\r`);
    await prompted();
    const completes = async (typed: string, wanted: RegExp): Promise<void> => {
      terminal.type(`${typed}\t`);
      await terminal.waitFor(() => wanted.test(line()), `${typed} and Tab`, WAIT_MS);
      terminal.type('\x15');
      await prompted();
    };
    await completes('rackui disc', /rackui discover$/);
    await completes('rackui plan res', /rackui plan resume$/);
    await completes('rackui discover --wr', /rackui discover --write/);
    await completes('rackui --config ./x.yaml plan run shed-d', /plan run shed-dev/);
    await completes('rackui serve --record fi', /--record file-one\.yaml/);
    await completes('rackui demo --rack fi', /--rack file-one\.yaml/);
    await completes('rackui outage drill --nodes work', /--nodes worker-/);
  });
});
