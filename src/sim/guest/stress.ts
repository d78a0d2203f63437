/** Load on a guest, and who causes it. */
import type { Command } from './context.ts';

const CPUS = 4;

/** `stress [--cpu N] [--timeout S]`: the current rises, then the fan. */
export const stress: Command = {
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

/** What `ps` prints. */
export const PROCESSES = `    PID TTY          TIME CMD
   1120 ttyS0    00:00:00 bash
   2114 ttyS0    00:00:00 ps
`;
