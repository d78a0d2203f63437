/** A simulated rack without a line: bytes in, text out, time by hand. */
import { hostGuest } from '../../src/sim/guest/guest.ts';
import { LinuxGuest } from '../../src/sim/guest/linux.ts';
import { Rack } from '../../src/sim/rack/bus.ts';
import { SimNode } from '../../src/sim/rack/node.ts';
import { CAPTURED_DIALECT, parseDialect } from '../../src/sim/rack/responses.ts';
import { seededRandom } from '../../src/sim/random.ts';

export interface WiredOptions {
  dialect?: string;
  locked?: boolean;
  lossy?: boolean;
}

export class WiredRack {
  readonly rack: Rack;
  now = 1_000;
  private out = '';

  constructor({ dialect = '', locked = false, lossy = false }: WiredOptions = {}) {
    const nodes = [0, 1, 2, 3].map(
      (addr) =>
        new SimNode({
          addr,
          name: `node-0${addr}`,
          seed: addr + 1,
          timeScale: 1,
          guest: addr === 0 ? hostGuest() : linux(`node-0${addr}`),
          power: 'on',
          at: 1_000,
        }),
    );
    this.rack = new Rack({
      nodes,
      master: 0,
      at: 1_000,
      unlock: 'UnLockMe',
      locked,
      dialect: parseDialect(dialect, CAPTURED_DIALECT),
      random: seededRandom(1),
      lossy,
      turnaroundMs: 0,
      send: (bytes) => (this.out += Buffer.from(bytes).toString('latin1')),
    });
  }

  node(addr: number): SimNode {
    const node = this.rack.nodes.get(addr);
    if (!node) throw new Error(`no node ${addr}`);
    return node;
  }

  /** Sends `text` byte by byte, so far apart, and returns what came back; counts are replaced by `..` (they jitter). */
  send(text: string, gapMs = 2): string {
    for (const byte of Buffer.from(text, 'utf8')) {
      this.now += gapMs;
      this.rack.receive(byte, this.now);
      this.rack.pump(this.now, 1e5);
    }
    return this.heard();
  }

  wait(ms: number): string {
    this.now += ms;
    this.rack.pump(this.now, 1e5);
    return this.heard();
  }

  private heard(): string {
    const text = this.out;
    this.out = '';
    return text.replace(/\b([0-7][0-9a-f] (?:00|ff) [012]) [0-9a-f]{2} [0-9a-f]{2}\b/gi, '$1 .. ..');
  }
}

function linux(hostname: string): LinuxGuest {
  return new LinuxGuest({
    hostname,
    user: 'pi',
    password: 'raspberry',
    load: 0.1,
    at: 1_000,
    upSince: -86_400_000,
    sudoPassword: false,
  });
}
