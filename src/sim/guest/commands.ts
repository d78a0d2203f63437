/**
 * The commands of a guest's shell: those that only print a text, `top` as an example of a full-screen program, and
 * `stress` for load.
 */
import { UNAME } from './boot.ts';
import { absolute, files, HOME, list } from './files.ts';
import { type Command, type CommandTable, type Context, dateText, type Machine, uptimeText } from './machine.ts';
import { POWER_COMMANDS } from './power-commands.ts';

const REFRESH_MS = 3_000;

const TASKS: readonly (readonly [number, string, number, number, string])[] = [
  [812, 'root', 3.7, 4.1, 'kubelet'],
  [640, 'root', 1.3, 2.2, 'containerd'],
  [1123, 'pi', 0.7, 0.1, 'top'],
  [412, 'root', 0.3, 0.9, 'NetworkManager'],
  [1, 'root', 0.0, 0.2, 'systemd'],
  [241, 'root', 0.0, 0.3, 'systemd-journal'],
  [588, 'root', 0.0, 0.1, 'sshd'],
  [655, 'message+', 0.0, 0.1, 'dbus-daemon'],
  [1120, 'pi', 0.0, 0.1, 'bash'],
];

const top: Command = {
  help: 'processes, full screen; q leaves',
  run: (context) => {
    context.print('\x1b[?1h\x1b=\x1b[?25l\x1b[H\x1b[2J');
    const draw = (): void => {
      context.print(screen(context));
      context.after(REFRESH_MS, draw);
    };
    draw();
    context.atExit(() => context.print(`\x1b[?1l\x1b>\x1b[${context.machine.size.rows};1H\x1b[K\x1b[?25h\n`));
    context.attend({
      receive: (byte) => {
        if (byte === 0x71 || byte === 0x03) context.exit(0);
        else if (byte === 0x20 || byte === 0x0d) context.print(screen(context));
      },
    });
    return undefined;
  },
};

function screen({ machine }: Context): string {
  const { rows, cols } = machine.size;
  const tick = Math.floor(machine.uptimeMs() / REFRESH_MS);
  const head = [
    `top - ${uptimeText(machine.uptimeMs(), machine.wallClock())}`,
    'Tasks: 148 total,   1 running, 147 sleeping,   0 stopped,   0 zombie',
    `%Cpu(s):  ${(2 + (tick % 5) / 2).toFixed(1)} us,  1.1 sy,  0.0 ni, 96.2 id,  0.1 wa,  0.0 hi,  0.1 si,  0.0 st`,
    'MiB Mem :   7811.0 total,   5283.4 free,    890.9 used,   1636.7 buff/cache',
    'MiB Swap:    512.0 total,    512.0 free,      0.0 used.   6834.1 avail Mem',
    '',
    `\x1b[7m${'    PID USER      %CPU  %MEM COMMAND'.padEnd(cols)}\x1b[0m`,
  ];
  const tasks = TASKS.map(([pid, user, cpu, mem, name], index) => {
    const load = cpu === 0 ? 0 : cpu + ((tick + index) % 4) / 3;
    return `${String(pid).padStart(7)} ${user.padEnd(8)} ${load.toFixed(1).padStart(5)} ${mem.toFixed(1).padStart(5)} ${name}`;
  });
  const lines = [...head, ...tasks].slice(0, rows);
  return `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`;
}

const CPUS = 4;

/** `stress [--cpu N] [--timeout S]`: raises the current, then the fan. */
const stress: Command = {
  help: 'load: stress [--cpu N] [--timeout S]',
  run: (context, args) => {
    const value = (name: string, otherwise: number): number => {
      const index = args.indexOf(name);
      return index < 0 ? otherwise : Number.parseInt(args[index + 1] ?? '', 10) || otherwise;
    };
    const cpus = Math.min(CPUS, value('--cpu', CPUS));
    const seconds = value('--timeout', 0);
    context.print(`stress: info: [2113] dispatching hogs: ${cpus} cpu, 0 io, 0 vm, 0 hdd\n`);
    context.machine.setStress(cpus / CPUS);
    context.atExit(() => context.machine.setStress(0));
    if (seconds > 0)
      context.after(seconds * 1000, () => {
        context.print(`stress: info: [2113] successful run completed in ${seconds}s\n`);
        context.exit(0);
      });
    return undefined;
  },
};

/** Characters of an endless text that a pipeline takes, and the status of the program that printed it. */
const PIPED = 128 * 1024;
const SIGPIPE = 141;

/** Output of `ps`. */
const PROCESSES = `    PID TTY          TIME CMD
   1120 ttyS0    00:00:00 bash
   2114 ttyS0    00:00:00 ps
`;

/** Returns a command that prints one text. */
const textCommand = (
  help: string,
  text: (context: Context, args: readonly string[]) => string,
): CommandTable[string] => ({
  help,
  run: (context, args) => {
    context.print(text(context, args));
    return 0;
  },
});

const TEXT_COMMANDS: CommandTable = {
  help: textCommand('this list', () => helpText()),
  hostname: textCommand("the machine's name", ({ machine }) => `${machine.hostname}\n`),
  whoami: textCommand('who runs this', ({ user }) => `${user}\n`),
  date: textCommand('date and time', ({ machine }) => `${dateText(machine.wallClock())}\n`),
  uname: textCommand('the kernel', ({ machine }, [flag]) => {
    if (flag === '-a') return `Linux ${machine.hostname} ${UNAME} aarch64 GNU/Linux\n`;
    if (flag === '-r') return `${UNAME.split(' ')[0] ?? ''}\n`;
    if (flag === '-n') return `${machine.hostname}\n`;
    return 'Linux\n';
  }),
  uptime: textCommand(
    'how long it has been up',
    ({ machine }) => ` ${uptimeText(machine.uptimeMs(), machine.wallClock())}\n`,
  ),
  dmesg: textCommand("the kernel's messages", ({ machine }) =>
    machine
      .kernelLog()
      .map((line) => `${line}\n`)
      .join(''),
  ),
  echo: textCommand('its words', (_context, args) => `${args.join(' ')}\n`),
  printf: textCommand('its words, with \\n and the like', (_context, [text = '']) =>
    text.replace(/\\([nrte])/g, (_whole, char: string) => ({ n: '\n', r: '\r', t: '\t' })[char] ?? '\x1b'),
  ),
  pwd: textCommand('the directory', ({ cwd }) => `${cwd}\n`),
  id: textCommand('user and groups', ({ user }, [flag]) =>
    flag === '-u'
      ? `${user === 'root' ? 0 : 1000}\n`
      : user === 'root'
        ? 'uid=0(root) gid=0(root) groups=0(root)\n'
        : `uid=1000(${user}) gid=1000(${user}) groups=1000(${user}),20(dialout),27(sudo)\n`,
  ),
  tty: textCommand('the terminal', () => '/dev/ttyS0\n'),
  free: textCommand(
    'memory',
    () =>
      '               total        used        free      shared  buff/cache   available\nMem:         7998512      912344     5410220        9012     1675948     6998104\nSwap:         524284           0      524284\n',
  ),
  vcgencmd: textCommand('temperature', () => "temp=48.2'C\n"),
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
      if (args.length === 0 && context.input !== null) context.print(context.input);
      // Without a file it reads the terminal, until ^C or ^D.
      return args.length > 0 || context.input !== null ? status : undefined;
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

const FILTERS: CommandTable = {
  head: {
    help: '-c BYTES or -n LINES of its input',
    run: (context, [flag = '-n', count = '10']) => {
      const input = context.input ?? '';
      if (flag === '-c') context.print(Buffer.from(input).subarray(0, Number(count)).toString());
      else
        context.print(
          input
            .split(/(?<=\n)/)
            .slice(0, Number(count))
            .join(''),
        );
      return 0;
    },
  },
  sed: {
    help: 's/PATTERN/TEXT/ on each line of its input',
    run: (context, [program = '']) => {
      const [, pattern = '', text = ''] = /^s\/(.*)\/(.*)\/$/.exec(program) ?? [];
      const lines = (context.input ?? '').split(/(?<=\n)/);
      context.print(lines.map((line) => line.replace(new RegExp(pattern), text)).join(''));
      return 0;
    },
  },
};

const TERMINAL_COMMANDS: CommandTable = {
  clear: textCommand('an empty screen', () => '\x1b[H\x1b[2J\x1b[3J'),
  reset: textCommand('a terminal as new', () => '\x1bc'),
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
  exit: { help: 'leaves', run: leave },
  logout: { help: 'leaves', run: leave },
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
      if (context.piped) {
        context.print(`${word}\n`.repeat(PIPED / (word.length + 1)));
        return SIGPIPE;
      }
      context.machine.stream(() => `${word}\n`);
      context.atExit(() => context.machine.stream(null));
      return undefined;
    },
  },
  ps: textCommand('processes', () => PROCESSES),
  top,
  stress,
};

export const COMMANDS: CommandTable = {
  ...TEXT_COMMANDS,
  ...FILE_COMMANDS,
  ...FILTERS,
  ...TERMINAL_COMMANDS,
  ...POWER_COMMANDS,
};

/** Returns `/proc/uptime`: the uptime, and the idle time of all processors together, seconds. */
function procUptime({ machine }: Context): string {
  const seconds = machine.uptimeMs() / 1000;
  return `${seconds.toFixed(2)} ${(seconds * 3.9).toFixed(2)}\n`;
}

function leave(context: Context, [status]: readonly string[]): undefined {
  context.leaveShell(status === undefined ? undefined : Number(status) & 0xff);
}

function helpText(): string {
  const rows = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(10)} ${help}`);
  return `This is a simulated machine. It knows:\n${rows.sort().join('\n')}\n`;
}

/** Executes one of the kernel's rescue keys. */
export function sysrq(machine: Machine, key: string): void {
  const keys: Record<string, () => void> = {
    s: () => {
      machine.kernel('sysrq: Emergency Sync');
      machine.kernel('Emergency Sync complete');
    },
    u: () => {
      machine.kernel('sysrq: Emergency Remount R/O');
      machine.kernel('Emergency Remount complete');
    },
    m: () => {
      machine.kernel('sysrq: Show Memory');
      machine.kernel('Mem-Info:');
      machine.kernel('active_anon:18231 inactive_anon:402 isolated_anon:0');
    },
    w: () => machine.kernel('sysrq: Show Blocked State'),
    o: () => machine.endAtOnce('poweroff'),
    b: () => machine.endAtOnce('reboot'),
  };
  keys[key]?.();
}
