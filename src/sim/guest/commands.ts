/** What the shell of a guest knows: the commands that only print, and the tables of the others. */
import type { CommandTable, Context } from './context.ts';
import { UNAME } from './boot-log.ts';
import { absolute, files, HOME, list } from './files.ts';
import { POWER_COMMANDS } from './power-commands.ts';
import { dateText, uptimeText } from './times.ts';
import { top } from './top.ts';
import { PROCESSES, stress } from './stress.ts';

/** A command that prints one text. */
const says = (help: string, text: (context: Context, args: readonly string[]) => string): CommandTable[string] => ({
  help,
  run: (context, args) => {
    context.print(text(context, args));
    return 0;
  },
});

const TEXT_COMMANDS: CommandTable = {
  help: says('this list', () => helpText()),
  hostname: says("the machine's name", ({ machine }) => `${machine.hostname}\n`),
  whoami: says('who runs this', ({ user }) => `${user}\n`),
  date: says('date and time', ({ machine }) => `${dateText(machine.wallClock())}\n`),
  uname: says('the kernel', ({ machine }, [flag]) => {
    if (flag === '-a') return `Linux ${machine.hostname} ${UNAME} aarch64 GNU/Linux\n`;
    if (flag === '-r') return `${UNAME.split(' ')[0] ?? ''}\n`;
    if (flag === '-n') return `${machine.hostname}\n`;
    return 'Linux\n';
  }),
  uptime: says('how long it has been up', ({ machine }) => ` ${uptimeText(machine.uptimeMs(), machine.wallClock())}\n`),
  dmesg: says("the kernel's messages", ({ machine }) =>
    machine
      .kernelLog()
      .map((line) => `${line}\n`)
      .join(''),
  ),
  echo: {
    help: 'its words',
    run: (context, args) => {
      const [text, file] = args.join(' ').split(/ > ?/);
      if (file === '/proc/sysrq-trigger') return sysrq(context, text?.trim() ?? '');
      context.print(`${text ?? ''}\n`);
      return 0;
    },
  },
  pwd: says('the directory', ({ cwd }) => `${cwd}\n`),
  id: says('user and groups', ({ user }, [flag]) =>
    flag === '-u'
      ? `${user === 'root' ? 0 : 1000}\n`
      : user === 'root'
        ? 'uid=0(root) gid=0(root) groups=0(root)\n'
        : `uid=1000(${user}) gid=1000(${user}) groups=1000(${user}),20(dialout),27(sudo)\n`,
  ),
  tty: says('the terminal', () => '/dev/ttyS0\n'),
  free: says(
    'memory',
    () =>
      '               total        used        free      shared  buff/cache   available\nMem:         7998512      912344     5410220        9012     1675948     6998104\nSwap:         524284           0      524284\n',
  ),
  vcgencmd: says('temperature', () => "temp=48.2'C\n"),
  true: { help: 'succeeds', run: () => 0 },
  false: { help: 'fails', run: () => 1 },
  sync: { help: 'writes what is pending', run: () => 0 },
};

const FILE_COMMANDS: CommandTable = {
  ls: {
    help: 'files here, or in a directory',
    run: (context, args) => {
      const path = absolute(args.find((arg) => !arg.startsWith('-')) ?? '.', context.cwd);
      const names = list(path, context.machine.hostname);
      if (names) context.print(names.length > 0 ? `${names.join('  ')}\n` : '');
      else if (path !== HOME) {
        context.print(`ls: cannot access '${args.at(-1) ?? path}': No such file or directory\n`);
        return 2;
      }
      return 0;
    },
  },
  cat: {
    help: "a file's content",
    run: (context, args) => {
      let status = 0;
      for (const arg of args) {
        const path = absolute(arg, context.cwd);
        const text = path === '/proc/uptime' ? procUptime(context) : files(context.machine.hostname)[path];
        if (text === undefined) status = 1;
        context.print(text ?? `cat: ${arg}: No such file or directory\n`);
      }
      // Without a file it reads the terminal, until ^C or ^D.
      return args.length > 0 ? status : undefined;
    },
  },
  cd: {
    help: 'another directory',
    run: (context, [path = HOME]) => {
      const next = absolute(path, context.cwd);
      if (list(next, context.machine.hostname) === null && next !== '/root') {
        context.print(`-bash: cd: ${path}: No such file or directory\n`);
        return 1;
      }
      context.cwd = next;
      return 0;
    },
  },
};

const TERMINAL_COMMANDS: CommandTable = {
  clear: says('an empty screen', () => '\x1b[H\x1b[2J\x1b[3J'),
  reset: says('a terminal as new', () => '\x1bc'),
  stty: {
    help: 'rows N cols N; size',
    run: ({ machine }, args) => {
      for (const name of ['rows', 'cols'] as const) {
        const value = Number(args[args.indexOf(name) + 1]);
        if (args.includes(name) && value > 0) machine.size[name] = value;
      }
      if (args[0] === 'size') machine.print(`${machine.size.rows} ${machine.size.cols}\n`);
      return 0;
    },
  },
  exit: { help: 'leaves', run: (context) => leave(context, 'logout') },
  logout: { help: 'leaves', run: (context) => leave(context, 'logout') },
  sleep: {
    help: 'waits so many seconds',
    run: (context, [seconds = '1']) => {
      context.after(Number(seconds) * 1000 || 0, () => context.exit(0));
      return undefined;
    },
  },
  yes: {
    help: 'text without end, until ^C',
    run: (context, [word = 'y']) => {
      context.machine.stream(() => `${word}\n`);
      context.atExit(() => context.machine.stream(null));
      return undefined;
    },
  },
  ps: says('processes', () => PROCESSES),
  top,
  stress,
};

export const COMMANDS: CommandTable = { ...TEXT_COMMANDS, ...FILE_COMMANDS, ...TERMINAL_COMMANDS, ...POWER_COMMANDS };

/** Up, and idle on all processors together; seconds. */
function procUptime({ machine }: Context): string {
  const seconds = machine.uptimeMs() / 1000;
  return `${seconds.toFixed(2)} ${(seconds * 3.9).toFixed(2)}\n`;
}

function leave(context: Context, word: string): undefined {
  context.leaveShell(word);
}

function helpText(): string {
  const rows = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(10)} ${help}`);
  return `This is a simulated machine. It knows:\n${rows.sort().join('\n')}\n`;
}

/** The kernel's rescue keys, for root. */
function sysrq({ machine, user }: Context, key: string): number {
  if (user !== 'root') {
    machine.print('-bash: /proc/sysrq-trigger: Permission denied\n');
    return 1;
  }
  const keys: Record<string, () => void> = {
    s: () => {
      machine.kernel('sysrq: Emergency Sync');
      machine.kernel('Emergency Sync complete');
    },
    u: () => {
      machine.kernel('sysrq: Emergency Remount R/O');
      machine.kernel('Emergency Remount complete');
    },
    o: () => machine.endAtOnce('poweroff'),
    b: () => machine.endAtOnce('reboot'),
  };
  keys[key]?.();
  return 0;
}
