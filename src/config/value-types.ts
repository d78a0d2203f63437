/**
 * Values that several sections of the configuration share.
 *
 * Regular expressions that users write (`--expect`, `console.triggers`) run in an engine without backtracking: its
 * time grows with the text's length, whatever the pattern, because a node chooses the text. Syntax is RE2's.
 *
 * The ssh options that a configuration may set. Every other option is refused: ssh has some that run programs
 * (`ProxyCommand`, `LocalCommand`, `KnownHostsCommand`, `Match exec`), load libraries (`PKCS11Provider`), read
 * further configuration (`Include`) or accept unknown hosts (`NoHostAuthenticationForLocalhost`, `HostKeyAlias`), and
 * its next release may bring more.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { z } from 'zod';
import { didYouMean } from '../lib/words.ts';

export interface Pattern {
  /** The pattern as written. */
  readonly source: string;
  /** Returns the UTF-16 offsets of the first match, or null. */
  find(text: string): { start: number; end: number } | null;
}

/**
 * Compiles a pattern. `lines`: `^` and `$` match at line ends too. @throws Error that names what the engine does not
 * support
 */
export function compilePattern(source: string, options: { lines?: boolean } = {}): Pattern {
  const engine = load();
  let compiled: RE2JS;
  try {
    compiled = engine.compile(engine.translateRegExp(source), options.lines === true ? engine.MULTILINE : 0);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw new Error(
      `'${source}' is not a regular expression of RE2, which has no lookaround and no backreferences: ${why}`,
      {
        cause: error,
      },
    );
  }
  return {
    source,
    find(text) {
      const matcher = compiled.matcher(text);
      return matcher.find() ? { start: matcher.start(), end: matcher.end() } : null;
    },
  };
}

/** Loads the engine at the first pattern: it costs a start 11 ms, and most configurations have none. */
function load(): typeof RE2JS {
  return (createRequire(import.meta.url)('re2js') as { RE2JS: typeof RE2JS }).RE2JS;
}

export const seconds = z.number().positive().max(86_400);

export const baud = z.union([z.literal(115200), z.literal(9600), z.literal(19200), z.literal(57600)]);

/** A secret comes from a file or from a program's output, never from the configuration's text. */
export const secret = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ command: z.array(z.string().min(1)).min(1) }),
]);
export type SecretSource = z.infer<typeof secret>;

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
