/**
 * A real sshd on loopback behind the simulated nodes' ports: own host keys, a client's key, and a forced command that has
 * the simulated rack run on the node that was called what was asked for. A node's port opens and closes with its guest; the port is not
 * privileged.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const SSHD = '/usr/sbin/sshd';
const WAIT_MS = 20_000;

/** Debian: openssh-server and openssh-client; the check of a whole checkout installs them. */
export const HAS_SSHD = existsSync(SSHD) && existsSync('/usr/bin/ssh-keygen') && existsSync('/usr/bin/ssh');

export class SshHosts implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'rackui-test-ssh-'));
  readonly #nodes: ReadonlyMap<string, string>;
  #server: ChildProcess | null = null;
  #config = '';
  port = 0;

  private constructor(nodes: ReadonlyMap<string, string>) {
    this.#nodes = nodes;
  }

  /**
   * One sshd behind the simulated rack's own ports (its verb `listen`): `nodes` are the addresses that the rack has opened,
   * at `port`; {@link port} is where it passes them on to. {@link obey} says which rack. `limitS`: of one request; where
   * nobody answers, ssh need not wait for long.
   */
  static async behind(nodes: ReadonlyMap<string, string>, port: number, limitS = 8): Promise<SshHosts> {
    const hosts = new SshHosts(nodes);
    hosts.port = port;
    hosts.#makeKeys('');
    const options = [`UserKnownHostsFile=${join(hosts.dir, 'known_hosts')}`];
    hosts.#config = `ssh: { port: ${port}, identity: ${join(hosts.dir, 'client')}, options: ${JSON.stringify(options)}, limit: ${limitS} }\n`;
    hosts.port = await freePort();
    await hosts.#listen();
    return hosts;
  }

  /** Whom the forced command tells. `only`: what the key runs, whatever is asked for; null: what is asked for. */
  obey(control: string, only: string | null = null): void {
    const nodes = Object.fromEntries(this.#nodes);
    writeFileSync(join(this.dir, 'forced.pl'), forcedCommand(nodes, control, join(this.dir, 'asked'), only));
  }

  /** The configuration's section. */
  get config(): string {
    return this.#config;
  }

  /** What was asked over ssh, as the forced command saw it. */
  get asked(): string[] {
    const file = join(this.dir, 'asked');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** Resolves in the turn in which a line that starts with `node` is noted: its ssh still runs. */
  async isAsked(node: string): Promise<void> {
    const noted = (): boolean => this.asked.some((line) => line.startsWith(node));
    const over = AbortSignal.timeout(WAIT_MS);
    await new Promise<void>((resolve, reject) => {
      const watcher = watch(this.dir, { persistent: false }, () => {
        if (!noted()) return;
        watcher.close();
        resolve();
      });
      over.addEventListener('abort', () => {
        watcher.close();
        reject(new Error(`${node} was not asked: ${this.asked.join('; ')}`));
      });
      if (noted()) {
        watcher.close();
        resolve();
      }
    });
  }

  /** Does `work` while the client knows no host's key. */
  async withoutHostKeys<T>(work: () => Promise<T>): Promise<T> {
    const file = join(this.dir, 'known_hosts');
    const known = readFileSync(file);
    writeFileSync(file, '');
    return await work().finally(() => writeFileSync(file, known));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #makeKeys(control: string): void {
    const path = (name: string): string => join(this.dir, name);
    for (const name of ['host', 'client'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path(name)]);
    const hostKey = readFileSync(path('host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    const known = [...this.#nodes.keys()].map((ip) => `[${ip}]:${this.port} ${hostKey}`);
    writeFileSync(path('known_hosts'), `${known.join('\n')}\n`);
    this.obey(control);
    const command = `perl ${path('forced.pl')}`;
    writeFileSync(
      path('authorized_keys'),
      `restrict,command="${command}" ${readFileSync(path('client.pub'), 'utf8')}`,
      { mode: 0o600 },
    );
  }

  async #listen(): Promise<void> {
    const path = (name: string): string => join(this.dir, name);
    // As root sshd wants its empty directory.
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const config = path('sshd.conf');
    writeFileSync(
      config,
      [
        `ListenAddress 127.0.0.1:${this.port}`,
        `HostKey ${path('host')}`,
        `AuthorizedKeysFile ${path('authorized_keys')}`,
        'PidFile none',
        'UsePAM no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        // The directory for temporary files is everybody's.
        'StrictModes no',
        // A home of its own: a bash that sshd starts reads ~/.bashrc, which may do and wait for anything.
        `SetEnv HOME=${this.dir}`,
      ].join('\n'),
    );
    this.#server = await startSshd(config);
  }

  async #end(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const over = once(server, 'exit');
    server.kill('SIGKILL');
    await over;
  }
}

/**
 * Runs instead of whatever was asked for: the address that was called, or by way of which one came, is the node meant. In
 * Perl, which every Debian has: Node.js takes six times as much processor time to start.
 */
function forcedCommand(nodes: Record<string, string>, control: string, log: string, only: string | null): string {
  const text = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;
  return String.raw`
use strict;
use IO::Socket::UNIX;
my %nodes = (${Object.entries(nodes).flat().map(text).join(', ')});
my ($from, undef, $to) = split ' ', $ENV{SSH_CONNECTION} // '';
my $asked = $ENV{SSH_ORIGINAL_COMMAND} // '';
my $node = $nodes{$to} // $nodes{$from};
open my $log, '>>', ${text(log)} or exit 125;
syswrite $log, "$node $asked\n";
my $socket = IO::Socket::UNIX->new(Peer => ${text(control)}) or exit 125;
my $id = 0;
my $code = 125;
my %escaped = (n => "\n", t => "\t", r => "\r");
# One after another: what the first ones print has left before the last one ends the machine.
for my $command (split /\s*;\s*/, ${only === null ? '$asked' : text(only)}) {
  $command =~ s/(["\\])/\\$1/g;
  syswrite $socket, sprintf qq({"id":%d,"do":"ssh","node":"%s","command":"%s"}\n), ++$id, $node, $command;
  my $answer = readline $socket // exit 125;
  my ($result) = $answer =~ /"(?:output|error)":"((?:[^"\\]|\\.)*)"/;
  $result =~ s/\\(?:u00(..)|(.))/defined $1 ? chr hex $1 : $escaped{$2} || $2/ge;
  syswrite STDERR, $result;
  ($code) = $answer =~ /"code":(\d+)/ or exit 125;
  last if $code == 255;
}
exit $code;
`;
}

/** Starts sshd with this configuration; resolves once it listens. */
export async function startSshd(config: string): Promise<ChildProcess> {
  const server = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`sshd does not listen:\n${text}`)), WAIT_MS);
    server.once('exit', () => reject(new Error(`sshd ended:\n${text}`)));
    server.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes('Server listening')) return;
      clearTimeout(timer);
      resolve();
    });
  });
  // It runs as long as its test: virtual time does not wait for its end.
  server.unref();
  return server;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
