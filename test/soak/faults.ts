/** Every fault of the simulator that hands, noise or a broken part could cause, as a soak and the table of faults use them. */

export interface Fault {
  name: string;
  /** Where it sits: on the bus or its line, in one BMC, in the guest behind it. */
  of: 'bus' | 'bmc' | 'guest';
  /** What has to be so before. */
  before?: Step[];
  verb: string;
  params: (node: string, random: () => number) => Record<string, unknown>;
  /** What ends it where `clear` does not. */
  end?: Step[];
}

interface Step {
  verb: string;
  params: (node: string) => Record<string, unknown>;
}

const none = (): Record<string, unknown> => ({});
const on = (node: string): Record<string, unknown> => ({ node });
/** Four on one blade: more than its regulator can start at once. */
const BLADE = '04,05,06,07';
const step = (verb: string, params: Record<string, unknown>): Step => ({ verb, params: () => params });
const power = (state: 'on' | 'off') => ({ verb: 'power', params: (node: string) => ({ node, state }) });

export const FAULTS: readonly Fault[] = [
  { name: 'unplugged', of: 'bus', verb: 'unplug', params: none, end: [{ verb: 'replug', params: none }] },
  { name: 'a pipe left open', of: 'bus', verb: 'wedge', params: on },
  { name: 'locked again', of: 'bus', verb: 'lock', params: none },
  { name: 'deaf bus', of: 'bus', verb: 'mute', params: none },
  { name: 'noise', of: 'bus', verb: 'noise', params: (_node, random) => ({ chance: 0.2 + random() * 0.6 }) },
  {
    name: 'a fifth of all replies torn',
    of: 'bus',
    verb: 'torn-replies',
    params: () => ({ share: 0.2 }),
    end: [step('torn-replies', { share: 0 })],
  },
  {
    name: 'mains fail',
    of: 'bus',
    verb: 'mains',
    params: () => ({ on: 'off' }),
    end: [step('mains', { on: 'on' }), step('power', { node: 'all', state: 'on' })],
  },
  {
    name: 'mains fail, then the battery is empty',
    of: 'bus',
    before: [step('battery', { wh: 0.1 })],
    verb: 'mains',
    params: () => ({ on: 'off' }),
    end: [step('mains', { on: 'on' }), step('battery', { wh: 0 }), step('power', { node: 'all', state: 'on' })],
  },
  {
    name: 'a blade starts all at once: brown-out',
    of: 'bus',
    before: [step('supply', { on: 'on', blade: 36 }), step('power', { node: BLADE, state: 'off' })],
    verb: 'power',
    params: () => ({ node: BLADE, state: 'on' }),
    end: [step('supply', { on: 'off' })],
  },
  { name: 'silent BMC', of: 'bmc', verb: 'silent', params: on },
  {
    name: 'garbled replies',
    of: 'bmc',
    verb: 'garble',
    params: (node, random) => ({ node, share: 0.1 + random() * 0.4 }),
  },
  { name: 'torn replies', of: 'bmc', verb: 'torn', params: on },
  {
    name: 'slow BMC',
    of: 'bmc',
    verb: 'slow',
    params: (node, random) => ({ node, ms: Math.round(20 + random() * 600) }),
  },
  {
    name: 'replies under another address',
    of: 'bmc',
    verb: 'wrong-id',
    params: (node) => ({ node, as: node === '05' ? '06' : '05' }),
  },
  { name: 'off ignored', of: 'bmc', verb: 'off-ignored', params: on },
  { name: 'on ignored', of: 'bmc', verb: 'on-ignored', params: on },
  {
    name: 'off reported late',
    of: 'bmc',
    verb: 'off-late',
    params: (node, random) => ({ node, ms: Math.round(200 + random() * 800) }),
  },
  { name: 'console does not come up', of: 'bmc', verb: 'console-ignored', params: on },
  { name: 'disabled', of: 'bmc', verb: 'disabled', params: on, end: [power('on')] },
  {
    name: 'power taken by hand',
    of: 'bmc',
    verb: 'power',
    params: (node) => ({ node, state: 'off' }),
    end: [power('on')],
  },
  { name: 'guest hangs', of: 'guest', verb: 'hang', params: on },
  { name: 'kernel panic', of: 'guest', verb: 'panic', params: on, end: [power('off'), power('on')] },
  { name: 'kernel messages without end', of: 'guest', verb: 'flood', params: on },
  { name: 'no getty', of: 'guest', verb: 'no-getty', params: on },
  { name: 'shutdown never ends', of: 'guest', verb: 'shutdown-hangs', params: on },
  {
    name: 'a long stop job',
    of: 'guest',
    verb: 'stop-job',
    params: (node) => ({ node, seconds: 20 }),
  },
  { name: 'file systems stay busy', of: 'guest', verb: 'dirty', params: on },
  { name: 'reboots instead', of: 'guest', verb: 'reboots-instead', params: on },
  { name: 'bootloader after the halt', of: 'guest', verb: 'firmware-after-halt', params: on },
  { name: 'draws as idle when halted', of: 'guest', verb: 'halt-draws-idle', params: on },
  { name: 'inhibited', of: 'guest', verb: 'inhibited', params: on },
  { name: 'sudo asks', of: 'guest', verb: 'sudo-password', params: on },
  { name: 'pipe falls shut', of: 'bus', verb: 'drop-pipe', params: none },
  { name: 'current swings', of: 'bmc', verb: 'jitter', params: on },
  { name: 'current at the sensor’s end', of: 'bmc', verb: 'saturated', params: on },
  { name: 'current reads 0', of: 'bmc', verb: 'shows-current', params: (node) => ({ node, counts: '0' }) },
  { name: 'fan reads 0', of: 'bmc', verb: 'shows-fan', params: (node) => ({ node, counts: '0' }) },
  { name: 'console dead', of: 'guest', verb: 'console-dead', params: on },
  { name: 'kernel stumbles', of: 'guest', verb: 'oops', params: on },
  { name: 'root goes read-only', of: 'guest', verb: 'read-only', params: on },
  { name: 'quotes an old halt', of: 'guest', verb: 'quotes-log', params: on },
  {
    name: 'a user claims a halt',
    of: 'guest',
    verb: 'claims',
    params: (node) => ({ node, text: 'reboot: Power down' }),
  },
  { name: 'last line in pieces', of: 'guest', verb: 'split-marker', params: on },
  { name: 'last line in colour', of: 'guest', verb: 'colour-marker', params: on },
  {
    name: 'another’s host name',
    of: 'guest',
    verb: 'hostname',
    params: (node) => ({ node, name: 'stranger' }),
    // Until its console has shown its own name again, the server knows the other one, and rightly cuts nothing.
    end: [power('off'), power('on')],
  },
  { name: 'another password', of: 'guest', verb: 'password', params: (node) => ({ node, word: 'changed' }) },
  { name: 'its start ends early', of: 'guest', verb: 'boot-stops', params: (node) => ({ node, where: 'emergency' }) },
  { name: 'network gone', of: 'guest', verb: 'network', params: (node) => ({ node, state: 'gone' }) },
  { name: 'shutdown without words', of: 'guest', verb: 'shutdown-style', params: (node) => ({ node, style: 'quiet' }) },
];
