/** The bus over a fake line: styles, contradictions, verbs, priorities, consoles. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createBus } from '../../src/bmc/index.ts';
import { PRIORITY, type Bus, type ConsolePhase, type Line, type Polled } from '../../src/bmc/types.ts';
import { MiniRack, STYLES } from './mini-rack.ts';

const buses: Bus[] = [];
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
});

async function busOn(rack: Pick<MiniRack, 'open'>): Promise<Bus> {
  const bus = createBus({ port: 'fake', open: rack.open });
  buses.push(bus);
  bus.start();
  await vi.waitFor(() => expect(bus.health.phase).toBe('ready'), { interval: 5, timeout: 5_000 });
  return bus;
}

const ask = (bus: Bus, addr: number): ReturnType<Bus['status']> => bus.status(addr, PRIORITY.sweep);

/** Enough exchanges to make the bus's habits known. */
async function warm(bus: Bus): Promise<void> {
  for (const addr of [0, 1, 2, 3, 0, 1, 2, 3]) await ask(bus, addr);
}

describe('status', () => {
  test.each(STYLES)('is read in the style %j, also with noise ahead', async (style) => {
    const rack = new MiniRack();
    rack.style = style;
    const bus = await busOn(rack);
    for (const noise of ['', '\x00\xff!', 'zz\r\n']) {
      rack.noise = noise;
      for (const [addr, node] of rack.nodes) {
        const status = await ask(bus, addr);
        expect(status, JSON.stringify({ noise, addr })).toMatchObject({
          ok: true,
          sample: { power: 'on', current: node.current, fan: node.fan },
          master: addr === 0,
        });
      }
    }
    expect(rack.verbs).toEqual([]);
  });

  test('every exchange closes its pipe, also one that fails', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    rack.written = '';
    await ask(bus, 1);
    await ask(bus, 9);
    rack.tamper = () => 'xx';
    await ask(bus, 2);
    expect(rack.written).toBe('[01]|=\x07[09]|=\x07[02]|=\x07');
  });

  test.each([
    ['a foreign ID', (reply: string) => reply.replace(/^01/, '02'), 'foreign'],
    ["the master's MS through a pipe", (reply: string) => reply.replace('ff', '00'), 'foreign'],
    ['a torn reply', (reply: string) => reply.slice(0, 9), 'garbled'],
    ['a reply without its end', (reply: string) => reply.trimEnd(), 'garbled'],
    ['nothing', () => null, 'silent'],
    ['garbage', () => '\x80\x81?\r\n', 'garbled'],
  ])('%s is a failure of its own kind, never a sample', async (_what, tamper, failure) => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    await warm(bus);
    rack.tamper = (reply, addr) => (addr === 1 ? tamper(reply) : reply);
    expect(await ask(bus, 1)).toMatchObject({ ok: false, failure });
    expect(await ask(bus, 2)).toMatchObject({ ok: true });
    rack.tamper = (reply) => reply;
    expect(await ask(bus, 1)).toMatchObject({ ok: true, sample: { current: 0x21 } });
  });

  test('a late reply is not taken for the answer to the next question', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    await warm(bus);
    let late = '';
    rack.tamper = (reply, addr) => {
      if (addr !== 1) return reply;
      late = reply;
      return null;
    };
    expect(await ask(bus, 1)).toMatchObject({ ok: false, failure: 'silent' });
    // The node has changed; the old answer arrives ahead of the new one.
    const node = rack.nodes.get(1);
    if (node) node.current = 0x55;
    rack.tamper = (reply) => reply;
    rack.once = `01|=\r\n${late}`;
    expect(await ask(bus, 1)).toMatchObject({ ok: true, sample: { current: 0x55 } });
  });

  test('a rack that is locked says so, and is not called off', async () => {
    const rack = new MiniRack();
    rack.locked = true;
    const bus = createBus({ port: 'fake', open: rack.open });
    buses.push(bus);
    bus.start();
    await vi.waitFor(() => expect(bus.health.phase).toBe('locked'), { interval: 5, timeout: 5_000 });
    expect(bus.health.detail).toContain('unlock');
    expect(bus.health.detail).not.toContain('UnLockMe');
    expect(await ask(bus, 1)).toMatchObject({ ok: false, failure: 'bus' });
    rack.locked = false;
    bus.retry();
    await vi.waitFor(() => expect(bus.health.phase).toBe('ready'), { interval: 5, timeout: 5_000 });
  });

  test('an unlock string that would be executed is refused', () => {
    expect(() => createBus({ port: 'fake', unlock: 'a\\b' })).toThrow(/command character/);
  });
});

describe('poll', () => {
  /** A bus on a rack whose writes are recorded one by one, and what its polls pass on. */
  async function polled(): Promise<{
    rack: MiniRack;
    bus: Bus;
    writes: string[];
    news: string[];
    poll: () => Promise<boolean>;
  }> {
    const rack = new MiniRack();
    const [writes, news]: [string[], string[]] = [[], []];
    const open = async (...about: Parameters<typeof rack.open>): Promise<Line> => {
      const line = await rack.open(...about);
      return {
        ...line,
        write: (bytes, taken) => {
          writes.push(Buffer.from(bytes).toString('latin1'));
          line.write(bytes, taken);
        },
      };
    };
    const bus = await busOn({ open });
    await warm(bus);
    writes.length = 0;
    const sign = ({ addr, outcome }: Polled): string =>
      `${addr} ${outcome.ok ? outcome.sample.power : outcome.failure}`;
    const poll = (): Promise<boolean> =>
      bus.poll(
        PRIORITY.sweep,
        [1, 2, 3],
        () => true,
        (outcomes) => news.push(outcomes.map(sign).join(', ')),
      );
    return { rack, bus, writes, news, poll };
  }

  test('asks back to back: each question in one write with the ^G ahead of it, all outcomes together', async () => {
    const { writes, news, poll } = await polled();
    expect(await poll()).toBe(true);
    expect(writes).toEqual(['[01]|=', '\x07[02]|=', '\x07[03]|=', '\x07']);
    expect(news).toEqual(['1 on, 2 on, 3 on']);
  });

  test('a request of higher priority goes next, after the outcomes so far', async () => {
    const { rack, bus, writes, news, poll } = await polled();
    let asked: Promise<unknown> = Promise.resolve();
    rack.tamper = (reply, addr) => {
      rack.tamper = (same) => same;
      expect(addr).toBe(1);
      asked = bus.status(3, PRIORITY.operator).then(({ ok }) => news.push(`asked 3: ${ok}`));
      return reply;
    };
    expect(await poll()).toBe(true);
    await asked;
    expect(writes).toEqual(['[01]|=', '\x07', '[03]|=', '\x07', '[02]|=', '\x07[03]|=', '\x07']);
    expect(news).toEqual(['1 on', 'asked 3: true', '2 on, 3 on']);
  });

  test('a change of power and a silent node are asked again as ever, in their own pipe', async () => {
    const { rack, writes, news, poll } = await polled();
    const node = rack.nodes.get(2);
    if (node) node.power = 0;
    rack.tamper = (reply, addr) => (addr === 3 ? null : reply);
    expect(await poll()).toBe(true);
    expect(writes).toEqual(['[01]|=', '\x07[02]|=', '=', '\x07', '[03]|=', '\x07']);
    expect(news.join('; ')).toBe('1 on, 2 off, 3 silent');
  });

  test('a bus that is lost ends it with what was read', async () => {
    const { rack, news, poll } = await polled();
    rack.tamper = (reply, addr) => {
      if (addr !== 2) return reply;
      rack.vanish();
      return null;
    };
    expect(await poll()).toBe(false);
    expect(news).toEqual(['1 on']);
  });
});

describe('verbs', () => {
  test('travel in one pipe behind the identity proof, and are verified twice', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    rack.written = '';
    expect(await bus.verb(2, 'off', { priority: PRIORITY.forceOff })).toMatchObject({
      ok: true,
      tries: 1,
      proof: { power: 'on' },
      verified: [{ power: 'off' }, { power: 'off' }],
    });
    expect(rack.written).toBe('[02]|=\\=\x07[02]|=\x07');
    expect(rack.verbs).toEqual(['02\\']);
  });

  test.each([
    ['wrong ID', (reply: string) => reply.replace(/^02/, '03'), 'identity'],
    ['master in a pipe', (reply: string) => reply.replace('ff', '00'), 'identity'],
    ['torn proof', (reply: string) => reply.slice(0, 8), 'identity'],
    ['silence', () => null, 'silent'],
  ])('%s: nothing is sent', async (_what, tamper, reason) => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    await warm(bus);
    rack.tamper = (reply, addr) => (addr === 2 ? tamper(reply) : reply);
    rack.written = '';
    expect(await bus.verb(2, 'off', { priority: PRIORITY.forceOff })).toMatchObject({ ok: false, sent: false, reason });
    expect(rack.written).not.toMatch(/[\\/]/);
    expect(rack.verbs).toEqual([]);
  });

  test("the master's own slot is refused without a byte", async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    rack.written = '';
    for (const verb of ['off', 'on'] as const)
      expect(await bus.verb(0, verb, { priority: PRIORITY.forceOff })).toMatchObject({
        ok: false,
        sent: false,
        reason: 'master',
      });
    expect(rack.written).toBe('');
  });

  test('an ignored verb is tried again, three times at most, and then reported as not done', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    rack.ignore['\\'] = 1;
    expect(await bus.verb(1, 'off', { priority: PRIORITY.forceOff })).toMatchObject({ ok: true, tries: 2 });
    rack.ignore['\\'] = 99;
    expect(await bus.verb(2, 'off', { priority: PRIORITY.forceOff })).toMatchObject({
      ok: false,
      sent: true,
      tries: 3,
      reason: 'unverified',
      last: { power: 'on' },
    });
    expect(rack.written.split('\\').length - 1).toBe(5);
  });

  test('an abort before the proof is in keeps the verb from leaving', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    const abort = new AbortController();
    rack.tamper = (reply, addr) => {
      if (addr === 2) abort.abort();
      return reply;
    };
    expect(await bus.verb(2, 'off', { priority: PRIORITY.operator, signal: abort.signal })).toMatchObject({
      ok: false,
      sent: false,
      reason: 'aborted',
    });
    expect(rack.verbs).toEqual([]);
  });

  test('go ahead of a sweep that waits', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    rack.written = '';
    const sweep = Promise.all([1, 2, 3, 1, 2, 3].map((addr) => ask(bus, addr)));
    const verb = bus.verb(3, 'off', { priority: PRIORITY.forceOff });
    await Promise.all([sweep, verb]);
    // At most the one exchange that was under way comes first.
    expect(rack.written.indexOf('\\')).toBeLessThan('[01]|=\x07[03]|=\\'.length);
  });

  test('the line lost behind a verb is said so', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    await warm(bus);
    let asked = 0;
    rack.tamper = (reply, addr) => {
      if (addr !== 2 || ++asked < 2) return reply;
      rack.vanish();
      return null;
    };
    expect(await bus.verb(2, 'off', { priority: PRIORITY.forceOff })).toMatchObject({
      ok: false,
      sent: true,
      reason: 'bus',
    });
  });
});

describe('console', () => {
  function openConsole(bus: Bus, addr = 2) {
    const phases: ConsolePhase[] = [];
    const gaps: string[] = [];
    const heard: string[] = [];
    const dropped: string[] = [];
    const lease = bus.openConsole(addr, 115200, {
      onData: (bytes) => heard.push(Buffer.from(bytes).toString('latin1')),
      onPhase: (phase) => phases.push(phase),
      onGap: ({ why }) => gaps.push(why),
      onDropped: (why) => dropped.push(why),
    });
    const proven = (): Promise<void> =>
      vi.waitFor(() => expect(lease.phase).toEqual({ phase: 'open', proven: true }), { interval: 2 });
    return { lease, phases, gaps, dropped, proven, text: () => heard.join('') };
  }
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

  test('opens behind an identity proof in the same pipe and closes with ^G', async () => {
    const rack = new MiniRack();
    rack.greeting = '\r\nn2 login: ';
    const bus = await busOn(rack);
    rack.written = '';
    const { lease, proven, text } = openConsole(bus);
    await proven();
    expect(rack.written).toBe('[02]|=[00]~');
    expect(text()).toBe('\r\nn2 login: ');
    expect(lease.write(bytes('pi\r'))).toEqual({ taken: 3, refused: null });
    await vi.waitFor(() => expect(rack.consoleInput).toBe('pi\r'), { interval: 2 });
    await lease.close();
    expect(rack.written).toBe('[02]|=[00]~pi\r\x07');
  });

  test('keys typed right before leaving go out first; the rest of a paste does not, and a verb does not wait for them', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const first = openConsole(bus);
    await first.proven();
    first.lease.write(bytes('exit\r'));
    await first.lease.close();
    expect(rack.consoleInput).toBe('exit\r');
    const second = openConsole(bus);
    await second.proven();
    rack.consoleInput = '';
    second.lease.write(bytes('x'.repeat(5_000)));
    await second.lease.close();
    expect(rack.consoleInput.length).toBeLessThan(20);
    const third = openConsole(bus);
    await third.proven();
    rack.consoleInput = '';
    third.lease.write(bytes('y'.repeat(90)));
    const closed = third.lease.close();
    expect(await bus.verb(3, 'off', { priority: PRIORITY.forceOff })).toMatchObject({ ok: true });
    await closed;
    expect(rack.consoleInput.length).toBeLessThan(60);
    expect(rack.verbs).toHaveLength(1);
  });

  test('holds back what a BIOS could execute until the node has spoken', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    const { lease } = openConsole(bus);
    await vi.waitFor(() => expect(lease.phase).toEqual({ phase: 'open', proven: false }), { interval: 2 });
    for (let value = 0; value < 256; value++) {
      const { taken } = lease.write(Uint8Array.of(value));
      expect(taken, String(value)).toBe((value < 0x20 && value !== 7) || value === 0x7f ? 1 : 0);
    }
  });

  test('never passes 0x07 on, proven or not', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const { lease, proven } = openConsole(bus);
    await proven();
    rack.written = '';
    expect(lease.write(bytes('a\x07\\'))).toMatchObject({ taken: 2 });
    await vi.waitFor(() => expect(rack.consoleInput).toBe('a\\'), { interval: 2 });
    // The bus may ask the BMC where the echo is late: behind its own ^G stands the question.
    expect(rack.written.replaceAll('\x07[02]|=', '')).not.toContain('\x07');
    expect(rack.verbs).toEqual([]);
  });

  test('gives way to a verb and comes back with its gap told; sweeps do not interrupt it', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const { lease, proven, gaps } = openConsole(bus);
    await proven();
    expect(await ask(bus, 3)).toMatchObject({ ok: false, failure: 'bus' });
    expect(gaps).toEqual([]);
    expect(await bus.verb(3, 'off', { priority: PRIORITY.forceOff })).toMatchObject({ ok: true });
    await proven();
    expect(gaps).toHaveLength(1);
    expect(await bus.status(1, PRIORITY.sample)).toMatchObject({ ok: true });
    await proven();
    expect(gaps).toHaveLength(2);
    await lease.close();
  });

  test('another console ends the former', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const first = openConsole(bus, 1);
    await first.proven();
    const second = openConsole(bus, 2);
    await second.proven();
    expect(first.lease.phase).toMatchObject({ phase: 'closed', why: 'the console moved to 02' });
    expect(rack.written).toContain('[01]|=[00]~\x07[02]|=[00]~');
  });

  test('typed bytes wait while a sample is taken, and go behind it, all and in order', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const { lease, proven, gaps } = openConsole(bus);
    await proven();
    rack.greeting = '';
    const text = 'abcdefghij'.repeat(20);
    lease.write(bytes(text));
    await bus.status(1, PRIORITY.sample);
    lease.write(bytes('!'));
    await vi.waitFor(() => expect(rack.consoleInput).toBe(`${text}!`), { interval: 5, timeout: 5_000 });
    expect(gaps).toEqual(['the bus was needed for power or a sample']);
  });

  test('typed bytes that wait for a console whose BMC does not answer are dropped, named in the gap, and told', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const { lease, proven, gaps, dropped } = openConsole(bus);
    await proven();
    const me = {};
    lease.write(bytes('x'.repeat(500)), me);
    rack.tamper = (reply, address) => (address === 2 ? null : reply);
    await bus.status(1, PRIORITY.sample);
    await vi.waitFor(() => expect(dropped).toHaveLength(1), { interval: 5, timeout: 5_000 });
    expect(dropped[0]).toMatch(/^\d+ typed bytes were not sent: the console was off the wire: .*; type them again$/);
    expect(lease.write(bytes('y'), me)).toMatchObject({ taken: 0 });
    rack.tamper = (reply) => reply;
    await vi.waitFor(() => expect(lease.phase).toEqual({ phase: 'open', proven: true }), { timeout: 10_000 });
    expect(gaps[0]).toMatch(/\d+ typed bytes were not sent/);
    expect(rack.consoleInput).toMatch(/^x*$/);
  });

  test('keys that wait do not reach a node whose power was switched meanwhile', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const { lease, proven, dropped } = openConsole(bus);
    await proven();
    lease.write(bytes('x'.repeat(100)), {});
    expect(await bus.verb(2, 'off', { priority: PRIORITY.forceOff })).toMatchObject({ ok: true });
    expect(dropped).toEqual([expect.stringMatching(/^\d+ typed bytes were not sent: its power was switched/)]);
    await vi.waitFor(() => expect(lease.phase.phase).toBe('open'), { interval: 2 });
    expect(rack.consoleInput.length).toBeLessThan(100);
  });

  test('the master has none', async () => {
    const rack = new MiniRack();
    const bus = await busOn(rack);
    const { lease } = openConsole(bus, 0);
    await vi.waitFor(() => expect(lease.phase.phase).toBe('closed'), { interval: 2 });
  });

  test('survives the loss of the line', async () => {
    const rack = new MiniRack();
    rack.greeting = 'hello there';
    const bus = await busOn(rack);
    const { proven, gaps } = openConsole(bus);
    await proven();
    rack.vanish();
    await vi.waitFor(() => expect(bus.health.phase).toBe('down'), { interval: 1 });
    await vi.waitFor(() => expect(bus.health.phase).toBe('ready'), { interval: 5, timeout: 5_000 });
    await proven();
    expect(gaps).toHaveLength(1);
  });
});
