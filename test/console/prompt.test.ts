import { expect, test } from 'vitest';
import { readPrompt } from '../../src/console/recognizer.ts';

const shell = (root: boolean, user: string | null = null, host: string | null = null): object => ({
  kind: 'shell',
  root,
  user,
  host,
});

test.each<[string, object | null]>([
  ['k8s-worker-04 login: ', { kind: 'login', host: 'k8s-worker-04' }],
  ['login: ', { kind: 'login', host: null }],
  ['node.example.org login:', { kind: 'login', host: 'node.example.org' }],
  ['Last login: Tue Jul 14', null],
  ['Password: ', { kind: 'password', user: null }],
  ['[sudo] password for pi: ', { kind: 'password', user: 'pi' }],
  ['[sudo: authenticate] Password: ', { kind: 'password', user: null }],
  ['Enter passphrase for key: ', null],
  ['pi@node:~$ ', shell(false, 'pi', 'node')],
  ['root@node:/etc# ', shell(true, 'root', 'node')],
  ['[root@node ~]# ', shell(true, 'root', 'node')],
  ['(venv) pi@node:~/src $ ', shell(false, 'pi', 'node')],
  ['pi@node:~ $ ', shell(false, 'pi', 'node')],
  ['$ ', shell(false)],
  ['# ', shell(true)],
  ['~ # ', shell(true)],
  ['/etc # ', shell(true)],
  ['pi@node:~$ ls', null],
  ['costs 5 $ ', null],
  ['100%# ', null],
  ['U-Boot> ', { kind: 'uboot-shell' }],
  ['=> ', { kind: 'uboot-shell' }],
  ['(initramfs) ', { kind: 'initramfs-shell' }],
  ['', null],
])('%j', (tail, prompt) => {
  expect(readPrompt(tail)).toEqual(prompt);
});

test.each([
  ['[sudo] Passwort für ops: ', null],
  ['[sudo] Mot de passe de ops : ', null],
  ['[sudo] ops のパスワード：', null],
  ['[sudo: authenticate] Contraseña: ', null],
  ['(ops@node7) Password: ', null],
  ['rackui-4f ops: ', 'ops'],
])('‘%s’ is a password prompt', (tail, user) => {
  expect(readPrompt(tail)).toEqual({ kind: 'password', user });
});
