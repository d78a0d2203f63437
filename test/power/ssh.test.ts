/** Asking by ssh, and judging a halt whose last line nobody read: in virtual time, through the whole of an operation. */
import { expect, test } from 'vitest';
import type { NodeProgress } from '../../src/api/power.ts';
import type { ProgramEnd } from '../../src/lib/subprocess.ts';
import { ConsoleHeld, type HaltBand } from '../../src/power/ports.ts';
import { FakeConsole, FakeNetwork, FakeRack, OPERATOR, settle } from './fake-rack.ts';

const NAME = 'k8s-worker-04';
const LOGIN = `\r\n${NAME} login: `;
const HALT = '[  312.345678] reboot: Power down\r\n';
const failed = (why: string, ...output: string[]): ProgramEnd => ({ code: 255, why, output });

/** A node at its login prompt, and ssh. */
class Scene {
  readonly rack = new FakeRack();
  readonly network = new FakeNetwork();
  /** What Enter brings; '' after the node has gone. */
  prompt = LOGIN;

  constructor(limits: Partial<FakeRack['limits']> = {}) {
    this.rack.network = this.network;
    this.rack.limits = { ...this.rack.limits, ...limits };
    this.rack.console.onTyped = (typed) => {
      if (/^\x15?\r+$/.test(typed) && this.prompt !== '') this.say(this.prompt);
    };
  }

  /** A machine that said its last line answers nothing any more, on its console or in the network. */
  say(text: string): void {
    if (text.includes('Power down')) {
      this.network.gone.add(3);
      this.prompt = '';
    }
    this.rack.says(text);
  }

  async off(request: Parameters<FakeRack['start']>[0] = {}, seconds = 2): Promise<this> {
    await this.rack.start({ verb: 'off', confirm: NAME, ...request });
    await this.passes(seconds);
    return this;
  }

  passes(seconds: number): Promise<void> {
    return this.rack.clock.advance(seconds * 1000);
  }

  /** It goes down, and nobody reads how. */
  vanish(current = 18): void {
    this.network.gone.add(3);
    this.prompt = '';
    this.rack.currents.set(3, current);
  }

  get node(): NodeProgress {
    const [node] = this.rack.operation.nodes;
    if (!node) throw new Error('no node');
    return node;
  }

  get question(): string {
    return this.node.question?.text ?? '(no question)';
  }

  get cut(): boolean {
    return this.rack.verbs.some(({ verb }) => verb.startsWith('off'));
  }

  get kinds(): string[] {
    return this.node.evidence.map(({ kind }) => kind);
  }

  answer(choice: string, confirm: string | null = null): void {
    const { id, nodes } = this.rack.operation;
    const question = nodes[0]?.question?.id ?? '';
    this.rack.operations.answer(id, { addr: 3, question, choice, confirm }, OPERATOR);
  }
}

const BAND = { low: 15, high: 21, shutdowns: 2 };

test('ssh asks, its console is watched: cut on its last line, which teaches the halt band', async () => {
  const scene = await new Scene().off();
  expect(scene.network.asked).toEqual([3]);
  expect(scene.node.phase).toBe('stopping');
  scene.rack.currents.set(3, 18);
  scene.say(HALT);
  await scene.passes(11);
  expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  expect(scene.kinds.slice(0, 5)).toEqual(['host', 'intent', 'request', 'ack', 'marker']);
  expect(scene.rack.console.typed).toEqual(['\r', '\x11 \x15', '\x11\x15\r']);
  expect(scene.rack.audits[0]?.detail).toContain('grade A');
  expect(scene.rack.observed).toEqual([{ addr: 3, running: 29, halted: [18] }]);
  expect(scene.node.evidence.find(({ kind }) => kind === 'halt-band')?.text).toContain(
    'halted it drew 18 counts, running 29',
  );
});

test('that it is about to be asked is journalled before ssh starts', async () => {
  const scene = new Scene();
  scene.network.answer = () => {
    const last = scene.rack.journalled.at(-1)?.nodes[0];
    expect(last?.evidence.map(({ kind }) => kind)).toEqual(['host', 'intent']);
    return new Promise(() => undefined);
  };
  await scene.off();
  expect(scene.network.asked).toEqual([3]);
});

test.each([
  ['refused by the network', failed('exit code 255', 'ssh: connect to host 192.0.2.3 port 22: Connection refused')],
  ['a host key that is not known', failed('exit code 255', 'Host key verification failed.')],
  ['sudo that wants a password', { code: 1, why: 'exit code 1', output: ['sudo: a password is required'] }],
  ['no end in time', { code: null, why: 'no end within 10 s', output: [] }],
])('ssh in vain (%s): its console asks', async (_what, end) => {
  const scene = new Scene();
  scene.prompt = `\r\npi@${NAME}:~$ `;
  scene.network.answer = () => Promise.resolve(end);
  await scene.off({}, 3);
  expect(scene.rack.console.typed).toEqual(['\r', expect.stringContaining('sudo systemctl poweroff')]);
  expect(scene.node.evidence.find(({ kind }) => kind === 'ssh')?.text).toContain(end.output.at(-1) ?? end.why);
});

const OLD = '[ 8241.744120] reboot: Power down\r\n';

test.each([
  ['of another day', OLD, false],
  ['of this shutdown', HALT, true],
  ['of a kernel that stamps nothing', 'reboot: Power down\r\n', true],
])('ssh says how long it had been up: a last line %s', async (_what, line, counts) => {
  const scene = new Scene();
  scene.network.answer = () => Promise.resolve({ code: 0, why: '', output: ['300.00 1080.00'] });
  await scene.off();
  scene.say(line);
  await scene.passes(20);
  expect(scene.cut).toBe(counts);
  if (!counts) expect(scene.node.phase).toBe('stopping');
});

test('a last line that comes before ssh has said that waits for it', async () => {
  const scene = new Scene();
  let answer: (end: ProgramEnd) => void = () => undefined;
  scene.network.answer = () => new Promise((resolve) => (answer = resolve));
  await scene.off();
  scene.say(OLD);
  await scene.passes(9);
  expect([scene.node.phase, scene.cut]).toEqual(['settle', false]);
  answer({ code: 0, why: '', output: ['300.00 1080.00'] });
  await scene.passes(20);
  expect([scene.node.phase, scene.cut]).toEqual(['stopping', false]);
  expect(scene.kinds).toContain('quoted');
  scene.say(HALT);
  await scene.passes(11);
  expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
});

test('a connection that its end closes is an acknowledgement, and no proof', async () => {
  const scene = new Scene();
  scene.network.answer = () =>
    Promise.resolve(failed('exit code 255', 'Connection to 192.0.2.3 closed by remote host.'));
  await scene.off();
  expect([scene.node.phase, scene.cut]).toEqual(['stopping', false]);
  await scene.passes(185);
  expect(scene.question).toMatch(/does not end \(1\d\d s after it was asked\)/);
});

test('who waits for an answer does not keep the console from the others', async () => {
  const rack = new FakeRack();
  rack.network = new FakeNetwork();
  rack.limits = { ...rack.limits, cutOn: 'B' };
  // Both show another host's name: nothing is asked, and both ask a person.
  rack.consoleFor = (addr) => {
    const console = new FakeConsole();
    rack.consoles.set(addr, console);
    console.onTyped = () => {
      const stop = rack.clock.every(5, () => {
        stop();
        console.say('\r\nsomebody-else login: ', rack.clock.time);
      });
    };
    return console;
  };
  await rack.start({ verb: 'off', nodes: [3, 5], label: 'x', confirm: 'x 2' });
  await rack.clock.advance(5_000);
  expect(rack.operation.nodes.map(({ phase }) => phase)).toEqual(['asking', 'asking']);
});

test.each([
  ['while ssh still runs', 5],
  ['after that', 12],
])('ssh that was killed at its limit told nothing of when: a last line %s is a question', async (_what, after) => {
  const scene = new Scene();
  scene.network.answer = () =>
    new Promise((resolve) => {
      const stop = scene.rack.clock.every(10_000, () => {
        stop();
        resolve({ code: null, why: 'no end within 10 s', output: [] });
      });
    });
  await scene.off({}, 1);
  scene.prompt = '';
  await scene.passes(after);
  scene.say(OLD);
  await scene.passes(20);
  expect([scene.cut, scene.node.phase]).toEqual([false, 'asking']);
  expect(scene.question).toMatch(/probably halted, but without proof.*may be an old one/);
});

test('an inhibitor is quoted', async () => {
  const scene = new Scene();
  const line = 'Operation inhibited by "apt" (PID 733 "apt", user root), reason is "upgrades".';
  scene.network.answer = () => Promise.resolve({ code: 1, why: 'exit code 1', output: [line] });
  await scene.off();
  expect(scene.question).toContain(`forbids the shutdown: “${line}”`);
});

test('Enter that met a gap is pressed again soon: its answer is lost', async () => {
  const scene = new Scene();
  scene.prompt = '';
  await scene.off({}, 0.5);
  expect(scene.rack.console.typed).toEqual(['\r']);
  const away = { open: false, proven: false, why: 'a status request' };
  scene.rack.console.become(away);
  scene.prompt = LOGIN;
  scene.rack.console.become({ open: true, proven: true, why: '' });
  await scene.passes(2);
  expect(scene.network.asked).toEqual([3]);
  // Once it has spoken, a gap brings no more of them.
  scene.rack.console.become(away);
  scene.rack.console.become({ open: true, proven: true, why: '' });
  expect(scene.rack.console.typed).toEqual(['\r', '\x0c', '\x15\r']);
});

test('a prompt that a gap tore is asked for again soon, although its banner was heard', async () => {
  const scene = new Scene();
  scene.prompt = '';
  await scene.off({}, 0.5);
  scene.rack.says('\r\nDebian GNU/Linux 13 dk8s-worker-03 ttyS0\r\n\r\ndk8s-wor');
  await scene.passes(0.2);
  scene.rack.console.become({ open: false, proven: false, why: 'a status request' });
  scene.prompt = LOGIN;
  scene.rack.console.become({ open: true, proven: true, why: '' });
  await scene.passes(3);
  // A line with text on it is emptied before Enter.
  expect(scene.rack.console.typed).toEqual(['\r', '\x05\x15', '\x0c', '\x15\r']);
  expect(scene.network.asked).toEqual([3]);
});

test('no path: both reasons, and nothing was asked', async () => {
  const scene = new Scene();
  scene.prompt = '';
  scene.network.answer = () => Promise.resolve(failed('exit code 255', 'No route to host'));
  await scene.off({}, 13);
  expect(scene.question).toBe(`${NAME} cannot be reached (ssh: No route to host; console: it is silent).`);
  scene.answer('leave');
  await settle();
  expect(scene.rack.ends[0]).toContain('it was not asked to shut down');
});

test('a console that somebody holds does not keep ssh from asking; without its testimony nothing is cut', async () => {
  const scene = new Scene({ cutOn: 'B' });
  scene.rack.bands.set(3, BAND);
  // He came between the check and the turn.
  scene.rack.consoleFor = () => {
    throw new ConsoleHeld('bob');
  };
  await scene.off({}, 3);
  expect(scene.network.asked).toEqual([3]);
  scene.vanish();
  await scene.passes(130);
  expect(scene.question).toMatch(/probably halted.*could not be read \(bob holds the console\)/);
  expect(scene.cut).toBe(false);
});

test('another host on its console: not even ssh asks it', async () => {
  const scene = new Scene();
  scene.prompt = '\r\nsomebody-else login: ';
  await scene.off();
  expect(scene.question).toContain('somebody-else');
  expect(scene.network.asked).toEqual([]);
});

async function unread(limits: Partial<FakeRack['limits']>, current = 18, seconds = 135): Promise<Scene> {
  const scene = new Scene(limits);
  scene.rack.bands.set(3, BAND);
  await scene.off({}, 20);
  scene.vanish(current);
  await scene.passes(seconds);
  return scene;
}

test('grade B, all three signs: cut where the configuration says so, and not before its time', async () => {
  const scene = await unread({ cutOn: 'B' }, 18, 95);
  expect([scene.cut, scene.node.phase]).toEqual([false, 'stopping']);
  await scene.passes(40);
  expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  const grade = scene.node.evidence.find(({ kind }) => kind === 'grade')?.text;
  expect(grade).toMatch(
    /^B: its network has not answered for 1\d\d s; .*silent now; .*steady at 18 counts, within .* 15 to 21$/,
  );
  expect(scene.rack.audits[0]?.detail).toContain('grade B');
  // What B assumed must not become what B is judged by.
  expect(scene.rack.observed).toEqual([]);
});

test('grade B without leave to cut is a question that says what is known', async () => {
  const scene = await unread({});
  expect(scene.cut).toBe(false);
  expect(scene.question).toMatch(/probably halted.*steady at 18 counts.*does not allow a cut on these signs/);
  scene.answer('force', NAME);
  await settle();
  expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
});

test.each<[what: string, band: HaltBand | null, arrange: (scene: Scene) => void, words: RegExp]>([
  [
    'a current as of a running node',
    BAND,
    (scene) => scene.rack.currents.set(3, 29),
    /\(29 counts\) is not steady within/,
  ],
  ['no halt band', null, () => undefined, /not known yet/],
])('grade C never cuts: %s', async (_what, band, arrange, words) => {
  const scene = new Scene({ cutOn: 'B' });
  if (band !== null) scene.rack.bands.set(3, band);
  await scene.off({}, 20);
  scene.vanish();
  arrange(scene);
  await scene.passes(150);
  expect(scene.question).toMatch(words);
  expect(scene.cut).toBe(false);
});

test('a console that was silent before proves nothing by its silence', async () => {
  const scene = new Scene({ cutOn: 'B' });
  scene.rack.bands.set(3, BAND);
  scene.prompt = '';
  await scene.off({}, 20);
  expect(scene.network.asked).toEqual([3]);
  scene.vanish();
  await scene.passes(150);
  expect(scene.question).toContain('its console was silent before and after');
  expect(scene.cut).toBe(false);
});

test('a network that comes back is a restart: never cut', async () => {
  const scene = await unread({ cutOn: 'B' }, 18, 60);
  scene.network.gone.clear();
  await scene.passes(60);
  expect(scene.question).toContain('reboots instead of halting');
  expect(scene.cut).toBe(false);
});

test('a console that answers to the last Enter is alive, network or not', async () => {
  const scene = await unread({ cutOn: 'B' }, 18, 60);
  scene.prompt = LOGIN;
  await scene.passes(60);
  expect(scene.question).toContain('but its console does');
  expect(scene.cut).toBe(false);
});

test('a last line that comes late is better than all of that', async () => {
  const scene = await unread({}, 18, 60);
  scene.say(HALT);
  await scene.passes(11);
  expect(scene.rack.audits[0]?.detail).toContain('grade A');
});

test('a BMC that is lost while evidence is gathered', async () => {
  const scene = await unread({ cutOn: 'B' }, 18, 30);
  scene.rack.trouble.set(3, { ok: false, failure: 'silent', detail: 'the BMC at 03 does not answer' });
  await scene.passes(20);
  expect(scene.question).toMatch(/The BMC of k8s-worker-04 does not answer any more/);
  scene.rack.trouble.delete(3);
  scene.answer('retry');
  await scene.passes(110);
  expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
});

/** Workers on two blades, each with a console of its own; `halts` says its last line, heard or not. */
class Several {
  readonly rack = new FakeRack();
  readonly network = new FakeNetwork();
  readonly addrs = [1, 3, 5];
  readonly #off = new Set<number>();

  constructor() {
    const { rack } = this;
    rack.network = this.network;
    rack.limits = { ...rack.limits, cutOn: 'B' };
    for (const addr of this.addrs) rack.bands.set(addr, BAND);
    // Not about chassis fans.
    for (const node of rack.inventory.nodes) node.chassisFan = null;
    rack.consoleFor = (addr) => {
      const console = new FakeConsole();
      const name = rack.inventory.nodes.find((node) => node.addr === addr)?.name ?? '';
      console.onTyped = (typed) => {
        if (!this.#off.has(addr) && /^\x15?\r+$/.test(typed))
          this.#after(5, () => this.#says(addr, `\r\n${name} login: `));
      };
      rack.consoles.set(addr, console);
      return console;
    };
  }

  /** Each takes so long from being asked to its last line, ms. */
  take(own: (addr: number) => number): void {
    this.network.answer = (addr) => {
      this.#after(own(addr), () => this.halts(addr));
      return Promise.resolve({ code: 0, why: '', output: [] });
    };
  }

  async off(): Promise<void> {
    await this.rack.start({ verb: 'off', nodes: this.addrs, label: 'x', confirm: 'x 3' });
  }

  halts(addr: number): void {
    this.#off.add(addr);
    this.network.gone.add(addr);
    this.rack.currents.set(addr, 18);
    this.#says(addr, HALT);
  }

  /** What nobody listens to is lost. */
  #says(addr: number, text: string): void {
    if (this.rack.log.findLast((line) => line.startsWith('console')) === `console 0${addr}`)
      this.rack.consoles.get(addr)?.say(text, this.rack.clock.time);
  }

  #after(ms: number, then: () => void): void {
    const stop = this.rack.clock.every(ms, () => {
      stop();
      then();
    });
  }
}

test('several at once, where grade B may cut: all are asked, one is watched, the others judged in turn', async () => {
  const several = new Several();
  const { rack, network } = several;
  await several.off();
  await rack.clock.advance(30_000);
  expect(network.asked.sort((a, b) => a - b)).toEqual([1, 3, 5]);
  // All at once: only the one that is watched is heard.
  for (const addr of [1, 3, 5]) several.halts(addr);
  await rack.clock.advance(11_000);
  expect(rack.verbs.map(({ verb }) => verb)).toHaveLength(1);
  await rack.clock.advance(150_000);
  expect(rack.verbs.map(({ verb }) => verb).sort()).toEqual(['off 01', 'off 03', 'off 05']);
  expect(rack.ends.every((end) => end.startsWith('done'))).toBe(true);
  expect(rack.audits.filter(({ detail }) => detail.includes('grade B'))).toHaveLength(2);
});

test('several at once, all alike: asked so far apart that every last line is read', async () => {
  const several = new Several();
  const { rack } = several;
  several.take(() => 22_000);
  await several.off();
  await rack.clock.advance(60_000);
  expect(rack.ends).toEqual(several.addrs.map(() => 'done: is off, confirmed by two status replies'));
  expect(rack.audits.filter(({ detail }) => detail.includes('grade A'))).toHaveLength(3);
  // Twenty-two seconds of its own, eight to settle and be touched, each: one after another would be more than ninety.
  expect(rack.verbs.at(-1)?.at).toBeLessThan(58);
  expect(rack.took.sort()).toEqual(['off 01 22', 'off 03 22', 'off 05 22']);
});

test('several at once, each known to take another time: the console is where the next last line comes', async () => {
  const several = new Several();
  const { rack } = several;
  const own = new Map([
    [1, 80_000],
    [3, 15_000],
    [5, 24_000],
  ]);
  for (const [addr, ms] of own) rack.usual.set(`off 0${addr}`, ms);
  several.take((addr) => own.get(addr) ?? 0);
  // The slow one never falls silent: without knowing when, it would keep the console.
  const chatter = rack.clock.every(1_000, () =>
    rack.consoles.get(1)?.say('[  OK  ] Stopped something.\r\n', rack.clock.time),
  );
  await several.off();
  await rack.clock.advance(75_000);
  chatter();
  await rack.clock.advance(25_000);
  expect(rack.ends).toEqual(several.addrs.map(() => 'done: is off, confirmed by two status replies'));
  expect(rack.audits.filter(({ detail }) => detail.includes('grade A'))).toHaveLength(3);
});

test('an abort while it waits to be asked: nothing was asked', async () => {
  const several = new Several();
  const { rack, network } = several;
  await several.off();
  await rack.clock.advance(2_000);
  expect(network.asked).toEqual([1]);
  rack.operations.abort(rack.operation.id, OPERATOR);
  await rack.clock.advance(20_000);
  expect(network.asked).toEqual([1]);
  expect(rack.ends.filter((end) => end === 'aborted: aborted: it was not asked to shut down')).toHaveLength(2);
});

test('before the shutdown: programs, then the request; a failed one is a question', async () => {
  const scene = new Scene();
  const runs: string[] = [];
  let end: ProgramEnd = { code: 1, why: 'exit code 1', output: ['error: pods are not evicted'] };
  scene.rack.hooks = [
    {
      when: 'before-off',
      text: 'kubectl drain web1',
      limit: 60,
      run: () => {
        runs.push('drain');
        return Promise.resolve(end);
      },
    },
    {
      when: 'after-off',
      text: 'notify off',
      limit: 60,
      run: () => {
        runs.push('notify');
        return Promise.resolve({ code: 0, why: '', output: ['told'] });
      },
    },
  ];
  await scene.off();
  expect(scene.question).toMatch(
    /A program that runs before the shutdown of .* failed \(‘kubectl drain web1’: exit code 1, its last output: “error: pods/,
  );
  expect(scene.network.asked).toEqual([]);
  end = { code: 0, why: '', output: ['drained'] };
  scene.answer('retry');
  await scene.passes(2);
  expect([runs, scene.network.asked]).toEqual([['drain', 'drain'], [3]]);
  scene.say(HALT);
  await scene.passes(11);
  expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  expect(runs).toEqual(['drain', 'drain', 'notify']);
  expect(scene.node.evidence.filter(({ kind }) => kind === 'hook').map(({ text }) => text)).toEqual([
    'before-off: ‘kubectl drain web1’ exit code 1: error: pods are not evicted',
    'before-off: ‘kubectl drain web1’ ended well: drained',
    'after-off: ‘notify off’ ended well: told',
  ]);
});

test('a failed program can be skipped; an abort ends one that runs', async () => {
  const scene = new Scene();
  scene.rack.hooks = [
    {
      when: 'before-off',
      text: 'x',
      limit: 60,
      run: () => Promise.resolve({ code: 1, why: 'exit code 1', output: [] }),
    },
  ];
  await scene.off();
  scene.answer('skip');
  await scene.passes(1);
  expect(scene.network.asked).toEqual([3]);
  const other = new Scene();
  let killed = false;
  other.rack.hooks = [
    {
      when: 'before-off',
      text: 'x',
      limit: 60,
      run: (signal) => {
        signal.addEventListener('abort', () => (killed = true));
        return new Promise(() => undefined);
      },
    },
  ];
  await other.off();
  expect(other.node.phase).toBe('before');
  other.rack.operations.abort(other.rack.operation.id, OPERATOR);
  await settle();
  expect(other.rack.ends[0]).toMatch(
    /^aborted: .*not asked to shut down; the effects of the programs before it remain/,
  );
  expect([killed, other.network.asked]).toEqual([true, []]);
});

test('sync and remount read-only from a shell, each seen done; then a person decides', async () => {
  const scene = new Scene();
  scene.rack.network = null;
  scene.prompt = `\r\nroot@${NAME}:~# `;
  await scene.off({}, 20);
  expect(scene.question).toContain('shows no sign of it');
  const act = scene.rack.console.onTyped;
  scene.rack.console.onTyped = (typed) => {
    const key = /^echo ([su]) > \/proc\/sysrq-trigger\r$/.exec(typed)?.[1];
    if (key === 's')
      scene.say(`${typed}\n[  9.1] sysrq: Emergency Sync\r\n[  9.2] Emergency Sync complete\r\n${scene.prompt}`);
    else if (key === 'u') scene.say(`${typed}\n[  9.3] Emergency Remount complete\r\n`);
    else act(typed);
  };
  scene.answer('sync');
  await scene.passes(3);
  expect(scene.question).toMatch(/synced and read-only/);
  expect(scene.node.evidence.filter(({ kind }) => kind === 'rescue')).toHaveLength(3);
  expect(scene.cut).toBe(false);
  scene.answer('force', NAME);
  await settle();
  expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
});

test('a sync that nobody confirms is said to be none', async () => {
  const scene = new Scene();
  scene.rack.network = null;
  scene.prompt = `\r\npi@${NAME}:~$ `;
  await scene.off({}, 20);
  scene.answer('sync');
  await scene.passes(65);
  expect(scene.rack.console.typed.at(-1)).toBe("sudo sh -c 'echo s > /proc/sysrq-trigger'\r");
  expect(scene.question).toContain('may not be synced');
});

test.each([1, 4, 7])(
  'an old last line, read %i s before ssh says how long the machine had been up: its network may answer meanwhile',
  async (seconds) => {
    const scene = new Scene({ settle: 2 });
    scene.network.answer = (_addr, ran) =>
      new Promise((resolve) => {
        ran();
        scene.rack.says('[ 8241.790113] reboot: Power down\r\n');
        const stop = scene.rack.clock.every(seconds * 1000, () => {
          stop();
          resolve({ code: 0, why: '', output: ['301.07 1180.22'] });
        });
      });
    await scene.off({}, 12);
    expect(scene.question).toBe('(no question)');
    expect(scene.cut).toBe(false);
    scene.say(HALT);
    await scene.passes(12);
    expect(scene.rack.ends).toEqual(['done: is off, confirmed by two status replies']);
  },
);
