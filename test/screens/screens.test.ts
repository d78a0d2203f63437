/** The interface's screens as goldens: what is shown, in which words, and what each cell means. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BusLogEntry, RawAnswer } from '../../src/api/bus.ts';
import type { PlanRun } from '../../src/api/plans.ts';
import type { PowerRequest, Refusal } from '../../src/api/power.ts';
import { History } from '../../src/rack/history.ts';
import { STALE_AFTER_MS, type Sample } from '../../src/rack/reading.ts';
import { resolveKeys } from '../../src/tui/keymap/key-table.ts';
import type { Overlay } from '../../src/tui/model/overlays.ts';
import { expectGolden, GOLDENS, TIERS } from './golden.ts';
import { asking, ended, running, twentyFour } from './operations.ts';
import { DONE, preview, run } from './plans.ts';
import { allClear, EVE, ME, MIXED, NOW, PAST_ALARMS, Scene, type SceneOptions } from './scene.ts';
import { SUPPLIES, TWO } from './supplies.ts';

const SMALL = { cols: 80, rows: 24 };
const WIDE = { cols: 160, rows: 50 };
const scene = (options: SceneOptions = SMALL): Scene => new Scene(options);

/** `p` and the verb's own key on the node with this address. */
const dialog = (size: SceneOptions, addr: string, verb: string): Scene => scene(size).keys(addr, 'p', verb);

const refused =
  (...refusals: Refusal[]) =>
  (request: PowerRequest) =>
    allClear(request).map((node) => ({ ...node, refusals, impact: [] }));

const SEVERAL: Refusal[] = [
  {
    rule: 'protected',
    message: 'k8s-worker-04 (A-3, 03) is protected in the configuration',
    override: 'remove `protected: true` from its entry in the configuration',
  },
  {
    rule: 'operation',
    message: 'k8s-worker-04 (A-3, 03) is in operation op-7',
    override: 'answer or abort op-7 first',
  },
  {
    rule: 'disabled',
    message: 'the BMC of k8s-worker-04 (A-3, 03) reports the node as disabled: it accepts no power verb',
    override: null,
  },
];

const CONSOLE_HELD: Refusal = {
  rule: 'console',
  message: 'eve types on the console of B-3, and shutting down k8s-worker-04 (A-3, 03) needs the one console there is',
  override: 'take the console',
};

const LOGIN = [
  '\x1b[2J\x1b[H[    1.204113] \x1b[32mOK\x1b[0m Reached target \x1b[1mMulti-User System\x1b[0m.\r\n',
  '\r\nDebian GNU/Linux 13 k8s-worker-04 ttyS0\r\n\r\n',
  'k8s-worker-04 login: pi\r\nPassword: \r\n',
  '\x1b[1;32mpi@k8s-worker-04\x1b[0m:\x1b[38;5;33m~\x1b[0m$ ls\r\n\x1b[34mnotes\x1b[0m  \x1b[7mtodo\x1b[0m  日本\r\n',
  'pi@k8s-worker-04:~$ ',
].join('');

const mixed = (size: SceneOptions): Scene => scene({ ...size, nodes: MIXED, sessions: [ME, EVE] });
const inConsole = (size: SceneOptions): Scene => scene(size).keys('03', '\r').attached(LOGIN);

/** A console whose first two lines are of unknown and of known time, and more of which came later. */
function timedConsole(size: SceneOptions): Scene {
  const times = Array.from({ length: 24 }, (_, y) => (y === 1 ? NOW - 7_200_000 : null));
  const joined = scene(size)
    .keys('03', '\r')
    .attached('restored from before\r\n[    0.000000] Booting Linux\r\n', { times });
  const later: [text: string, ago: number][] = [
    [
      '[    1.482911] EXT4-fs (mmcblk0p2): mounted filesystem with ordered data mode. Opts: (null). Quota mode: none.\r\n',
      42_000,
    ],
    ['\r\nk8s-worker-04 login: ', 41_363],
    ['pi\r\n', 3_000],
    ['Password: ', 2_980],
  ];
  for (const [text, ago] of later)
    joined.dispatch({ type: 'console.data', addr: 3, at: NOW - ago, data: Buffer.from(text).toString('base64') });
  return joined;
}

const EXCHANGES: BusLogEntry[] = Array.from({ length: 60 }, (_, n) => ({
  ...{ seq: n + 1, at: NOW - 60_000 + n * 973, ms: n % 9 === 4 ? null : 2.4 + (n % 5) },
  out: `[${(n % 24).toString(16).padStart(2, '0')}]|=\x07`,
  in: n % 9 === 4 ? '' : n % 13 === 7 ? '0\x9b\x1b]52;c;x\x07' : `04|=\r\n04 ff 1 26 ${10 + n}\r\n`,
  note: n === 50 ? '/dev/serial0 was opened' : null,
}));

/** The bus pane over a full log. */
function busPane(size: SceneOptions): Scene {
  const one = scene(size).keys('03', 'B');
  return one.dispatch({ type: 'bus-log', pane: one.overlayId, entries: EXCHANGES });
}

const saidByHand = (answer: RawAnswer): Scene => {
  const one = busPane(SMALL).keys('r').typed('#').keys('\r');
  return one.dispatch({ type: 'raw-answered', pane: one.overlayId, answer });
};

function refusedByHand(size: SceneOptions): Scene {
  const one = busPane(size).keys('r').typed('\\').keys('\r');
  const message = `\\ can switch power, connect or close: to send it to k8s-worker-04 (A-3, 03) confirm with 'k8s-worker-04'`;
  const data = [{ rule: 'confirmation', message: '', override: null }];
  return one.dispatch({ type: 'raw-refused', pane: one.overlayId, error: { code: 1, message, data } });
}

const pastAlarms = (size: SceneOptions): Scene =>
  mixed(size).keys('a', 'h').dispatch({ type: 'past-alarms', past: PAST_ALARMS });

/**
 * The detail pane over a day and more of one sample in 20 s: it was asked in vain for two hours, and nobody asked for
 * four.
 */
function detailOfDay(size: SceneOptions): Scene {
  const one = mixed(size).keys('03', 't', 't').detailed();
  const asked = one.effects.findLast((effect) => effect.do === 'detail');
  const { answer } = one.state.detail;
  if (asked?.do !== 'detail' || answer === null) throw new Error('no detail was asked for');
  const hours = (n: number): number => n * 3_600_000;
  const history = new History(20_000);
  for (let at = NOW - hours(30); at <= NOW; at += 20_000) {
    const ago = NOW - at;
    if (ago > hours(9) && ago < hours(13)) continue;
    const current = 30 + Math.round(8 * Math.sin(at / hours(2))) + (ago > hours(18) && ago < hours(19) ? 40 : 0);
    const sample: Sample = { power: 'on', current, fan: 100 + Math.round(current / 4), at, rttMs: 3 };
    history.record(at, ago > hours(3) && ago < hours(5) ? null : sample);
  }
  const points = history.series(NOW, asked.request.stepMs, asked.request.count);
  return one.dispatch({ type: 'detail', answer: { ...answer, points } });
}

const looking = (size: SceneOptions): Scene =>
  inConsole(size)
    .keys('\x1d', 'v')
    .dispatch({ type: 'looking', addr: 3, length: 24, cols: 80, x: 4, y: 7, search: false })
    .keys('v', 'l', 'l');

/** An own command that printed and failed. */
const ENDED = { type: 'program-ended', id: 1, why: 'exit code 1' } as const;
function ownCommand(): Scene {
  const made = mixed(SMALL);
  const run = ['kubectl', 'get', 'pods', '--all-namespaces', '--field-selector=spec.nodeName={name}'];
  const commands = [{ key: 'K', name: 'pods of the node', run, scope: 'node', confirm: true, limit: 60 } as const];
  const own = commands.map((one) => ({ ...one, run: [...one.run] }));
  made.state = { ...made.state, settings: { ...made.state.settings, commands: own, keys: resolveKeys({}, own).keys } };
  made.keys('K', 'y');
  const lines = ['NAMESPACE  NAME   READY', 'default    web-1  1/1', 'Unable to connect to the server'];
  return made.dispatch({ type: 'program-printed', id: 1, lines }).dispatch(ENDED);
}

/** A line for four consoles, which has run on the first two. */
function lineOnConsoles(size: SceneOptions): Scene {
  const made = mixed(size)
    .keys('03', ' ', '05', ' ', '06', ' ', '07', ' ', '$')
    .typed('uptime; systemctl is-system-running');
  made.keys('\r');
  const id = made.state.lineRun?.id ?? 0;
  const output = ' 09:26:14\tup 41 days, 2:10, 1 user, load average: 0.31\x1b[2J\n\ndegraded\n';
  const run = { addr: 3, by: 'console', code: 1, output, truncated: false, why: '', ms: 2100 } as const;
  made.dispatch({ type: 'line-ran', id, addr: 3, run });
  const error = { code: 2, message: 'dk8s-worker-02 (B-1, 05) is off: nothing was run', data: undefined };
  return made.dispatch({ type: 'line-failed', id, addr: 5, error });
}

const SCREENS: Record<string, () => Scene> = {
  'run-line': () => mixed(SMALL).keys('03', ' ', '06', ' ', '$').typed('uptime'),
  'run-table-80x24': () => lineOnConsoles(SMALL),
  'run-table-160x50': () => lineOnConsoles(WIDE).keys('j'),
  'run-output': () => lineOnConsoles(SMALL).keys('\r'),
  'run-abort': () => lineOnConsoles(SMALL).keys('\x1b'),
  'detail-of-a-day-160x50': () => detailOfDay(WIDE),
  'detail-of-a-day-240x70': () => detailOfDay({ cols: 240, rows: 70 }),
  people: () =>
    mixed(SMALL)
      .keys('03', '\r')
      .attached(LOGIN, { watchers: [EVE.id] })
      .keys('\x1d', 'u'),
  note: () => inConsole(SMALL).keys('\x1d', 'l').typed('disk was changed'),
  'own-command': () => ownCommand(),
  'own-command-asks': () => ownCommand().keys('\x1b').dispatch(ENDED).keys('K'),
  'consoles-80x24': () => mixed(SMALL).keys('c'),
  'consoles-160x50': () => inConsole(WIDE).keys('\x1d', 'c').typed('work'),
  'copy-mode': () => looking(SMALL),
  'copy-mode-search': () => looking(SMALL).keys('/').typed('login'),
  'map-80x24': () => mixed(SMALL),
  'map-120x40': () => mixed({ cols: 120, rows: 40 }),
  'events-80x24': () => mixed(SMALL).keys('e', 'k'),
  'events-160x50': () => mixed(WIDE).keys('e', 'f', 'f'),
  'alarms-80x24': () => mixed(SMALL).keys('a'),
  'alarms-160x50': () => mixed(WIDE).keys('a', 'k'),
  'alarms-none': () => scene(SMALL).keys('a'),
  'alarms-past-80x24': () => pastAlarms(SMALL),
  'alarms-past-160x50': () => pastAlarms(WIDE),
  'bus-80x24': () => busPane(SMALL),
  'bus-160x50': () => busPane(WIDE),
  'bus-looking-back': () => busPane(SMALL).keys('k', 'k', 'k'),
  'bus-by-hand-80x24': () => busPane(SMALL).keys('r').typed('[05]|').keys('\x07'),
  'bus-by-hand-160x50': () => busPane(WIDE).keys('R').typed('#'),
  'bus-by-hand-confirm-80x24': () => refusedByHand(SMALL).typed('k8s-w'),
  'bus-by-hand-confirm-160x50': () => refusedByHand(WIDE),
  'bus-by-hand-said': () =>
    saidByHand({ heard: '#\r\n04 1f 00 \x9b\x1b[2J\r\n', after: 'the pipe is closed and the master answers' }),
  'bus-by-hand-nothing': () => saidByHand({ heard: '', after: 'the pipe is closed and the master answers' }),
  'map-200x60': () => mixed({ cols: 200, rows: 60 }),
  'tour-1-120x40': () => mixed({ cols: 120, rows: 40 }).keys('?', 't'),
  'tour-3-80x24': () => mixed(SMALL).keys('?', 't', ' ', ' '),
  'tour-4-80x24': () => mixed(SMALL).keys('03', '?', 't', ' ', ' ', ' '),
  'heat-cluster-80x24': () => mixed(SMALL).keys('05', 'H', 'H', 'H', 'H'),
  'heat-current-120x40': () => mixed({ cols: 120, rows: 40 }).keys('H'),
  'map-marked-blade': () => scene(SMALL).keys('0d', 'b'),
  'too-small': () => scene({ cols: 58, rows: 15 }),
  help: () => scene(SMALL).keys('?'),
  // More than enough: the end is where it stays.
  'help-end': () => scene(SMALL).keys('?', ...Array.from({ length: 40 }, () => ' ')),
  'filter-typing': () => mixed(SMALL).keys('/').typed('role:worker !off 05'),
  'filter-kept': () => mixed(SMALL).keys('/').typed('cluster:dev alarm:').keys('\r'),
  'filter-kept-160x50': () => mixed(WIDE).keys('/').typed('role:worker !off').keys('\r', 'n'),
  'filter-none': () => mixed(SMALL).keys('/').typed('nobody').keys('\r'),
  'filter-outside': () => scene(SMALL).keys('00', '/').typed('cluster:dev').keys('\r', '00'),
  'filter-marks-outside': () =>
    scene(SMALL).keys('02', 'b', '/').typed('role:worker').keys('\r', 'p', 's').checked(allClear),
  'filter-menu-outside': () => scene(SMALL).keys('02', 'b', '/').typed('role:worker').keys('\r', 'p'),
  palette: () => scene(SMALL).keys(':'),
  'palette-letters': () => mixed(SMALL).keys(':').typed('ack all'),
  'palette-node': () => scene({ cols: 120, rows: 40 }).keys(':').typed('wrk05'),
  'palette-console': () => inConsole(WIDE).keys('\x1d', ':').typed('keyb'),
  'palette-nothing': () => scene(SMALL).keys(':').typed('qqq'),
  'palette-recent': () => scene(SMALL).keys(':').typed('blade').keys('\r', ':'),
  'marked-range': () => scene(SMALL).keys('/').typed('k8s').keys('\r', '02', ' ', '0e', 'v'),
  'power-menu': () => scene(SMALL).keys('03', 'p'),
  'power-menu-blade': () => scene(SMALL).keys('0d', 'b', 'p'),
  'server-gone': () => mixed(SMALL).dispatch({ type: 'link-lost', why: 'the server ended' }).later(12_000),
  takeover: () =>
    scene(SMALL)
      .keys('03', '\r')
      .dispatch({
        type: 'attach-failed',
        addr: 0x03,
        error: {
          code: 3,
          message: 'eve types there',
          data: {
            addr: 0x07,
            state: 'open',
            holder: 2,
            holderName: 'eve',
            holderSilentSince: null,
            watchers: [2],
            unproven: null,
            baud: 115200,
          },
        },
      }),
  'paste-question': () => inConsole(SMALL).keys(`\x1b[200~${'echo 0123456789\x07\r'.repeat(120)}\x1b[201~`),
  'console-full': () => inConsole(SMALL),
  'console-times': () => timedConsole(SMALL).keys('\x1d', 'T'),
  'console-times-age': () =>
    timedConsole(SMALL)
      .keys('\x1d', 'T', '\x1d', 'T', '\x1d', 'v')
      .dispatch({ type: 'looking', addr: 3, length: 24, cols: 80, x: 4, y: 3, search: false }),
  'console-times-beside': () => timedConsole({ cols: 160, rows: 50 }).keys('\x1d', 'T', '\x1d', 'T', '\x1d', 'T'),
  'console-beside': () => inConsole({ cols: 160, rows: 50 }),
  'console-left': () => inConsole({ cols: 160, rows: 50 }).keys('\x1d', 'd').later(65_000),
  'run-lines': () => scene({ ...SMALL, operations: [ended()] }).ran(midway()),
  'operation-lines': () => scene({ ...SMALL, operations: [running(), ended()] }),
  'operations-ended': () => scene({ ...SMALL, operations: [ended()] }).keys('o'),
  'operations-question': () => scene({ ...SMALL, operations: [asking()] }).keys('o'),
  'operations-question-confirm': () =>
    scene({ ...SMALL, operations: [asking()] })
      .keys('o', '5')
      .typed('k8s-w'),
  'operations-abort': () => scene({ ...SMALL, operations: [running()] }).keys('o', 'a'),
  'operations-24': () => scene({ ...SMALL, operations: [twentyFour()] }).keys('o'),
  'operations-24-wide': () => scene({ ...WIDE, operations: [twentyFour()] }).keys('o'),
};

/** Each dialog in both sizes. */
const DIALOGS: Record<string, (size: SceneOptions) => Scene> = {
  'dialog-asking': (size) => dialog(size, '03', 'f'),
  'dialog-off': (size) => dialog(size, '03', 's').checked(allClear),
  'dialog-cycle': (size) => dialog(size, '03', 'c').checked(allClear),
  'dialog-force-off': (size) => dialog(size, '03', 'f').checked(allClear).typed('k8s-work'),
  'dialog-force-cycle': (size) => dialog(size, '03', 'h').checked(allClear),
  'dialog-on': (size) => dialog(size, '03', 'o').checked(allClear),
  'dialog-blade': (size) => scene(size).keys('0d', 'b', 'p', 'f').checked(allClear),
  'dialog-all': (size) => scene(size).keys('*', 'p', 's').checked(allClear),
  'dialog-refused': (size) => dialog(size, '03', 's').checked(refused(...SEVERAL)),
  'dialog-console-held': (size) => dialog(size, '03', 's').checked(refused(CONSOLE_HELD)),
  'dialog-silent-node': (size) =>
    dialog(size, '03', 'f').checked((request) =>
      allClear(request).map((node) => ({ ...node, sample: null, problem: 'does not answer', impact: [] })),
    ),
  'dialog-check-failed': (size) => {
    const asked = dialog(size, '03', 'f');
    const error = {
      code: 2,
      message: 'the bus is not usable (locked): nothing answers, even after unlocking',
      data: null,
    };
    return asked.dispatch({ type: 'check-failed', dialog: asked.state.nextId - 1, error });
  },
  'dialog-stale': (size) =>
    dialog(size, '03', 'f')
      .checked(allClear)
      .later(STALE_AFTER_MS + 1000),
  'dialog-pasted': (size) => dialog(size, '03', 'f').checked(allClear).keys('\x1b[200~k8s-worker-04\x1b[201~'),
  'dialog-too-fast': (size) => dialog(size, '03', 'f').checked(allClear).keys('k8s-worker-04\r'),
  'dialog-not-it': (size) => dialog(size, '03', 'f').checked(allClear).typed('ns01').keys('\r'),
  'dialog-sent': (size) => dialog(size, '03', 'f').checked(allClear).typed('k8s-worker-04').keys('\r'),
  'dialog-view-only': (size) => scene({ ...size, access: 'view' }).keys('03', 'p'),
};

/** `!`, the plans, and what the first that cuts would do. */
const panel = (size: SceneOptions, refusals: Record<number, Refusal[]> = {}): Scene =>
  scene(size).keys('!').plans().previewed(preview('shed-dev', refusals));

const armed = (size: SceneOptions): Scene => panel(size).keys('a');

const midway = (over: Partial<PlanRun> = {}): PlanRun =>
  run('shed-all', over, (addr) => {
    if (addr === 0x05) {
      const detail = 'the shutdown does not end (kubelet.service); left on at its deadline';
      return { state: 'ended', outcome: 'left-on', detail, tries: 1 };
    }
    if ([0x01, 0x09, 0x0d, 0x11, 0x15].includes(addr)) return DONE;
    if (addr === 0x0c) return { state: 'started', operation: 'op-7', phase: 'asking', tries: 1 };
    return [0x10, 0x14].includes(addr) ? { state: 'started', phase: 'stopping', tries: 1 } : {};
  });

const MASTER: Refusal = {
  rule: 'master',
  message: 'mcp01 (A-0, 00) manages this bus: cutting its power would end the bus and this program',
  override: null,
};
const QUORUM: Refusal = {
  rule: 'quorum',
  message:
    'the control plane of dev loses its quorum without dk8s-controlplane-01 (D-0, 0c): dk8s-controlplane-02 is down',
  override: 'run a plan that takes the whole cluster',
};

/** The emergency panel in both sizes. */
const PANELS: Record<string, (size: SceneOptions) => Scene> = {
  'emergency-asking': (size) => scene(size).keys('!'),
  'emergency-no-plans': (size) => scene(size).keys('!').plans([]),
  'emergency-choose': (size) => panel(size),
  'emergency-refused': (size) => panel(size, { 0x0c: [QUORUM] }),
  'emergency-all': (size) =>
    panel(size)
      .keys('j')
      .previewed(preview('shed-all', { 0x00: [MASTER] })),
  'emergency-all-end': (size) =>
    panel(size)
      .keys('j')
      .previewed(preview('shed-all', { 0x00: [MASTER] }))
      .keys(' ', ' ', ' ', ' '),
  'emergency-on': (size) => panel(size).keys('k').previewed(preview('bring-up')),
  'emergency-calibrated': (size) => {
    const asked = preview('shed-dev');
    return panel(size).previewed({ ...asked, current: { ...asked.current, amps: { rack: 11.62, plan: 4.18 } } });
  },
  'emergency-stale': (size) => panel(size).later(STALE_AFTER_MS + 1000),
  'emergency-view-only': (size) =>
    scene({ ...size, access: 'view' })
      .keys('!')
      .plans(),
  'emergency-armed': (size) => armed(size).typed('shed-'),
  'emergency-armed-wrong': (size) => armed(size).typed('shd'),
  'emergency-armed-enter': (size) => armed(size).keys('\r'),
  'emergency-armed-pasted': (size) => armed(size).keys('\x1b[200~shed-dev 9\x1b[201~'),
  'emergency-armed-too-fast': (size) => armed(size).keys('shed-dev 9\r'),
  'emergency-armed-sent': (size) => armed(size).typed('shed-dev 9').keys('\r'),
  'emergency-disarmed': (size) => armed(size).keys('\x1b'),
  'emergency-run': (size) =>
    scene({ ...size, operations: [asking(0x0c)] })
      .ran(midway())
      .keys('!')
      .plans(),
  'emergency-run-abort': (size) => scene(size).ran(midway()).keys('!', 'a').plans(),
  'emergency-run-skip': (size) =>
    scene(size)
      .ran(midway({ state: 'paused', detail: 'dk8s-worker-02 did not go off: go on, leave it out, or abort' }))
      .keys('!', 'j', 's')
      .plans(),
  'emergency-run-aborted': (size) => {
    const left = { state: 'ended', outcome: 'aborted', detail: 'aborted before its turn: nothing was sent' } as const;
    const over = { state: 'ended', endedAt: NOW - 5000, detail: 'aborted by ada; 6 of 24 nodes done' } as const;
    const ended = run('shed-all', over, (addr) => ([1, 5, 9, 0xd, 0x11, 0x15].includes(addr) ? DONE : left));
    return scene(size).ran(ended).keys('!').plans();
  },
  'emergency-run-ended': (size) =>
    scene(size)
      .ran(run('shed-dev', { state: 'ended', endedAt: NOW - 5000, detail: 'every node is off' }, () => DONE))
      .keys('!')
      .plans(),
};

/** The supply pane, and what the emergency panel and the header say of the supply, in both sizes. */
const OUTAGES: Record<string, (size: SceneOptions) => Scene> = {
  'map-mains': (size) => scene({ ...size, outage: SUPPLIES.mains }),
  'map-battery': (size) => scene({ ...size, nodes: MIXED, sessions: [ME, EVE], outage: SUPPLIES.battery }),
  'map-ups-unknown': (size) => scene({ ...size, outage: SUPPLIES.unknown }),
  'supply-mains': (size) =>
    scene({ ...size, outage: SUPPLIES.mains })
      .keys('u')
      .upsHistory(),
  'supply-battery': (size) =>
    scene({ ...size, outage: SUPPLIES.battery })
      .keys('u')
      .upsHistory(),
  'supply-not-known-yet': (size) => scene({ ...size, outage: SUPPLIES.unknown }).keys('u'),
  'supply-two': (size) =>
    scene({ ...size, outage: TWO })
      .keys('u', 'j')
      .upsHistory(),
  'emergency-mains': (size) =>
    scene({ ...size, outage: SUPPLIES.mains })
      .keys('!')
      .plans()
      .previewed(preview('shed-dev')),
  'emergency-battery': (size) =>
    scene({ ...size, outage: SUPPLIES.battery })
      .keys('!')
      .plans()
      .previewed(preview('shed-dev')),
  'emergency-does-not-fit': (size) =>
    scene({ ...size, outage: SUPPLIES.short })
      .keys('!')
      .plans()
      .previewed(preview('shed-dev')),
  'emergency-run-on-battery': (size) =>
    scene({ ...size, outage: SUPPLIES.short })
      .ran(midway())
      .keys('!')
      .plans(),
};

const IN_BOTH: Record<string, (size: SceneOptions) => Scene> = { ...DIALOGS, ...PANELS, ...OUTAGES };
const sized = ({ cols, rows }: { cols: number; rows: number }): string => `${cols}x${rows}`;

test.each(Object.entries(SCREENS))('%s', async (name, make) => {
  expectGolden(name, await make().frame());
});

describe.each([SMALL, WIDE])('dialogs in $cols x $rows', (size) => {
  test.each(Object.entries(IN_BOTH))('%s', async (name, make) => {
    expectGolden(`${name}-${sized(size)}`, await make(size).frame());
  });
});

test.each(TIERS)('looks of the map in $depth colours, theme $theme', async (tier) => {
  expectGolden(`map-looks-${tier.depth}`, await mixed(SMALL).frame(), tier);
});

test.each(TIERS)('looks of the map coloured by fan in $depth colours, theme $theme', async (tier) => {
  expectGolden(`heat-looks-${tier.depth}`, await mixed(SMALL).keys('H', 'H').frame(), tier);
});

test.each(TIERS)('looks of a console in $depth colours, theme $theme', async (tier) => {
  expectGolden(`console-looks-${tier.depth}`, await inConsole(SMALL).frame(), tier);
});

test.each(TIERS)('looks of a battery in $depth colours, theme $theme', async (tier) => {
  const made = scene({ ...SMALL, outage: SUPPLIES.short })
    .keys('u')
    .upsHistory();
  expectGolden(`supply-looks-${tier.depth}`, await made.frame(), tier);
});

test.each(TIERS)('looks of a dialog and a list in $depth colours, theme $theme', async (tier) => {
  expectGolden(
    `dialog-looks-${tier.depth}`,
    await dialog(SMALL, '03', 'f').checked(allClear).typed('k8s').frame(),
    tier,
  );
  expectGolden(`alarms-looks-${tier.depth}`, await mixed(SMALL).keys('a').frame(), tier);
});

test('without a UTF-8 terminal every cell is ASCII', async () => {
  const frame = await mixed(SMALL).frame(true);
  expect(frame.chars.filter((ch) => !/^[ -~]$/.test(ch))).toEqual([]);
  expectGolden('map-ascii', frame);
});

test.each([
  ['bus-ascii-80x24', () => busPane(SMALL)],
  ['bus-ascii-160x50', () => busPane(WIDE)],
  ['supply-ascii-80x24', () => OUTAGES['supply-battery']?.(SMALL) ?? scene()],
  ['supply-ascii-160x50', () => OUTAGES['supply-battery']?.(WIDE) ?? scene()],
  ['bus-by-hand-ascii', () => saidByHand({ heard: '#\r\n04 \x9b\\\r\n', after: '' })],
  ['bus-by-hand-confirm-ascii', () => refusedByHand(SMALL)],
])('without a UTF-8 terminal a pane is ASCII too: %s', async (name, made) => {
  const frame = await made().frame(true);
  expect(frame.chars.filter((ch) => !/^[ -~]$/.test(ch))).toEqual([]);
  expectGolden(name, frame);
});

/**
 * One golden of each thing that can lie over the screen. The compiler asks for a new kind's; those of all racks and of
 * the table are in files of their own.
 */
const OVERLAYS: Record<Exclude<Overlay['kind'], 'racks' | 'racks-table' | 'columns' | 'fleet-plans'>, string> = {
  help: 'help',
  tour: 'tour-4-80x24',
  palette: 'palette',
  filter: 'filter-typing',
  consoles: 'consoles-80x24',
  people: 'people',
  note: 'note',
  'own-command': 'own-command',
  run: 'run-line',
  menu: 'power-menu',
  power: 'dialog-force-off',
  takeover: 'takeover',
  paste: 'paste-question',
  emergency: 'emergency-choose',
  operations: 'operations-24',
  alarms: 'alarms-80x24',
  events: 'events-80x24',
  bus: 'bus-80x24',
  supply: 'supply-battery',
};

test.each(Object.entries(OVERLAYS))('what lies over the screen as %s has a golden', (kind, name) => {
  const made = SCREENS[name]?.() ?? IN_BOTH[name]?.(SMALL);
  expect(made?.state.overlay?.kind).toBe(kind);
});

test('every golden is some screen', () => {
  const made = [
    ...Object.keys(SCREENS),
    ...[SMALL, WIDE].flatMap((size) => Object.keys(IN_BOTH).map((name) => `${name}-${sized(size)}`)),
    ...TIERS.flatMap(({ depth }) =>
      ['map', 'heat', 'console', 'dialog', 'alarms', 'supply'].map((name) => `${name}-looks-${depth}`),
    ),
    ...['map-ascii', 'supply-ascii-80x24', 'supply-ascii-160x50'],
    ...['bus-ascii-80x24', 'bus-ascii-160x50', 'bus-by-hand-ascii', 'bus-by-hand-confirm-ascii'],
  ];
  expect(
    readdirSync(GOLDENS)
      .filter((name) => !['glance', 'layouts', 'racks', 'sizes', 'table'].includes(name))
      .sort(),
  ).toEqual(made.map((name) => `${name}.txt`).sort());
});
