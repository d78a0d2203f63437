import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HostNameReader } from '../../src/console/hostname.ts';

test.each([
  ["getty's banner", 'Debian GNU/Linux 13 k8s-worker-04 ttyS0\r\n', 'k8s-worker-04'],
  ['a banner of Raspberry Pi OS', 'Raspbian GNU/Linux 12 pi4.lan ttyAMA0\r\n', 'pi4.lan'],
  ['a login prompt', '\r\nns01 login: ', 'ns01'],
  ['a shell prompt, coloured', '\x1b[01;32mpi@ns01\x1b[00m:\x1b[01;34m~\x1b[00m$ ', 'ns01'],
  ['the later of two', 'Debian GNU/Linux 13 a ttyS0\r\npi@b:~$ ', 'b'],
  ['a login prompt without a name', 'login: ', null],
  ['a shell prompt without a name', '# ', null],
  ['a line about logins', 'Last login: ', null],
  ['a kernel line', '[    1.234567] printk: console [ttyS0] enabled\r\n', null],
  ['a mail address', 'write to root@example.org\r\n', null],
])('%s', (_what, text, host) => {
  expect(new HostNameReader().feed(`\r\n${text}`)).toBe(host);
});

test('however the text is split, the last name is the same', () => {
  const text = '\r\nDebian GNU/Linux 13 ns01 ttyS0\r\n\r\nns01 login: pi\r\nPassword: \r\n\x1b[1mpi@ns01\x1b[0m:~$ ';
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 20 }), (sizes) => {
      const reader = new HostNameReader();
      let last: string | null = null;
      let at = 0;
      for (const size of [...sizes, text.length]) {
        last = reader.feed(text.slice(at, at + size)) ?? last;
        at += size;
      }
      expect(last).toBe('ns01');
    }),
  );
});

test('the rest of a line whose beginning was not heard names nobody', () => {
  const reader = new HostNameReader();
  expect(reader.feed('04 login: ')).toBeNull();
  expect(reader.feed('\r\nk8s-worker-04 login: ')).toBe('k8s-worker-04');
  reader.feed('\r\nk8s-wor');
  reader.torn();
  expect(reader.feed('01 login: ')).toBeNull();
});

test('a flood without line ends is bounded', () => {
  const reader = new HostNameReader();
  for (let n = 0; n < 1000; n++) reader.feed('x'.repeat(1000));
  expect(reader.feed('\r\nns01 login: ')).toBe('ns01');
});

test('a prompt that a kernel message interrupted names its host', () => {
  for (const prompt of ['node7 login: ', 'ops@node7:~$ ', '[root@node7 etc]# ']) {
    const names = new HostNameReader();
    expect(names.feed(`\r\n${prompt}[   61.204417] mmc0: card removed\r\n`)).toBe('node7');
  }
});
