import { expect, test } from 'vitest';
import { EXIT, exitCodeOf } from '../../src/api/power.ts';
import { FakeRack, OPERATOR, START, settle } from './fake-rack.ts';

const NAME = 'k8s-worker-04';
const PROMPT = `pi@${NAME}:~$ `;
const HALT = '[  312.345678] reboot: Power down\r\n';
const PASSWORD = 'correct horse';

/** The request as it is typed at a shell that is not root's. */
const SUDO =
  /^cat \/proc\/uptime; SUDO_PROMPT='ra''ckui-(\w+) %p: ' sudo systemctl poweroff \|\| echo 'ra''ckui-\1-failed'\r$/;

/** What a shell says when it is asked whose it is. */
function identity(typed: string, host: string, uid: number, prompt: string): string {
  const [, token = ''] = /ckui-(\w+)</.exec(typed) ?? [];
  return `${typed}\nrackui-${token}<\r\n${host}\r\n/dev/ttyS0\r\n${uid}\r\nrackui-${token}>\r\n${prompt}`;
}

/** A node that shows `prompt` when woken; `act` says what else typing does. */
class Scene {
  readonly rack = new FakeRack();

  constructor(prompt: string, act: (typed: string) => void = () => undefined) {
    this.rack.console.onTyped = (typed) => {
      if (/^\x15?\r+$/.test(typed)) this.say(`\r\n${prompt}`);
      act(typed);
    };
  }

  say(text: string): void {
    this.rack.says(text);
  }

  async off(request: Parameters<FakeRack['start']>[0] = {}, seconds = 2): Promise<this> {
    await this.rack.start({ verb: 'off', confirm: NAME, ...request });
    await this.rack.clock.advance(seconds * 1000);
    return this;
  }

  async passes(seconds: number): Promise<void> {
    await this.rack.clock.advance(seconds * 1000);
  }

  get phase(): string | undefined {
    return this.rack.operation.nodes[0]?.phase;
  }

  get question(): string {
    return this.rack.operation.nodes[0]?.question?.text ?? '(no question)';
  }

  get end(): string {
    return this.rack.ends[0] ?? '';
  }

  get cut(): boolean {
    return this.rack.verbs.some(({ verb }) => verb.startsWith('off'));
  }

  get typed(): string[] {
    return this.rack.console.typed;
  }

  answer(choice: string, confirm: string | null = null): void {
    const { id, nodes } = this.rack.operation;
    const question = nodes[0]?.question?.id ?? '';
    this.rack.operations.answer(id, { addr: 3, question, choice, confirm }, OPERATOR);
  }
}

/** A healthy node with an open shell; what it says after the command is up to the test. */
function shell(after = ''): Scene {
  const scene: Scene = new Scene(PROMPT, (typed) => {
    if (typed.includes('poweroff')) scene.say(`${typed.replace('\r', '\r\n')}${after}`);
  });
  return scene;
}

const ACK = '\r\nBroadcast message from root@node (ttyS0):\r\n\r\nThe system will power off now!\r\n\r\n';

test('asked at a shell, acknowledged, halted, settled, cut', async () => {
  const scene = await shell(ACK).off();
  expect(scene.typed).toEqual(['\r', expect.stringMatching(SUDO)]);
  expect(scene.phase).toBe('stopping');
  scene.say(`[  311.1] systemd-shutdown[1]: Powering off.\r\n${HALT}`);
  await scene.passes(1);
  expect(scene.phase).toBe('settle');
  await scene.passes(3.8);
  expect(scene.cut).toBe(false);
  await scene.passes(1.2);
  expect(scene.end).toBe('done: is off, confirmed by two status replies');
  expect(scene.rack.log).toEqual(['console 03', 'audit intent 03', 'off 03', 'audit outcome 03']);
  expect(scene.rack.audits[0]?.evidence.map(({ kind }) => kind)).toEqual([
    ...['host', 'intent', 'request', 'ack', 'marker', 'touch'],
  ]);
  expect(scene.rack.console.released).toBe(1);
});

test('root needs no sudo; a node without systemd is asked in its own words', async () => {
  const scene: Scene = new Scene('~ # ', (typed) => {
    if (typed.includes('uname -n')) scene.say(identity(typed, NAME, 0, '~ # '));
    if (typed.startsWith('cat /proc/uptime; systemctl poweroff ||'))
      scene.say('systemctl poweroff\r\n-sh: systemctl: not found\r\n~ # ');
    if (typed.startsWith('cat /proc/uptime; poweroff ||'))
      scene.say('poweroff\r\nThe system is going down NOW!\r\nRequesting system poweroff\r\n');
  });
  await scene.off({}, 3);
  expect(scene.typed).toEqual([
    '\r',
    expect.stringContaining('uname -n'),
    expect.stringMatching(/^cat \/proc\/uptime; systemctl poweroff \|\| echo 'ra''ckui-\w+-failed'\r$/),
    expect.stringMatching(/^cat \/proc\/uptime; poweroff \|\| echo 'ra''ckui-\w+-failed'\r$/),
  ]);
  expect(scene.phase).toBe('stopping');
});

function login(outcome: string): Scene {
  const scene: Scene = new Scene(`Debian GNU/Linux 13 ${NAME} ttyS0\r\n\r\n${NAME} login: `, (typed) => {
    if (typed === 'pi\r') scene.say('pi\r\nPassword: ');
    if (typed === `${PASSWORD}\r`) scene.say(outcome);
    if (typed.includes('poweroff')) scene.say(`${typed}\n${ACK}`);
  });
  scene.rack.credentials = { user: 'pi', password: PASSWORD };
  return scene;
}

test('a login, once, with the configured credentials', async () => {
  const scene = await login(`\r\nLinux ${NAME} 6.12\r\n${PROMPT}`).off({}, 4);
  expect(scene.typed).toEqual(['\r', 'pi\r', `${PASSWORD}\r`, expect.stringMatching(SUDO)]);
  expect(scene.phase).toBe('stopping');
});

test.each([2_250, 2_350, 2_450])(
  'a login prompt %i ms after Enter, just before the screen is looked at, is no answer to the user’s name',
  async (lateMs) => {
    const scene = login(`\r\n${PROMPT}`);
    const act = scene.rack.console.onTyped;
    // Nothing stands there before Enter, and every answer is late.
    scene.rack.console.onTyped = (typed) => {
      const stop = scene.rack.clock.every(typed === '\r' ? lateMs : 600, () => {
        stop();
        if (typed === '\r') scene.say(`\r\n${NAME} login: `);
        else act(typed);
      });
    };
    await scene.off({}, 8);
    expect(scene.question).toBe('(no question)');
    expect(scene.typed.slice(-3)).toEqual(['pi\r', `${PASSWORD}\r`, expect.stringMatching(SUDO)]);
  },
);

test('a login that fails is not tried again unasked', async () => {
  const scene = await login(`\r\nLogin incorrect\r\n\r\n${NAME} login: `).off({}, 20);
  expect(scene.question).toContain('login on k8s-worker-04 failed: “Login incorrect”');
  expect(scene.typed).toEqual(['\r', 'pi\r', `${PASSWORD}\r`]);
});

test('the password appears nowhere, even where a console echoes it', async () => {
  const scene = await login(`${PASSWORD}\r\nLogin incorrect: ${PASSWORD}\r\n${NAME} login: `).off({}, 20);
  expect(scene.question).toContain('failed');
  const { published, journalled, audits, events } = scene.rack;
  expect(JSON.stringify([published, journalled, audits, events])).not.toContain(PASSWORD);
});

test.each([
  'Kernel panic - not syncing: Attempted to kill init!',
  '[  300.1] Kernel panic - not syncing: Fatal exception',
  'Login incorrect',
  'You are in emergency mode. After logging in, type "journalctl -xb"',
  'bob is not in the sudoers file. This incident will be reported.',
  'Your password has expired on the old rack: see the wiki',
  'Operation inhibited by the landlord',
])('a message of the day that says %j is no event: the node is asked', async (words) => {
  const scene = await login(`\r\nLinux ${NAME} 6.12\r\n${words}\r\nmore to read\r\n${PROMPT}`).off({}, 4);
  expect(scene.typed.at(-1)).toContain('sudo systemctl poweroff');
  expect(scene.phase).toBe('stopping');
});

test.each([
  [
    'an expired password',
    'You are required to change your password immediately (password expired).\r\nCurrent password: ',
    /required to change your password/,
  ],
  ['an account without a shell', 'This account is currently not available.\r\n', /currently not available/],
  ['another language', `\r\nAnmeldung fehlgeschlagen\r\n\r\n${NAME} login: `, /login on k8s-worker-04 failed/],
  [
    'the patience of login(1)',
    `\r\nLogin timed out after 60 seconds.\r\n\r\n${NAME} login: `,
    /did not finish \(Login timed out/,
  ],
  [
    'a node that goes down',
    'System is going down. Unprivileged users are not permitted to log in anymore.\r\n',
    /not permitted to log in/,
  ],
])('a login that ends at %s is named within seconds', async (_what, outcome, words) => {
  const scene = await login(`\r\n${outcome}`).off({}, 8);
  expect(scene.question).toMatch(words);
  expect(scene.typed.filter((typed) => typed.startsWith(PASSWORD))).toHaveLength(1);
});

test('a panic while it is logged into is one when nothing follows it', async () => {
  const scene = await login('\r\n[  300.1] Kernel panic - not syncing: Fatal exception\r\n').off({}, 8);
  expect(scene.question).toMatch(/The kernel of k8s-worker-04 panicked/);
});

test('without credentials somebody can do it by hand; the halt is watched for', async () => {
  const scene = await new Scene(`${NAME} login: `).off();
  expect(scene.question).toContain('no credentials');
  scene.answer('console');
  await settle();
  scene.say(`pi\r\nPassword: \r\n${PROMPT}sudo poweroff\r\n${ACK}${HALT}`);
  await scene.passes(11);
  expect(scene.end).toBe('done: is off, confirmed by two status replies');
});

test("sudo's password is given once, and only to its own user's prompt", async () => {
  const own = login(`\r\n${PROMPT}`);
  const act = own.rack.console.onTyped;
  let asked = 0;
  own.rack.console.onTyped = (typed) => {
    if (typed.includes('poweroff')) own.say(`${typed}\n[sudo] password for pi: `);
    else if (typed === `${PASSWORD}\r` && ++asked > 1) own.say('\r\nSorry, try again.\r\n[sudo] password for pi: ');
    else act(typed);
  };
  await own.off({}, 20);
  expect(own.question).toContain('Sorry, try again');
  expect(own.typed.filter((typed) => typed.startsWith(PASSWORD))).toHaveLength(2);
  expect(own.typed.at(-1)).toBe('\x03');

  const foreign = shell('[sudo] password for bob: ');
  foreign.rack.credentials = { user: 'pi', password: PASSWORD };
  await foreign.off({}, 3);
  expect(foreign.question).toContain('bob');
  expect(foreign.typed).not.toContain(`${PASSWORD}\r`);
});

test('another host at this address: nothing is asked of it, and no deadline cuts it', async () => {
  const scene = await new Scene('pi@somebody-else:~$ ').off({ deadlineS: 30, onDeadline: 'cut' });
  expect(scene.question).toContain('somebody-else');
  expect(scene.typed).toEqual(['\r']);
  await scene.passes(60);
  expect(scene.end).toMatch(/^deadline: .*not cut/);
  expect(scene.cut).toBe(false);
});

test('nothing on the console: Enter, Ctrl-Q, Enter, then a question', async () => {
  const scene = new Scene('');
  scene.rack.console.onTyped = () => undefined;
  await scene.off({}, 12);
  expect(scene.typed).toEqual(['\r', '\x11', '\r']);
  expect(scene.question).toContain('is silent, even after Ctrl-Q');
});

test('a quoted halt line is no halt: the shell speaks after it', async () => {
  const scene = await shell(ACK).off();
  scene.say(`[  12.345678] reboot: Power down\r\n${PROMPT}`);
  await scene.passes(20);
  expect(scene.cut).toBe(false);
  expect(scene.question).toContain('but it was followed by output');
  // The real one comes later, on a line of its own, and is still believed.
  scene.say(`\r\n${HALT}`);
  await scene.passes(11);
  expect(scene.end).toBe('done: is off, confirmed by two status replies');
});

test('what was printed before the request proves nothing, and neither does its echo', async () => {
  const scene = await shell('').off({}, 0);
  scene.rack.console.say(`${HALT}${PROMPT}`, START);
  await scene.passes(14);
  expect(scene.cut).toBe(false);
});

test.each([
  ['a true restart', '[  300.1] reboot: Restarting system\r\n', 'reboots instead'],
  ['a kernel that boots after the halt line', `${HALT}[    0.000000] Linux version 6.12.0\r\n`, 'reboots instead'],
  [
    'unclean file systems',
    `systemd-shutdown[1]: Unable to finalize remaining file systems, ignoring.\r\n${HALT}`,
    'not cleanly',
  ],
  ['a panic', '[  300.1] Kernel panic - not syncing: Attempted to kill init!\r\n', 'panicked'],
])('never cut: %s', async (_what, said, words) => {
  const scene = await shell(ACK).off();
  scene.say(said);
  await scene.passes(30);
  expect(scene.question).toContain(words);
  expect(scene.rack.operation.nodes[0]?.question?.choices[0]).toMatchObject({ key: 'leave', danger: false });
  // Nobody answers: it is left on.
  await scene.passes(400);
  expect(scene.end).toMatch(/^left-on: left on, because the prompt was not answered/);
  expect(scene.cut).toBe(false);
});

test("the bootloader's text after the halt is no restart, and settling begins anew after it", async () => {
  const scene = await shell(ACK).off();
  scene.say(`${HALT}\r\nRPi: BOOTLOADER release VERSION:8ba17717 DATE: 2026/01/11 part: 63\r\n`);
  await scene.passes(2);
  scene.say('BOOTMODE: 0x06 partition 63 build-ts 1673458872\r\nHalt: wake: 1 power_off: 0\r\n');
  await scene.passes(9);
  expect(scene.cut).toBe(false);
  await scene.passes(6);
  expect(scene.cut).toBe(true);
});

test('a stop job extends the limit up to the hard one, and is named', async () => {
  const scene = await shell(ACK).off();
  for (let s = 0; s < 280; s += 20) {
    scene.say(`[ ***  ] A stop job is running for Containerd (${s}s / no limit)\r\n`);
    await scene.passes(20);
    if (s < 260) expect(scene.rack.operation.nodes[0]?.detail).toContain('Containerd');
  }
  await scene.passes(60);
  expect(scene.question).toMatch(/does not end \(it waits for Containerd, 260s of no limit\)/);
  scene.say(HALT);
  await scene.passes(11);
  expect(scene.cut).toBe(true);
});

test('a request that nobody hears becomes a question; wait, retry and leave', async () => {
  const scene = await shell('').off({}, 17);
  expect(scene.question).toContain('shows no sign of it');
  scene.answer('wait');
  await scene.passes(59);
  expect(scene.phase).toBe('acknowledged');
  await scene.passes(2);
  expect(scene.phase).toBe('asking');
  scene.answer('retry');
  await scene.passes(2);
  expect(scene.typed.filter((typed) => typed.includes('poweroff'))).toHaveLength(2);
  await scene.passes(16);
  scene.answer('leave');
  await settle();
  expect(scene.end).toMatch(/^left-on: left on as ada from 192.0.2.7 chose/);
});

test('forcing needs the name, typed', async () => {
  const scene = await shell('').off({}, 17);
  expect(() => scene.answer('force')).toThrow(/confirmation is missing/);
  expect(() => scene.answer('force', 'k8s-worker-05')).toThrow(/does not match/);
  expect(() => scene.answer('explode')).toThrow(/no answer/);
  await settle();
  expect(scene.cut).toBe(false);
  scene.answer('force', NAME);
  await settle();
  expect(scene.end).toBe('done: is off, confirmed by two status replies');
  expect(scene.rack.audits[0]?.evidence.at(-1)?.text).toContain('ada');
});

test('at its deadline a node is left on; or cut, where that was confirmed', async () => {
  const left = await shell(ACK).off({ deadlineS: 40 }, 50);
  expect(left.end).toMatch(/^deadline: the deadline passed and it was left on/);
  expect(left.cut).toBe(false);
  const cut = await shell(ACK).off({ deadlineS: 40, onDeadline: 'cut' }, 39);
  expect(cut.cut).toBe(false);
  await cut.passes(2);
  expect(cut.end).toBe(
    'cut-unproven: is off, confirmed by two status replies; it was cut at its deadline, without proof that it had halted',
  );
  expect(cut.rack.audits[0]?.detail).toContain('deadline');
  expect(cut.rack.audits.at(-1)).toMatchObject({ stage: 'outcome', outcome: 'cut-unproven' });
  expect(exitCodeOf(cut.rack.operation)).toBe(EXIT.unproven);
});

test('aborted at the password prompt that it opened, it leaves none behind', async () => {
  const scene = await login('').off({}, 4);
  expect(scene.typed.at(-1)).toBe(`${PASSWORD}\r`);
  scene.rack.operations.abort(scene.rack.operation.id, OPERATOR);
  await scene.passes(1);
  expect(scene.typed.at(-1)).toBe('\x03');
});

test('abort says what goes on', async () => {
  const scene = await shell(ACK).off();
  scene.rack.operations.abort(scene.rack.operation.id, OPERATOR);
  await settle();
  expect(scene.end).toMatch(/^aborted: aborted: it was asked to shut down, which cannot be recalled/);
  scene.say(HALT);
  await scene.passes(20);
  expect(scene.cut).toBe(false);
});

test('a server that leaves cuts what has halted, and stops what was not asked', async () => {
  const scene = await shell(ACK).off({ nodes: [3, 5], label: 'these', confirm: 'these 2' });
  scene.say(HALT);
  await scene.passes(1);
  expect(scene.phase).toBe('settle');
  expect(scene.rack.operations.stopAllButGoing(OPERATOR)).toEqual([NAME]);
  expect(scene.rack.operations.stopAllButGoing(OPERATOR)).toEqual([NAME]);
  await scene.passes(10);
  expect(scene.rack.ends).toEqual([
    'done: is off, confirmed by two status replies',
    'aborted: aborted before its turn: nothing was sent',
  ]);
  expect(scene.rack.events.filter((text) => text.includes('aborts'))).toEqual([
    expect.stringMatching(/aborts operation \w+ on dk8s-worker-02$/),
  ]);
  expect([scene.rack.operations.busy(), scene.rack.operations.stopAllButGoing(OPERATOR)]).toEqual([false, []]);
});

test('a server that leaves hears the last line of a node that goes down, and cuts it', async () => {
  const scene = await shell(ACK).off();
  expect(scene.rack.operations.stopAllButGoing(OPERATOR)).toEqual([NAME]);
  await scene.passes(3);
  scene.say(HALT);
  await scene.passes(10);
  expect([scene.end, scene.cut]).toEqual(['done: is off, confirmed by two status replies', true]);
});

test('a server that leaves stops a cycle, which would leave the node off', async () => {
  const scene = await shell(ACK).off({ verb: 'cycle' });
  scene.say(HALT);
  await scene.passes(1);
  expect(scene.rack.operations.stopAllButGoing(OPERATOR)).toEqual([]);
  await scene.passes(10);
  expect(scene.end).toMatch(/^aborted/);
  expect(scene.cut).toBe(false);
});

test('a halt that is contradicted while the server waits for it stops then', async () => {
  const scene = await shell(ACK).off();
  scene.say(HALT);
  await scene.passes(1);
  expect(scene.rack.operations.stopAllButGoing(OPERATOR)).toEqual([NAME]);
  scene.say(`\r\n${NAME} login: `);
  await scene.passes(1);
  expect(scene.rack.operations.stopAllButGoing(OPERATOR)).toEqual([]);
  await scene.passes(10);
  expect([scene.end, scene.cut]).toEqual([expect.stringMatching(/^aborted/), false]);
});

test('a shell that we opened is closed where the node stays on', async () => {
  const scene = await login(`\r\n${PROMPT}`).off({}, 4);
  scene.say(`\r\n${PROMPT}`);
  await scene.passes(1);
  scene.rack.operations.abort(scene.rack.operation.id, OPERATOR);
  await settle();
  expect(scene.typed.at(-1)).toBe('exit\r');
});

test('a console that goes away while the halt settles: settling begins anew, or becomes a question', async () => {
  for (const [seconds, phase] of [
    [1, 'settle'],
    [6, 'asking'],
  ] as const) {
    const scene = await shell(`${ACK}${HALT}`).off({}, 4);
    expect(scene.phase).toBe('settle');
    scene.rack.console.become({ open: false, proven: false, why: 'lent to a verb' });
    await scene.passes(seconds);
    expect(scene.cut).toBe(false);
    scene.rack.console.become({ open: true, proven: false, why: '' });
    await scene.passes(4);
    expect([scene.phase, scene.cut]).toEqual([phase, false]);
  }
});

test('a console that stays away becomes a question; when it is back the shutdown goes on', async () => {
  const scene = await shell(ACK).off();
  scene.rack.console.become({ open: false, proven: false, why: 'the port vanished' });
  await scene.passes(12);
  expect(scene.question).toContain('the port vanished');
  scene.rack.console.become({ open: true, proven: false, why: '' });
  await scene.passes(1);
  expect(scene.phase).toBe('stopping');
});

test('a halted node whose BMC does not answer stays powered until it does', async () => {
  const scene = await shell(`${ACK}${HALT}`).off({}, 2);
  scene.rack.trouble.set(3, { ok: false, failure: 'silent', detail: 'the BMC at 03 does not answer' });
  await scene.passes(9);
  expect(scene.question).toMatch(/The BMC of k8s-worker-04 does not answer any more \(the BMC at 03 does not answer/);
  expect(scene.cut).toBe(false);
  scene.rack.trouble.delete(3);
  scene.answer('retry');
  await scene.passes(11);
  expect(scene.end).toBe('done: is off, confirmed by two status replies');
});

test('cycle: halted, cut, two seconds, on', async () => {
  const scene = shell(`${ACK}${HALT}`);
  await scene.rack.start({ verb: 'cycle', confirm: NAME });
  await scene.passes(20);
  const [off, on] = scene.rack.verbs;
  expect([off?.verb, on?.verb]).toEqual(['off 03', 'on 03']);
  expect((on?.at ?? 0) - (off?.at ?? 0)).toBe(2);
  expect(scene.end).toBe('done: is on again, confirmed by two status replies');
});

test('a node that is off needs no shutdown', async () => {
  const scene = shell();
  scene.rack.power.set(3, 'off');
  await scene.off();
  expect(scene.end).toBe('done: was off already');
  expect(scene.rack.log).toEqual([]);
});

test('two operations take turns at the one console', async () => {
  const scene = shell('');
  await scene.off();
  await scene.rack.start({ verb: 'off', nodes: [5], confirm: 'dk8s-worker-02' });
  await scene.passes(1);
  expect(scene.rack.log).toEqual(['console 03']);
  expect(scene.rack.operation.nodes[0]).toMatchObject({ name: 'dk8s-worker-02', phase: 'waiting' });
  scene.rack.operations.abort(scene.rack.operations.list()[0]?.id ?? '', OPERATOR);
  await settle();
  expect(scene.rack.log).toEqual(['console 03', 'console 05']);
});

test('an operation that waits for the console does not wait beyond its deadline', async () => {
  const scene = shell('');
  await scene.off();
  const other = { verb: 'off', nodes: [5], confirm: 'dk8s-worker-02', deadlineS: 10 } as const;
  await scene.rack.start({ ...other, nodes: [5] });
  await scene.passes(11);
  expect(scene.end).toMatch(/^deadline: the deadline passed before its turn/);
  await scene.rack.start({ ...other, nodes: [5], onDeadline: 'cut' });
  await scene.passes(11);
  expect(scene.end).toBe(
    'cut-unproven: is off, confirmed by two status replies; it was cut at its deadline, without proof that it had halted',
  );
  expect(scene.rack.verbs.map(({ verb }) => verb)).toEqual(['off 05']);
});
