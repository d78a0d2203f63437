/** Operations as a server tells of them, for the screens that show them. Their data is a server's, so it is written out. */
import type { Evidence, NodeProgress, Operation, Phase } from '../../src/api/power.ts';
import type { Address } from '../../src/rack/address.ts';
import { NOW, RACK } from './scene.ts';

const evidence = (secondsAgo: number, kind: string, text: string): Evidence => ({
  at: NOW - secondsAgo * 1000,
  kind,
  text,
});

export function progress(addr: Address, phase: Phase, over: Partial<NodeProgress> = {}): NodeProgress {
  const name = RACK.nodes.find((node) => node.addr === addr)?.name ?? '';
  const base = { addr, name, phase, since: NOW - 12_000, until: null, detail: '' };
  return { ...base, evidence: [], question: null, outcome: null, ...over };
}

const operation = (nodes: NodeProgress[], over: Partial<Operation> = {}): Operation => ({
  ...{
    id: 'op-7',
    verb: 'off',
    label: nodes.length === 1 ? (nodes[0]?.name ?? '') : 'marked',
    by: 'ada from 10.0.0.7',
  },
  ...{ startedAt: NOW - 40_000, endedAt: null, nodes },
  ...over,
});

const ASKED = [
  evidence(39, 'identity', 'its BMC answered (on, 31 ct, fan 112 ct)'),
  evidence(30, 'host', 'its console calls itself k8s-worker-04'),
  evidence(29, 'request', '‘sudo systemctl poweroff’ was typed at its shell prompt'),
  evidence(28, 'ack', 'The system will power off now!'),
];

/** One node on its way down. */
export function running(): Operation {
  const detail = 'is shutting down; it waits for kubelet.service';
  return operation([progress(0x03, 'stopping', { until: NOW + 168_000, detail, evidence: ASKED })]);
}

/** One that ended well, two minutes ago. */
export function ended(): Operation {
  const proof = [
    evidence(124, 'marker', '[  312.345678] reboot: Power down'),
    evidence(118, 'verified', 'two status replies say off (off, 0 ct; off, 0 ct)'),
  ];
  const node = progress(0x05, 'ended', { outcome: 'done', detail: 'off, verified twice', evidence: proof });
  return operation([node], { id: 'op-6', label: node.name, startedAt: NOW - 190_000, endedAt: NOW - 118_000 });
}

/** A shutdown that stalled: the machine may not decide alone. */
export function asking(addr: Address = 0x03): Operation {
  const { name } = progress(addr, 'asking');
  const text = `The shutdown of ${name} does not end (kubelet.service, 1min 30s of 3min).`;
  const choice = (key: string, label: string): { key: string; label: string; danger: boolean; confirm: null } => ({
    ...{ key, label, danger: false, confirm: null },
  });
  const choices = [
    choice('wait', 'wait 60 s more'),
    choice('retry', 'try again'),
    choice('console', 'shut it down manually on its console; rackui watches for the halt'),
    choice('leave', 'leave it on'),
    { key: 'force', label: 'cut its power now', danger: true, confirm: name },
  ];
  const question = { id: 'q1', text, since: NOW - 5000, choices };
  return operation([
    progress(addr, 'asking', { since: NOW - 5000, until: NOW + 55_000, detail: text, question, evidence: ASKED }),
    progress(0x07, 'waiting', { detail: 'waits for the console' }),
  ]);
}

const MARKER = evidence(20, 'marker', '[  312.345678] reboot: Power down');

/** The whole rack at once, in every phase there is, one of them asking. */
export function twentyFour(): Operation {
  const phases: Phase[] = ['waiting', 'preflight', 'request', 'acknowledged', 'stopping', 'settle', 'cut', 'verify'];
  const nodes = RACK.nodes.map(({ addr, name }): NodeProgress => {
    if (addr === 0)
      return progress(addr, 'ended', {
        outcome: 'refused',
        detail: `${name} (A-0, 00) manages this bus: cutting its power would end the bus and this program`,
      });
    if (addr < 8) {
      // One of them by composite signs, the others by their last line.
      const sign = addr === 5 ? evidence(20, 'grade', 'B: its network has not answered for 110 s') : MARKER;
      return progress(addr, 'ended', { outcome: 'done', detail: 'off, verified twice', evidence: [sign] });
    }
    if (addr === 0x0c) return { ...progress(addr, 'asking'), ...question(addr, name) };
    const phase = phases[addr % phases.length] ?? 'waiting';
    const until = phase === 'stopping' ? NOW + 168_000 : null;
    return progress(addr, phase, { until, detail: phase === 'waiting' ? '' : 'is on its way' });
  });
  return operation(nodes, { id: 'op-9', label: 'all' });
}

function question(addr: Address, name: string): Partial<NodeProgress> {
  const asked = asking().nodes[0]?.question ?? null;
  if (asked === null) return {};
  const choices = asked.choices.map((choice) => ({ ...choice, confirm: choice.confirm === null ? null : name }));
  const text = `The shutdown of ${name} does not end (kubelet.service, 1min 30s of 3min).`;
  return { addr, name, detail: text, until: NOW + 55_000, question: { ...asked, text, choices } };
}
