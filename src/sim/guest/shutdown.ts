/**
 * Plays the shutdown of a Linux to the kernel's last line: a script for each init system in its own wording (systemd,
 * BusyBox, OpenRC), with systemd's status line for a service that does not stop, which it paints over and over.
 */
import { okLine } from './boot.ts';
import type { GuestFaults, ShutdownStyle } from './faults.ts';
import { OLD_HALT } from './files.ts';
import { type Ending, stamp } from './machine.ts';

/** One step: `text` is printed `after` milliseconds after the step before. */
export interface ShutdownStep {
  after: number;
  text: string;
  /** A kernel message gets its time stamp when it is printed. */
  kernel?: true;
  /** Side effect: the console's session ends, or the script waits for a service that stops slowly. */
  then?: 'session-ends' | 'stop-job';
}

export interface ShutdownScene {
  how: Ending;
  style: ShutdownStyle;
  hostname: string;
  /** Terminal and date of the request, for the wall message. */
  from: string;
  date: string;
  dirty: boolean;
  /** The root file system is read-only because of an error. */
  readOnly: boolean;
  /** A program on the console quotes an old log meanwhile. */
  quotesLog: boolean;
}

const step = (after: number, text: string, then?: ShutdownStep['then']): ShutdownStep =>
  then === undefined ? { after, text } : { after, text, then };
const ok = (after: number, text: string): ShutdownStep => step(after, `${okLine(text)}\n`);
const kernel = (after: number, text: string): ShutdownStep => ({ after, text, kernel: true });

/** Returns the steps in order. */
export function shutdownScript(scene: ShutdownScene): ShutdownStep[] {
  const steps = stepsOf(scene);
  if (scene.readOnly)
    steps.push(
      kernel(
        40,
        'EXT4-fs error (device mmcblk0p2): ext4_journal_check_start:84: comm umount: Detected aborted journal',
      ),
    );
  if (scene.quotesLog) {
    const ended = steps.findIndex(({ then }) => then === 'session-ends');
    steps.splice(ended + 1, 0, step(200, OLD_HALT));
  }
  return steps;
}

function stepsOf(scene: ShutdownScene): ShutdownStep[] {
  switch (scene.style) {
    case 'systemd':
      return [wall(scene), ...units(scene), ...systemdShutdown(scene)];
    case 'quiet':
      return [wall(scene), step(300, '', 'session-ends'), step(900, '', 'stop-job'), step(1_900, '')];
    case 'busybox':
      return [
        step(60, 'The system is going down NOW!\n', 'session-ends'),
        step(500, 'Sent SIGTERM to all processes\n', 'stop-job'),
        step(1_000, 'Sent SIGKILL to all processes\n'),
        step(1_000, `Requesting system ${scene.how}\n`),
      ];
    case 'openrc':
      return [
        step(
          60,
          `\nBroadcast message from root@${scene.hostname} (ttyS0) (${scene.date}):\n\nThe system is going down for ${scene.how === 'reboot' ? 'reboot' : 'system halt'} NOW!\n`,
        ),
        step(300, ' * Stopping sshd ... [ ok ]\n', 'session-ends'),
        step(400, ' * Stopping containerd ... [ ok ]\n', 'stop-job'),
        step(300, ' * Deactivating swap devices ... [ ok ]\n'),
        step(300, scene.dirty ? ' * Unmounting /var/lib ... [ !! ]\n' : ' * Unmounting /var/lib ... [ ok ]\n'),
        step(300, ' * Remounting remaining filesystems read-only ... [ ok ]\n'),
      ];
  }
}

function wall({ how, hostname, from, date }: ShutdownScene): ShutdownStep {
  const what = { poweroff: 'power off', reboot: 'reboot', halt: 'halt' }[how];
  return step(
    60,
    `\n\nBroadcast message from root@${hostname} on ${from} (${date}):\n\nThe system will ${what} now!\n\n`,
  );
}

function units({ how }: ShutdownScene): ShutdownStep[] {
  const last = { poweroff: 'System Power Off', reboot: 'System Reboot', halt: 'System Halt' }[how];
  return [
    step(180, '         Stopping session-3.scope - Session 3 of User pi...\n'),
    ok(20, 'Removed slice system-modprobe.slice - Slice /system/modprobe.'),
    ok(20, 'Stopped target multi-user.target - Multi-User System.'),
    ok(10, 'Stopped target getty.target - Login Prompts.'),
    step(60, '         Stopping containerd.service - containerd container runtime...\n'),
    step(10, '         Stopping ssh.service - OpenBSD Secure Shell server...\n'),
    ok(80, 'Stopped ssh.service - OpenBSD Secure Shell server.'),
    ok(90, 'Stopped serial-getty@ttyS0.service - Serial Getty on ttyS0.'),
    { ...ok(60, 'Stopped session-3.scope - Session 3 of User pi.'), then: 'session-ends' },
    step(60, '', 'stop-job'),
    ok(240, 'Stopped containerd.service - containerd container runtime.'),
    ok(80, 'Stopped target network-online.target - Network is Online.'),
    ok(120, 'Stopped NetworkManager.service - Network Manager.'),
    ok(60, 'Stopped dbus.service - D-Bus System Message Bus.'),
    ok(100, 'Stopped target local-fs.target - Local File Systems.'),
    ok(120, 'Unmounted boot-firmware.mount - /boot/firmware.'),
    ok(40, 'Reached target umount.target - Unmount All Filesystems.'),
    ok(60, 'Reached target shutdown.target - System Shutdown.'),
    ok(20, 'Reached target final.target - Late Shutdown Services.'),
    ok(30, `Finished systemd-${how}.service - ${last}.`),
    ok(10, `Reached target ${how}.target - ${last}.`),
  ];
}

function systemdShutdown({ how, dirty }: ShutdownScene): ShutdownStep[] {
  const end = { poweroff: 'Powering off.', reboot: 'Rebooting.', halt: 'Halting system.' }[how];
  const manager = (after: number, text: string): ShutdownStep => kernel(after, `systemd-shutdown[1]: ${text}`);
  const unmounting = dirty
    ? [
        manager(60, 'Could not unmount /var/lib/containerd: Device or resource busy'),
        manager(90, 'Unable to finalize remaining file systems, ignoring.'),
      ]
    : [manager(90, 'All filesystems unmounted.')];
  return [
    manager(250, 'Syncing filesystems and block devices.'),
    manager(120, 'Sending SIGTERM to remaining processes...'),
    kernel(40, 'systemd-journald[241]: Received SIGTERM from PID 1 (systemd-shutdow).'),
    manager(300, 'Sending SIGKILL to remaining processes...'),
    manager(60, 'Unmounting file systems.'),
    kernel(20, "(sd-remount)[1123]: Remounting '/' read-only with options 'null'."),
    ...unmounting,
    manager(10, 'Deactivating swaps.'),
    manager(5, 'All swaps deactivated.'),
    manager(5, 'Detaching loop devices.'),
    manager(10, 'All loop devices detached.'),
    manager(60, 'Syncing filesystems and block devices.'),
    manager(180, end),
  ];
}

/** The kernel's last line for each ending. */
export const LAST_WORDS: Record<Ending, string> = {
  poweroff: 'reboot: Power down',
  halt: 'reboot: System halted',
  reboot: 'reboot: Restarting system',
};

/**
 * Splits a line as it reaches the UART when a slow driver or another message interrupts it. Three pieces at least, so
 * that the marker itself is torn, not only its line.
 */
function torn(line: string): string[] {
  const third = Math.ceil(line.length / 3);
  return [line.slice(0, third), line.slice(third, 2 * third), line.slice(2 * third)];
}

/** Colours the line, with its time stamp, as some loggers mark emergencies. */
function coloured(line: string): string {
  return line.replace(/^(\[[^\]]*\] )(.*)$/, '\x1b[32m$1\x1b[0m\x1b[1;31m$2\x1b[0m');
}

/** Interval of painting the line, ms. */
const STOP_JOB_STEP_MS = 1_000;
/** Default of systemd for a service. */
const LIMIT_MS = 90_000;
/** The marker that moves to and fro. */
const EYES = [
  '*    ',
  '**   ',
  '***  ',
  ' *** ',
  '  ***',
  '   **',
  '    *',
  '   **',
  '  ***',
  ' *** ',
  '***  ',
  '**   ',
];

/** Returns `[ ***  ] A stop job is running for containerd container runtime (4s / 1min 30s)`. */
function stopJobLine(elapsedMs: number): string {
  const eye = EYES[Math.floor(elapsedMs / STOP_JOB_STEP_MS) % EYES.length] ?? '';
  // A job that exceeds its limit has none, which 'no limit' means.
  const limit = elapsedMs < LIMIT_MS ? span(LIMIT_MS) : 'no limit';
  return `\r\x1b[K[\x1b[0;31m${eye}\x1b[0m ] A stop job is running for containerd container runtime (${span(elapsedMs)} / ${limit})`;
}

function span(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}min ${seconds % 60}s`;
}

/** Time from the last service's end to the kernel's last line, ms. */
const LAST_STEP_MS = 120;

export interface Descending {
  readonly faults: GuestFaults;
  print(text: string): void;
  /** Adds a kernel message to the log and prints it on the console. */
  kernel(text: string): void;
  /** Adds a kernel message to the log only; returns the line to print. */
  keep(text: string): string;
  after(ms: number, run: () => void): () => void;
  uptimeMs(): number;
  stopping(): void;
  sessionEnds(): void;
}

/** Plays the steps, and calls `done` at the end, unless the machine's shutdown hangs. */
export function goDown(machine: Descending, steps: readonly ShutdownStep[], done: () => void): void {
  const [step, ...rest] = steps;
  if (!step) {
    if (machine.faults.shutdownHangs) hang(machine);
    else machine.after(LAST_STEP_MS, done);
    return;
  }
  machine.after(step.after, () => {
    machine.stopping();
    if (step.kernel) machine.kernel(step.text);
    else machine.print(step.text);
    if (step.then === 'session-ends') machine.sessionEnds();
    if (step.then === 'stop-job') stopJob(machine, 0, () => goDown(machine, rest, done));
    else goDown(machine, rest, done);
  });
}

/** Waits for a process without end; prints the text of a user who is still there. */
function hang(machine: Descending): void {
  machine.kernel('systemd-shutdown[1]: Waiting for process: 1893 (containerd-shim)');
  const { claims } = machine.faults;
  if (claims !== null) machine.after(LAST_STEP_MS, () => machine.print(`${stamp(machine.uptimeMs())}${claims}\n`));
}

/** Prints the kernel's last line, whole or changed by the faults. */
export function printLastLine(machine: Descending, words: string, done: () => void): void {
  const { splitMs, coloured: inColour } = machine.faults;
  const line = machine.keep(words);
  const shown = inColour ? coloured(line) : line;
  const pieces = splitMs > 0 ? torn(shown) : [shown];
  pieces.forEach((piece, index) => {
    const last = index === pieces.length - 1;
    const print = (): void => {
      machine.print(last ? `${piece}\n` : piece);
      if (last) done();
    };
    if (index === 0) print();
    else machine.after(index * splitMs, print);
  });
}

/** Waits for a slow service, with systemd's status line; `elapsed` in ms. */
function stopJob(machine: Descending, elapsed: number, done: () => void): void {
  const total = machine.faults.stopJobS * 1000;
  if (elapsed >= total) {
    if (total > 0) machine.print('\r\x1b[K');
    done();
    return;
  }
  if (machine.faults.style === 'systemd') machine.print(stopJobLine(elapsed));
  machine.after(STOP_JOB_STEP_MS, () => stopJob(machine, elapsed + STOP_JOB_STEP_MS, done));
}
