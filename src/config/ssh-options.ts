/**
 * The ssh options that a configuration may set. Every other option is refused: ssh has some that run programs
 * (`ProxyCommand`, `LocalCommand`, `KnownHostsCommand`, `Match exec`), load libraries (`PKCS11Provider`), read
 * further configuration (`Include`) or accept unknown hosts (`NoHostAuthenticationForLocalhost`, `HostKeyAlias`), and
 * its next release may bring more.
 */
import { didYouMean } from '../lib/words.ts';

interface Rule {
  value: RegExp;
  /** An example of a value, for the refusal. */
  example: string;
}

const YES_NO: Rule = { value: /^(?:yes|no)$/, example: 'yes' };
const NUMBER: Rule = { value: /^\d{1,5}$/, example: '3' };
/** Lists of algorithms; a leading `+`, `-` or `^` changes ssh's own list. */
const ALGORITHMS: Rule = { value: /^[+^-]?[\w@.*?-]+(?:,[\w@.*?-]+)*$/, example: 'NAME,NAME' };
/** One absolute path of plain characters: ssh would expand `~`, `%` and `$`, and reads several files at spaces. */
const PATH: Rule = {
  value: /^\/(?!dev\/|proc\/|sys\/)(?!.*\/\.{1,2}(?:\/|$))[\w./@+:,-]+$/,
  example: '/etc/rackui/FILE',
};

/** Allowed options by name, as OpenSSH documents them; ssh itself ignores the case. */
const ALLOWED: Readonly<Record<string, Rule>> = {
  ProxyJump: {
    value:
      /^(?!none$)(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9_[][\w.:[\]-]*(?:,(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9_[][\w.:[\]-]*)*$/,
    example: 'admin@gate.example:22',
  },
  AddressFamily: { value: /^(?:any|inet|inet6)$/, example: 'inet' },
  BindAddress: { value: /^[A-Za-z0-9:][\w.:%-]*$/, example: '192.0.2.1' },
  BindInterface: { value: /^[A-Za-z0-9][\w.:-]{0,14}$/, example: 'eth0' },
  Compression: YES_NO,
  TCPKeepAlive: YES_NO,
  ConnectTimeout: NUMBER,
  ConnectionAttempts: NUMBER,
  ServerAliveInterval: NUMBER,
  ServerAliveCountMax: NUMBER,
  RequiredRSASize: NUMBER,
  Ciphers: ALGORITHMS,
  MACs: ALGORITHMS,
  KexAlgorithms: ALGORITHMS,
  HostKeyAlgorithms: ALGORITHMS,
  PubkeyAcceptedAlgorithms: ALGORITHMS,
  CASignatureAlgorithms: ALGORITHMS,
  UserKnownHostsFile: PATH,
  GlobalKnownHostsFile: PATH,
  CertificateFile: PATH,
  IdentityAgent: PATH,
};

const BY_LOWER_CASE = new Map(Object.entries(ALLOWED).map(([name, rule]) => [name.toLowerCase(), { name, rule }]));

/** Returns the reason why `option` (KEY=VALUE) cannot be set, or null where it can. */
export function refuseSshOption(option: string): string | null {
  const [, key, value] = /^([A-Za-z0-9]+)=(.*)$/su.exec(option) ?? [];
  if (key === undefined || value === undefined) return 'an ssh option as KEY=VALUE, e.g. ProxyJump=gate.example';
  const found = BY_LOWER_CASE.get(key.toLowerCase());
  if (found === undefined)
    return `${key} is not allowed: ssh uses keys only, checks host keys and runs no programs; allowed are ${Object.keys(ALLOWED).join(', ')}${didYouMean(key, Object.keys(ALLOWED))}`;
  const { name, rule } = found;
  return rule.value.test(value) ? null : `${name} expects a value such as ${name}=${rule.example}`;
}

/** Returns the known hosts files in the options: a user who can write one decides which hosts are trusted. */
export function knownHostsFiles(options: readonly string[]): string[] {
  return options.flatMap((option) => /^(?:User|Global)KnownHostsFile=(.*)$/i.exec(option)?.[1] ?? []);
}
