/**
 * A machine that is reached by ssh: a real sshd on loopback with its own host key and environment, behind a line that can
 * be slow, stall and be cut. What is in its PATH is the test's choice: by default this checkout's rackui.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, startSshd } from './ssh-hosts.ts';
import { PROGRAM } from './stand.ts';

/** The time after which TCP sends a lost segment again, at the least, ms. */
const RETRANSMISSION_MS = 200;

/** The line between ssh and sshd. */
class Line {
  delayMs = 0;
  /** One in so many pieces comes {@link RETRANSMISSION_MS} later, as one that was lost; those after it wait. 0: none. */
  losesEvery = 0;
  /** While true nothing passes, and nothing is lost. */
  stalled = false;
  /** While true nobody gets a connection. */
  down = false;
  /** Pieces that were held back as lost. */
  lost = 0;
  /** Pieces from ssh that arrived while it was stalled. */
  held = 0;
  /** Pieces that arrived at the line, in both directions. */
  pieces = 0;
  readonly #pairs = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near));
  readonly #to: number;

  constructor(to: number) {
    this.#to = to;
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets all connections. */
  cut(): void {
    for (const socket of this.#pairs) socket.resetAndDestroy();
    this.#pairs.clear();
  }

  /** Undoes what was done to it; what was held back passes. */
  mend(): void {
    Object.assign(this, { delayMs: 0, losesEvery: 0, stalled: false, down: false, lost: 0, held: 0 });
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket): void {
    if (this.down) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.#to, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#pairs.add(from);
      const waiting: { chunk: Buffer; at: number }[] = [];
      const pass = setInterval(() => {
        while (!this.stalled && waiting[0] !== undefined && waiting[0].at <= performance.now())
          to.write(waiting.shift()?.chunk ?? '');
      }, 5);
      from.on('data', (chunk: Buffer) => {
        this.pieces++;
        const isLost = this.losesEvery > 0 && this.pieces % this.losesEvery === 0;
        if (isLost) this.lost++;
        if (this.stalled && from === near) this.held++;
        waiting.push({ chunk, at: performance.now() + this.delayMs + (isLost ? RETRANSMISSION_MS : 0) });
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        clearInterval(pass);
        to.destroy();
      });
    }
  }
}

export interface FarMachine extends AsyncDisposable {
  /** An entry of a list of racks, as YAML. */
  entry(name: string, more?: string): string;
  readonly line: Line;
  /** Folder of its PATH. */
  readonly bin: string;
  /** Replaces the known host key by another, or forgets it. */
  distrust(how: 'changed' | 'unknown'): void;
  /** Accepts another key from now on. */
  refuseKey(): void;
}

/** `socket`: of the rack's server there. */
export async function farMachine(socket: string): Promise<FarMachine> {
  const dir = mkdtempSync(join(tmpdir(), 'rackui-far-'));
  const path = (name: string): string => join(dir, name);
  const own = await freePort();
  const line = new Line(own);
  const port = await line.listen();
  mkdirSync(path('bin'));
  symlinkSync(PROGRAM, path('bin/rackui'));
  for (const name of ['host', 'client', 'other'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path(name)]);
  const know = (key: string): void => {
    const [kind, text] = readFileSync(path(`${key}.pub`), 'utf8').split(' ');
    writeFileSync(path('known_hosts'), `[127.0.0.1]:${port} ${kind ?? ''} ${text ?? ''}\n`);
  };
  const accept = (key: string): void =>
    writeFileSync(path('authorized_keys'), readFileSync(path(`${key}.pub`)), { mode: 0o600 });
  know('host');
  accept('client');
  // As root sshd wants its empty directory.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const search = [path('bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':');
  writeFileSync(
    path('sshd.conf'),
    [
      `ListenAddress 127.0.0.1:${own}`,
      `HostKey ${path('host')}`,
      `AuthorizedKeysFile ${path('authorized_keys')}`,
      // A home of its own: a bash that sshd starts reads ~/.bashrc, which may do and wait for anything.
      `SetEnv HOME=${dir} PATH=${search} RACKUI_SOCKET=${socket} TMPDIR=${tmpdir()}` +
        ` XDG_CACHE_HOME=${process.env.XDG_CACHE_HOME ?? ''}`,
      ...['PidFile none', 'UsePAM no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no'],
      ...['PermitRootLogin prohibit-password', 'StrictModes no'],
    ].join('\n'),
  );
  const server = await startSshd(path('sshd.conf'));
  return {
    entry: (name, more = '') =>
      `{ name: ${name}, ssh: ${userInfo().username}@127.0.0.1, port: ${port}, identity: ${path('client')}, options: [UserKnownHostsFile=${path('known_hosts')}]${more} }`,
    line,
    bin: path('bin'),
    distrust: (how) => {
      if (how === 'changed') know('other');
      else writeFileSync(path('known_hosts'), '');
    },
    refuseKey: () => accept('other'),
    async [Symbol.asyncDispose]() {
      line.close();
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
