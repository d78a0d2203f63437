/** A line that tears replies, and boards that answer for one another: readings stay true, and the bus is not given up. */
import { expect, test, vi } from 'vitest';
import { createBus } from '../../src/bmc/index.ts';
import { PRIORITY } from '../../src/bmc/types.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { MiniRack } from './mini-rack.ts';
import { WiredBus } from './wired-bus.ts';

test.each([0.05, 0.2, 0.4])(
  'a share of %s of all replies torn: most readings come, all true, and the bus stays ready',
  async (share) => {
    using time = new VirtualTime();
    const wired = new WiredBus(time, { nodes: 12, seed: Math.round(share * 100) });
    const phases = new Set<string>();
    wired.bus.onHealth(({ phase }) => phases.add(phase));
    wired.bus.start();
    while (wired.bus.health.phase !== 'ready') await time.until(new Promise((resolve) => setTimeout(resolve, 50)));
    wired.rack.faults.tornReplies = share;
    let read = 0;
    const sweeps = 60;
    for (let n = 0; n < sweeps; n++) {
      for (let addr = 0; addr < 12; addr++) {
        const outcome = await time.until(wired.bus.status(addr, PRIORITY.sweep));
        if (!outcome.ok) continue;
        read++;
        expect(wired.bearsOut(addr, outcome.sample)).toBe(true);
      }
      await time.until(new Promise((resolve) => setTimeout(resolve, 250)));
    }
    expect([...phases].filter((phase) => phase !== 'starting' && phase !== 'ready')).toEqual([]);
    expect(read / (sweeps * 12)).toBeGreaterThan(share < 0.3 ? 0.9 : 0.6);
    await time.until(wired.bus.close());
  },
);

test('two boards that answer under one address with different words: neither is believed', async () => {
  const rack = new MiniRack();
  const bus = createBus({ port: 'fake', open: rack.open });
  bus.start();
  await vi.waitFor(() => expect(bus.health.phase).toBe('ready'), { timeout: 5_000 });
  for (const twin of ['02 ff 0 00 00', '02 ff 1 33 cc', '02 ff 2 22 70']) {
    rack.tamper = (reply, addr) => (addr === 2 ? `${reply}${twin}\r\n` : reply);
    expect(await bus.status(2, PRIORITY.sample)).toMatchObject({ ok: false, failure: 'foreign' });
    rack.tamper = (reply, addr) => (addr === 2 ? `${twin}\r\n${reply}` : reply);
    expect(await bus.status(2, PRIORITY.sample)).toMatchObject({ ok: false, failure: 'foreign' });
    expect(await bus.status(1, PRIORITY.sample)).toMatchObject({ ok: true });
  }
  await bus.close();
});
