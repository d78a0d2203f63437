/** Scenarios of the operating system behind the console: how it halts, and what keeps it from halting. */
import type { Scenario, Scene, Fault } from './scene.ts';

/** With these faults it is asked, seen to halt, and cut. */
function halts(says: string, ...faults: Fault[]): Scenario {
  return {
    says,
    play: async (scene) => {
      await scene.halts(...faults);
    },
  };
}

/** With these faults it becomes a question in these words, and stays on. */
export function asks(says: string, words: RegExp, ...faults: Fault[]): Scenario {
  return {
    says,
    play: async (scene) => {
      const addr = scene.fresh();
      await scene.ctl(addr, ...faults);
      const { id } = await scene.start('off', [addr]);
      await scene.asks(id, addr, words);
    },
  };
}

/** As {@link asks}, with something that happens while it stops. */
function asksWhileStopping(says: string, words: RegExp, happens: Fault[], ...faults: Fault[]): Scenario {
  return {
    says,
    play: async (scene) => {
      const addr = scene.fresh();
      await scene.ctl(addr, ['stop-job', { seconds: 60 }], ...faults);
      const { id } = await scene.start('off', [addr]);
      await scene.until(id, addr, ({ phase }) => phase === 'stopping');
      await scene.ctl(addr, ...happens);
      await scene.asks(id, addr, words);
    },
  };
}

/** A machine whose start ended early, and that is then asked to shut down. */
function stuck(says: string, where: string, words: RegExp): Scenario {
  return {
    says,
    play: async (scene) => {
      const addr = scene.fresh();
      await startAnew(scene, addr, where);
      const { id } = await scene.start('off', [addr]);
      await scene.asks(id, addr, words);
    },
  };
}

/** By hand in the rack, not by the bus: nothing of this is a cut. */
async function startAnew(scene: Scene, addr: number, where: string): Promise<void> {
  await scene.ctl(addr, ['boot-stops', { where }], ['power', { state: 'off' }], ['power', { state: 'on' }]);
  await scene.guest(addr, 'stuck');
}

export const HALTS: readonly Scenario[] = [
  halts('systemd', ['shutdown-style', { style: 'systemd' }]),
  halts('systemd, quiet', ['shutdown-style', { style: 'quiet' }]),
  halts('BusyBox', ['shutdown-style', { style: 'busybox' }]),
  halts('OpenRC', ['shutdown-style', { style: 'openrc' }]),
  halts('a stop job of 90 s', ['stop-job', { seconds: 90 }]),
  halts('the marker split over reads', ['split-marker', { ms: 6_000 }]),
  halts('the marker in colour', ['colour-marker']),
  halts('the marker in colour, split', ['colour-marker'], ['split-marker', { ms: 3_000 }]),
  halts('the bootloader speaks after the halt', ['firmware-after-halt']),
];

export const HALTS_ODDLY: readonly Scenario[] = [
  halts('halted, it draws what it draws when idle', ['halt-draws-idle']),
  halts('its current swings', ['jitter', { counts: 60 }]),
  halts('its current is at the sensor’s end', ['saturated']),
  halts('sudo asks for the password', ['sudo-password']),
  halts('off reported late', ['off-late', { ms: 700 }]),
  asks('file systems left dirty', /halted, but not cleanly/, ['dirty']),
  asks('a root file system that went read-only', /halted, but not cleanly/, ['read-only']),
  asks('a true reboot instead', /reboots instead/, ['reboots-instead']),
  asks('a quiet reboot instead', /reboots instead/, ['reboots-instead'], ['shutdown-style', { style: 'quiet' }]),
];

export const REFUSES: readonly Scenario[] = [
  asks('a wrong password', /login on node-.. failed/, ['password', { word: 'other' }]),
  asks('an inhibitor', /forbids the shutdown/, ['inhibited']),
  asks('another host’s name', /belongs to ‘elsewhere’/, ['hostname', { name: 'elsewhere' }]),
  asks('no getty', /./, ['no-getty']),
  asks('a system that hangs', /./, ['hang']),
  asks('a dead console, and no ssh', /./, ['console-dead']),
];

export const STALLS: readonly Scenario[] = [
  asks('a stop job without end', /does not end.*containerd/, ['stop-job', { seconds: 100_000 }]),
  asks('a shutdown that hangs in its last step', /does not end.*containerd-shim/, ['shutdown-hangs']),
  asks('the marker spoofed by `cat log`', /does not end/, ['quotes-log'], ['stop-job', { seconds: 100_000 }]),
  asks(
    'a last line that a user of the node prints while its shutdown hangs',
    /the machine is alive/,
    ['shutdown-hangs'],
    ['claims', { text: 'reboot: Power down' }],
  ),
  asks(
    'another last line, of a quiet shutdown',
    /the machine is alive/,
    ['shutdown-hangs'],
    ['shutdown-style', { style: 'quiet' }],
    ['claims', { text: 'reboot: System halted' }],
  ),
  // It is cut, but not for the quotation: for its own last line, a minute and a half of silence later.
  halts(
    'the same, and silence after it',
    ['quotes-log'],
    ['shutdown-style', { style: 'quiet' }],
    ['stop-job', { seconds: 90 }],
  ),
  asksWhileStopping('a panic on the way down', /panicked/, [['panic']]),
  asksWhileStopping('an oops on the way down', /halted, but not cleanly/, [['oops']]),
];

export const STUCK: readonly Scenario[] = [
  stuck('emergency mode', 'emergency', /reports an emergency/),
  stuck('the initramfs', 'initramfs', /reports an emergency/),
  stuck('fsck', 'fsck', /reports an emergency/),
  stuck('U-Boot', 'uboot', /reports an emergency/),
  stuck('a node that never boots', 'nothing', /./),
];
