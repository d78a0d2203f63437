import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { refuseSshOption } from '../../src/config/ssh-options.ts';

test.each([
  'ProxyJump=gate',
  'proxyjump=admin@gate.example:2222,[2001:db8::1]:22',
  'ServerAliveInterval=15',
  'KexAlgorithms=+diffie-hellman-group14-sha1',
  'HostKeyAlgorithms=^ssh-ed25519,rsa-sha2-512',
  'UserKnownHostsFile=/etc/rackui/known_hosts',
  'ADDRESSFAMILY=inet6',
])('%s is allowed', (option) => expect(refuseSshOption(option)).toBeNull());

test.each([
  // Programs.
  'ProxyCommand=sh -c "nc gate 22"',
  'pROXYcOMMAND=none',
  'ProxyUseFdpass=yes',
  'LocalCommand=touch /tmp/x',
  'PermitLocalCommand=yes',
  'KnownHostsCommand=/bin/cat /tmp/hosts',
  'XAuthLocation=/tmp/xauth',
  'Match=exec "true"',
  'SecurityKeyProvider=/tmp/sk.so',
  'PKCS11Provider=/tmp/p11.so',
  // Trust in hosts.
  'StrictHostKeyChecking=accept-new',
  'NoHostAuthenticationForLocalhost=yes',
  'HostKeyAlias=any',
  'VerifyHostKeyDNS=yes',
  'RevokedHostKeys=none',
  'CanonicalizeHostname=always',
  'UserKnownHostsFile=/dev/null',
  'UserKnownHostsFile=/etc/../dev/null',
  'UserKnownHostsFile=/proc/self/fd/0',
  'GlobalKnownHostsFile=none',
  'UserKnownHostsFile=~/hosts',
  'UserKnownHostsFile=/home/%u/hosts',
  'UserKnownHostsFile=/a /b',
  // Ways of authentication, other configuration, forwarding.
  'PasswordAuthentication=yes',
  'HostbasedAuthentication=yes',
  'GSSAPIAuthentication=yes',
  'Include=/tmp/more',
  'ForwardAgent=yes',
  'RemoteForward=22 localhost:22',
  'ControlPath=/tmp/master',
  'SendEnv=*',
  // Other spellings and other arguments of ssh.
  'ProxyCommand sh -c true',
  'ProxyJump gate',
  ' ProxyCommand=x',
  'ProxyCommand =x',
  '-oProxyCommand=x',
  '-F/tmp/config',
  '-F',
  'ProxyJump=-oProxyCommand=x',
  'ProxyJump=gate,-x',
  'ProxyJump=a b',
  'ProxyJump=gate\nProxyCommand=x',
  'ProxyJump=$(id)',
  'ProxyJump=',
  'Ciphers="aes"',
  'BindAddress=-x',
])('%j is refused', (option) => {
  expect(refuseSshOption(option)).not.toBeNull();
  expect(() => parseConfig(`ssh: { options: [${JSON.stringify(option)}] }\n`, 'x')).toThrow(
    /^x:1:18: ssh\.options\.0: /,
  );
});
