import { expect, test } from 'vitest';
import { keysOf, nextPress, readScreenState, type Press, type ScreenState } from '../../src/console/screen-state.ts';
import { NodeScreen } from '../../src/console/screen.ts';

/** What stands on the screen of a console that printed this. */
async function standing(output: string): Promise<ScreenState> {
  const screen = new NodeScreen({ cols: 80, rows: 24, scrollback: 10 });
  screen.write(Buffer.from(output));
  await screen.flush();
  const read = readScreenState(screen.around());
  screen.dispose();
  return read;
}

test.each([
  ['U-Boot', 'U-Boot 2024.01\r\n\r\nU-Boot> '],
  ['U-Boot with a half-typed line', '=> mmc erase 0'],
  ['GRUB', 'error: no such partition.\r\ngrub rescue> '],
  ['GRUB’s menu', '                             GNU GRUB  version 2.12\r\n\r\n Debian GNU/Linux\r\n'],
  ['an initial RAM disk', '\r\n(initramfs) '],
  ['dracut', 'Generating "/run/initramfs/rdsosreport.txt"\r\ndracut:/# '],
  ['a countdown', 'Hit any key to stop autoboot:  2 '],
  ['a countdown that ended its line', 'Press any key to enter setup\r\n'],
  ['fsck', 'Inode 7 has illegal blocks.  Clear<y>? '],
  ['apt', 'Do you want to continue? [Y/n] '],
  ['ssh', 'Are you sure you want to continue connecting (yes/no/[fingerprint])? '],
  ['German apt', 'Möchten Sie fortfahren? [J/n] '],
  ['a menu of numbers', 'Enter your choice (1-4): '],
  ['a passphrase', 'Enter passphrase for /dev/mmcblk0p3: '],
  ['a disk’s key', 'Please unlock disk data_crypt: '],
  ['a key’s PIN', 'Enter PIN for token: '],
  ['a login’s password', 'node7 login: ops\r\nPassword: '],
  ['sudo in German', '[sudo] Passwort für ops: '],
  ['less', 'one\r\ntwo\r\n\x1b[7m(END)\x1b[m'],
  ['more', 'one\r\ntwo\r\n--More--(54%)'],
  ['a pager of systemd', 'lines 1-23'],
  ['vi without an alternate screen', `text\r\n~\r\n~\r\n~\r\n~\r\n~\r\n\x1b[2;1H`],
  ['nano', '  GNU nano 7.2      /etc/fstab\r\n\r\n\r\n^G Help  ^O Write Out\x1b[3;1H'],
  ['a program on the alternate screen', 'ops@node7:~$ htop\r\n\x1b[?1049h\x1b[Htasks: 3\x1b[5;1H'],
  ['Python', '>>> '],
  ['MariaDB', 'MariaDB [(none)]> '],
  ['an unfinished command', 'ops@node7:~$ echo "one\r\n> '],
])('%s gets no key', async (_what, output) => {
  const read = await standing(output);
  expect(read.is).toBe('taken');
  for (const fresh of [true, false])
    for (const answered of [true, false]) expect(nextPress(read, { fresh, answered }, [])).toBeNull();
});

test.each<[string, string, ScreenState['is'], string]>([
  ['a login prompt', '\r\nnode7 login: ', 'prompt', 'node7 login:'],
  ['a shell prompt', '\x1b[32mops@node7\x1b[m:~$ ', 'prompt', 'ops@node7:~$'],
  [
    'a prompt that a shell drew anew over a line',
    'ops@node7:~$ rm -rf x\r\x1b[Kops@node7:~$ ',
    'prompt',
    'ops@node7:~$',
  ],
  ['a prompt whose text was erased', 'ops@node7:~$ ls\b\b  \b\b', 'prompt', 'ops@node7:~$'],
  ['a shell prompt with text', 'ops@node7:~$ rm -rf /srv/old', 'typed', 'ops@node7:~$ rm -rf /srv/old'],
  ['text that wraps', `ops@node7:~$ ${'x'.repeat(90)}`, 'typed', `ops@node7:~$ ${'x'.repeat(90)}`],
  ['a cursor in the midst of text', 'root@node7:~# reboot\x1b[3D', 'typed', 'root@node7:~# reboot'],
  ['half a user name', 'node7 login: op', 'typed', 'node7 login: op'],
  ['zsh', 'node7% ', 'sign', 'node7%'],
  ['zsh with a time at the right edge', 'node7%                      12:00:00\r\x1b[7C', 'sign', 'node7%'],
  ['fish', 'ops@node7 ~> ', 'sign', 'ops@node7 ~>'],
  ['a symbol', 'ops in node7 in ~\r\n❯ ', 'sign', '❯'],
  ['a percentage', 'Unpacking  45%', 'text', 'Unpacking  45%'],
  ['a step of a boot', 'Starting the network', 'text', 'Starting the network'],
  ['output that ended', 'done.\r\n', 'rest', 'done.'],
  ['our own control character', '^L', 'nothing', ''],
])('%s', async (_what, output, is, text) => {
  expect(await standing(output)).toMatchObject({ is, text });
});

/** Keys pressed until none is left, where nothing answers. */
function silent(read: ScreenState, fresh: boolean): Press[] {
  const done: Press[] = [];
  for (
    let next = nextPress(read, { fresh, answered: false }, done);
    next;
    next = nextPress(read, { fresh, answered: false }, done)
  )
    done.push(next);
  return done;
}

test('Enter comes after the screen was drawn anew, and again only behind Ctrl-Q and silence', async () => {
  expect(silent(await standing(''), false)).toEqual(['redraw', 'enter', 'resume', 'enter']);
  expect(silent(await standing('done.\r\n'), true)).toEqual(['enter', 'resume', 'enter']);
  expect(silent(await standing('node7 login: '), false)).toEqual(['enter', 'resume', 'enter']);
  expect(nextPress(await standing('\r\n'), { fresh: true, answered: true }, ['redraw', 'enter'])).toBeNull();
});

test('a line with text on it is emptied, and Enter is never pressed behind it while it is seen', async () => {
  for (const output of ['ops@node7:~$ rm -rf x', 'node7 login: op', 'root@node7:~# mkfs /dev/sda1']) {
    expect(silent(await standing(output), true)).toEqual(['clear']);
    expect(silent(await standing(output), false)).not.toContain('enter');
  }
  // A line editor draws it anew; what reads whole lines gets an empty one.
  expect(silent(await standing('Starting the network'), true)).toEqual(['clear', 'redraw', 'clear']);
});

test('no key that is pressed holds the byte that closes the pipe', () => {
  for (const press of ['redraw', 'clear', 'enter', 'resume'] as const)
    for (const before of [[], ['redraw']] as Press[][]) expect(keysOf(press, before)).not.toContain('\x07');
});
