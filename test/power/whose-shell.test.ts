import { expect, test } from 'vitest';
import { FakeRack, OPERATOR } from './fake-rack.ts';

const NAME = 'k8s-worker-04';
const PASSWORD = 'correct horse';

/** A node whose console shows `prompt` after Enter, and answers what is typed as `act` says. */
class Scene {
  readonly rack = new FakeRack();

  constructor(prompt: string, act: (typed: string, scene: Scene) => void = () => undefined) {
    this.rack.credentials = { user: 'ops', password: PASSWORD };
    this.rack.console.onTyped = (typed) => {
      if (/^[^ -~]*\r$/.test(typed)) this.say(`\r\n${prompt}`);
      else act(typed, this);
    };
  }

  say(text: string): void {
    this.rack.says(text);
  }

  async off(seconds = 6): Promise<this> {
    await this.rack.start({ verb: 'off', confirm: NAME });
    await this.rack.clock.advance(seconds * 1000);
    return this;
  }

  get question(): string {
    return this.rack.operation.nodes[0]?.question?.text ?? '(no question)';
  }

  get typed(): string {
    return this.rack.console.typed.join('');
  }

  async answer(choice: string, seconds = 4): Promise<void> {
    const { id, nodes } = this.rack.operation;
    const question = nodes[0]?.question?.id ?? '';
    this.rack.operations.answer(id, { addr: 3, question, choice, confirm: null }, OPERATOR);
    await this.rack.clock.advance(seconds * 1000);
  }
}

/** What a shell prints that runs the question for its identity. */
function identity(typed: string, lines: string[]): string {
  const [, token = ''] = /ckui-(\w+)</.exec(typed) ?? [];
  return `${typed}\n${[`rackui-${token}<`, ...lines, `rackui-${token}>`].join('\r\n')}\r\n`;
}

const shell =
  (prompt: string, lines: string[]) =>
  (typed: string, scene: Scene): void => {
    if (typed.includes('uname -n')) scene.say(identity(typed, lines) + prompt);
    else scene.say(typed.replace('\r', '\r\n'));
  };

test.each([
  ['# ', '0', 'cat /proc/uptime; systemctl poweroff ||'],
  ['bash-5.2# ', '0', 'cat /proc/uptime; systemctl poweroff ||'],
  ['/srv > ', '1000', 'sudo systemctl poweroff ||'],
  ['12:00 ❯ ', '1000', 'sudo systemctl poweroff ||'],
])('a shell at ‘%s’ that names the node is asked to shut it down', async (prompt, uid, request) => {
  const scene = await new Scene(prompt, shell(prompt, [`${NAME}.rack.example.org`, '/dev/ttyAMA0', uid])).off();
  expect(scene.typed).toContain(request);
  expect(scene.rack.operation.nodes[0]?.evidence.map(({ text }) => text)).toContain('its shell is on /dev/ttyAMA0');
});

test.each([
  ['/ # ', ['web-6c9f', '/dev/pts/0', '0']],
  ['[root@ ~]# ', ['db-0', 'not a tty', '0']],
  ['sh-5.2$ ', ['build-host', '/dev/pts/3', '1000']],
])('a shell at ‘%s’ that names another machine gets no command', async (prompt, lines) => {
  const scene = await new Scene(prompt, shell(prompt, lines)).off();
  expect(scene.question).toContain(`belongs to ‘${lines[0] ?? ''}’`);
  expect(scene.typed).not.toContain('poweroff');
});

test.each([
  ['answers nothing', '/app # ', (typed: string, scene: Scene): void => scene.say(`${typed}\n/app # `)],
  ['knows no such command', '$ ', shell('$ ', ['sh: uname: not found', 'sh: hostname: not found'])],
  ['says nothing at all', '# ', (): void => undefined],
])('a shell that %s gets no command, and its prompt is quoted', async (_what, prompt, act) => {
  const scene = await new Scene(prompt, act).off(9);
  expect(scene.question).toContain(`did not report its host name`);
  expect(scene.question).toContain(`“${prompt.trim()}”`);
  expect(scene.typed).not.toContain('poweroff');
});

test('a line above the prompt from before Enter names nobody', async () => {
  const scene = new Scene('λ ', (typed, self) => self.say(`${typed}\nλ `));
  scene.rack.console.onTyped = (
    (former) => (typed: string) =>
      former(typed)
  )(scene.rack.console.onTyped);
  await scene.rack.start({ verb: 'off', confirm: NAME });
  scene.say(`${NAME}:~$ docker exec -it web sh\r\n`);
  await scene.rack.clock.advance(9_000);
  expect(scene.typed).not.toContain('poweroff');
});

test.each(['login: ', 'Username: login: '])(
  'at a nameless ‘%s’ neither user nor password is typed unasked',
  async (prompt) => {
    const scene = await new Scene(prompt).off(12);
    expect(scene.typed).not.toContain('ops');
    expect(scene.rack.log).not.toContain('credentials asked for');
  },
);

test('a nameless login gets the credentials where its banner names the node, or an operator vouches for it', async () => {
  const act = (typed: string, scene: Scene): void => {
    if (typed === 'ops\r') scene.say('ops\r\nKennwort: ');
  };
  const banner = await new Scene(`Debian GNU/Linux 13 ${NAME} ttyS0\r\n\r\nlogin: `, act).off();
  expect(banner.typed).toContain(`ops\r${PASSWORD}\r`);
  const vouched = await new Scene('login: ', act).off();
  expect(vouched.question).toContain('shows no host name');
  await vouched.answer('trust');
  expect(vouched.typed).toContain(`ops\r${PASSWORD}\r`);
});

test.each(['Verification code: ', 'New password: ', 'Current Password: '])(
  'a login that asks ‘%s’ does not get the password',
  async (asks) => {
    const act = (typed: string, scene: Scene): void => {
      if (typed === 'ops\r') scene.say(`ops\r\n${asks}`);
    };
    const scene = await new Scene(`${NAME} login: `, act).off(8);
    expect(scene.typed).not.toContain(PASSWORD);
  },
);

test.each([
  ['an unknown prompt', '┌──(ops)-[~]\r\n└─$ '],
  ['a lone >', '> '],
  ['no sign at all', 'ready '],
])('behind a login, a shell with %s is proven by what it prints', async (_what, prompt) => {
  const scene: Scene = new Scene(`${NAME} login: `, (typed, self) => {
    if (typed === 'ops\r') self.say('ops\r\nMot de passe : ');
    else if (typed === `${PASSWORD}\r`) self.say(`\r\nLast login: today\r\n${prompt}`);
    else shell(prompt, [NAME, '/dev/ttyS0', '1000'])(typed, self);
  });
  await scene.off(8);
  expect(scene.typed).toContain('sudo systemctl poweroff');
});

test.each([
  ['nologin', 'This account is currently not available.'],
  ['an account whose shell is gone', 'Cannot execute /usr/bin/zsh: No such file or directory'],
])('a login with %s is named', async (_what, line) => {
  const scene: Scene = new Scene(`${NAME} login: `, (typed, self) => {
    if (typed === 'ops\r') self.say('ops\r\nPassword: ');
    else if (typed === `${PASSWORD}\r`) self.say(`\r\n${line}\r\n`);
  });
  await scene.off(8);
  expect(scene.question).toContain(line);
});

test.each(['ops steht nicht in der sudoers-Datei.', 'Unbekannter Befehl', 'systemctl: échec'])(
  'a request that fails with ‘%s’ is a refusal in the node’s own words',
  async (line) => {
    const scene: Scene = new Scene(`ops@${NAME}:~$ `, (typed, self) => {
      const [, token = ''] = /ckui-(\w+)-failed/.exec(typed) ?? [];
      self.say(`${typed}\n${line}\r\nrackui-${token}-failed\r\nops@${NAME}:~$ `);
    });
    await scene.off(4);
    expect(scene.question).toContain(`does not let this user shut it down: “${line}”`);
  },
);

test('a C shell, which knows no variables ahead of a command, is asked again without', async () => {
  const scene: Scene = new Scene(`ops@${NAME}:~$ `, (typed, self) => {
    const [, token = ''] = /ckui-(\w+)-failed/.exec(typed) ?? [];
    if (typed.includes('SUDO_PROMPT'))
      self.say(`${typed}\nSUDO_PROMPT=rackui-${token} %p: : Command not found.\r\nrackui-${token}-failed\r\n`);
  });
  await scene.off(4);
  expect(scene.rack.console.typed.at(-1)).toMatch(/^cat \/proc\/uptime; sudo systemctl poweroff \|\|/);
});

test.each([
  ['a question', 'Remove 3 packages? [Y/n] '],
  ['a passphrase', 'Please enter passphrase for disk root: '],
  ['a boot loader', 'U-Boot> '],
])('a console that stands at %s gets no key, and the words quote it', async (_what, line) => {
  const scene = new Scene('');
  scene.rack.console.opened();
  await scene.rack.start({ verb: 'off', confirm: NAME });
  scene.say(`\r\n${line}`);
  await scene.rack.clock.advance(6_000);
  expect(scene.typed).toBe('');
  expect(scene.question).toContain(line.trim());
});

test.each(['n1% ', 'ok » ', '❯ '])(
  'a console that the prompt ‘%s’ has not proven gets Enter until it has',
  async (prompt) => {
    let enters = 0;
    const scene: Scene = new Scene('', (typed, self) => shell(prompt, [NAME, '/dev/ttyS0', '1000'])(typed, self));
    const act = scene.rack.console.onTyped;
    scene.rack.console.condition = { open: true, proven: false, why: 'nothing came yet' };
    scene.rack.console.onTyped = (typed) => {
      if (!typed.endsWith('\r') || /[ -~]/.test(typed)) {
        act(typed);
        return;
      }
      if (++enters === 3) scene.rack.console.become({ open: true, proven: true, why: '' });
      scene.say(`\r\n${prompt}`);
    };
    await scene.off(9);
    expect(enters).toBe(3);
    expect(scene.typed).toContain('sudo systemctl poweroff');
  },
);
