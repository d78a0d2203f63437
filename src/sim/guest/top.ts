/** `top`: a full-screen program as they all are, with cursor addressing, inverse video and its own keys. */
import { uptimeText } from './times.ts';
import type { Command, Context } from './context.ts';

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

export const top: Command = {
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
