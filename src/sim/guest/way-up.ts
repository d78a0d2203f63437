/** A Linux on its way up: the bootloader's and the kernel's lines in their time, to a login or to where it gets stuck. */
import { bootLog, LOGIN_AT_MS, promptAt } from './boot-log.ts';
import type { GuestFaults } from './faults.ts';
import { LineInput } from './line-input.ts';
import type { Reader } from './machine.ts';

export interface Ascending {
  readonly faults: GuestFaults;
  readonly hostname: string;
  print(text: string): void;
  after(ms: number, run: () => void): () => void;
  /** The kernel runs, and this is in its log. */
  booting(line: string): void;
  /** The way ends here; `reader` has the console, if anybody. */
  stuck(reader: Reader | null): void;
}

/** `done` is called when it is up. Power has just come. */
export function comeUp(machine: Ascending, done: () => void): void {
  const stop = machine.faults.bootStops;
  for (const { at, text, kernel } of bootLog(machine.hostname, stop))
    machine.after(at, () => {
      if (kernel) machine.booting(text);
      // `quiet` keeps kernel and systemd off the console, not the bootloader.
      if (machine.faults.style !== 'quiet' || !text.startsWith('[')) machine.print(`${text}\n`);
    });
  machine.after(LOGIN_AT_MS, () => {
    if (stop === null) done();
    else stickAt(machine, promptAt(stop) ?? '');
  });
}

/** A prompt that leads nowhere: whatever is typed brings it again. */
function stickAt(machine: Ascending, prompt: string): void {
  const print = (text: string): void => machine.print(text);
  const deaf = prompt === '';
  const line = (): void => print(prompt);
  machine.stuck(deaf ? null : new LineInput({ print, echo: true, line, interrupt: () => print(`\n${prompt}`) }));
  if (!deaf) print(prompt);
}
