/** Several racks in one configuration: one server process, each rack its own bus, socket and state. */
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/client/client.ts';
import { racks, type Racks } from '../support/racks.ts';
import type { TestTerminal } from '../support/terminal.ts';

let two: Racks;
beforeAll(async () => {
  two = await racks({ north: 4, south: 8 });
});
afterAll(() => two[Symbol.asyncDispose]());

/** Waits until a rack is shown: its header stands below the row of tabs. */
const shownRack = (screen: TestTerminal, name: string): Promise<void> =>
  screen.waitFor((s) => s.lines()[1]?.startsWith(` ${name}`) === true, name);

const who = { user: 'test', from: null, tty: null, program: 'test', pid: process.pid };

describe('the command line', () => {
  test('one process serves both; --rack says which is meant; without it the names are said', async ({
    onTestFinished,
  }) => {
    const serve = async (): ReturnType<Racks['serve']> => {
      const server = await two.serve();
      onTestFinished(async () => {
        server.end();
        await server.exited;
      });
      return server;
    };
    const server = await serve();
    const pids = await Promise.all(
      ['north', 'south'].map(
        async (name) =>
          JSON.parse((await two.run('server', 'status', '--json', '--rack', name)).out) as { pid: number },
      ),
    );
    expect(pids.map(({ pid }) => pid)).toEqual([server.pid, server.pid]);
    expect((await two.run('status', '--rack', 'SOUTH')).out).toMatch(/8 on/);
    const north = await two.run('status', '--json', '--rack', 'north');
    expect(north.out).toContain('"north"');
    const unsaid = await two.run('off', '01', '--confirm', 'node-01');
    expect(unsaid).toMatchObject({ code: 64, out: '' });
    expect(unsaid.err).toContain("'01' names no rack: write north:01, or *:01 for all racks");
    const wrong = await two.run('status', '--rack', 'east');
    expect(wrong).toMatchObject({ code: 64, err: "rackui: no rack 'east' is configured; racks: north, south\n" });
    for (const rack of two.racks.values())
      for (const node of Object.values((await rack.counters()).nodes)) expect(node).toMatchObject({ off: 0, on: 0 });
    // Each rack its own state.
    expect(readdirSync(join(two.folder, 'state', 'rackui')).length).toBe(2);

    // To stop one rack's server is to stop that one's.
    expect((await two.run('server', 'stop', '--rack', 'north')).code).toBe(0);
    const client = await connect(two.socketOf('south'), who);
    expect((await client.request('sweep', { addrs: null, interrupt: false })).nodes.length).toBe(8);
    client.close();
    await expect(connect(two.socketOf('north'), who)).rejects.toThrow();

    // A second process takes over what nobody serves, and says what it waits for.
    const second = await serve();
    expect(second.said()).toMatch(/rack south is not served yet: the bus on \S+ already has a rackui server \(pid \d+/);
    expect((await two.run('status', '--rack', 'north')).out).toMatch(/4 on/);
    server.end();
    expect(await server.exited).toBe(0);
    second.end();
    expect(await second.exited).toBe(0);
  });

  test('config check looks at every file', async () => {
    const { code, out } = await two.run('config', 'check');
    expect(code).toBe(0);
    expect(out).toContain('racks.yaml: good, 2 racks');
    expect(out).toContain('rack north on ');
    expect(out).toContain('rack south on ');
  });

  test('config check names values that nodes of several racks cannot both have', async ({ onTestFinished }) => {
    const files = ['north', 'south'].map((name) => join(two.folder, `${name}.yaml`));
    const before = files.map((file) => readFileSync(file, 'utf8'));
    onTestFinished(() => files.forEach((file, i) => writeFileSync(file, before[i] ?? '')));
    files.forEach((file, i) =>
      writeFileSync(file, `${before[i] ?? ''}nodes:\n  - { addr: "01", name: x${i}, ip: 10.0.0.1 }\n`),
    );
    const { code, out } = await two.run('config', 'check');
    expect(code).toBe(0);
    expect(out).toContain('warning: the ip address 10.0.0.1 is that of north:x0 (01) and south:x1 (01)\n');
  });
});

describe('the interface', () => {
  test('a tab each, a server started for both, consoles of both at once, all at a glance, what goes on is said', async () => {
    await using screen = two.open({ cols: 80, rows: 24 });
    await screen.waitFor(/4 on/);
    expect(screen.lines()[0]).toMatch(/ north │ south/);
    expect(screen.lines()[1]).toMatch(/^ north {2}bus/);
    // A console of the one stays open while the other one is shown.
    screen.type('01\r');
    await screen.waitFor(/Enter wakes it/);
    screen.type('\r');
    await screen.waitFor(/node-01 login: |n01 login: /);
    screen.type('\x1d>');
    await screen.waitFor(/8 on/);
    expect(screen.lines()[1]).toMatch(/^ south {2}bus/);
    expect((await two.racks.get('north')?.state())?.bus.console).toBe('01');
    // One process serves both.
    const pids = await Promise.all(
      ['north', 'south'].map(async (name) => (await two.run('server', 'status', '--json', '--rack', name)).out),
    );
    expect(pids.map((out) => (JSON.parse(out) as { pid: number }).pid)).toHaveLength(2);
    expect(new Set(pids.map((out) => (JSON.parse(out) as { pid: number }).pid)).size).toBe(1);
    // What is wrong with the other one is seen from here.
    await two.racks.get('north')?.ctl('unplug');
    await screen.waitFor(/ north down/);
    screen.type('R');
    await screen.waitFor(/Enter show/i);
    expect(screen.text()).toMatch(/north {2}bus down/);
    expect(screen.text()).toMatch(/south {2}bus ready .*8 on/);
    expect(screen.text()).toContain('●●●● ●●●●');
    await two.racks.get('north')?.ctl('replug');
    await screen.waitFor(/north {2}bus (paused|ready)/);
    screen.type('k\r');
    // The console is where it was left.
    await shownRack(screen, 'north');
    screen.type('\t');
    await screen.waitFor(/node-01 A-1 01 on/);
    screen.type('\x1dd');
    await screen.waitFor(/4 on/);
    // Two keys of the overview: the console of a node of the other rack.
    screen.type('R');
    await screen.waitFor(/Enter show/);
    screen.type('/');
    await screen.waitFor(/search:/);
    screen.type('05');
    await screen.waitFor(/1 found/);
    screen.type('\r');
    await screen.waitFor(/south:node-05 . B-1 05 . on/);
    screen.type('c');
    await shownRack(screen, 'south');
    await screen.waitFor(/node-05 B-1 05 on[^]*Enter wakes it/);
    screen.type('\x1dd');
    await screen.waitFor(/8 on/);
    screen.type('q');
    expect((await screen.exited).code).toBe(0);
    for (const rack of two.racks.values())
      for (const node of Object.values((await rack.counters()).nodes))
        expect(node).toMatchObject({ off: 0, on: 0, biosForConsole: { printable: 0 } });
  });
});

describe('the interface, on one server for both racks', () => {
  let server: Awaited<ReturnType<Racks['serve']>>;
  beforeAll(async () => {
    // One that the interface of before has started may linger.
    for (const name of ['north', 'south']) await two.run('server', 'stop', '--rack', name);
    server = await two.serve();
  });
  afterAll(async () => {
    server.end();
    await server.exited;
  });

  // The tabs count alarms, also those of the test before.
  beforeEach(async () => {
    for (const name of ['north', 'south']) await two.run('alarms', '--ack', 'all', '--rack', name);
  });

  test('the table of all racks: worst first, sorted, searched, the last lines of both, a node of each opened from it', async () => {
    // The order that was chosen before, by an earlier try too, would be another one.
    rmSync(join(two.folder, 'state', 'rackui', 'interface.json'), { force: true });
    await using screen = two.open({ cols: 200, rows: 40 });
    await screen.waitFor(/4 on/);
    screen.type('R');
    await screen.waitFor(/south {2}[^\n]*bus ready .*8 on/);
    screen.type('T');
    await screen.waitFor(/rack +name +addr +pos +state/);
    await screen.waitFor(
      (s) => s.lines().filter((line) => /^[▌ ](north|south) +node-0/.test(line)).length === 12,
      'rows',
    );
    await two.racks.get('south')?.ctl('silent', { node: '06' });
    await screen.waitFor(
      (s) => /^▌?\s?south node-06 +06 .*\? unknown/.test(s.lines()[3] ?? ''),
      'the silent node first',
    );
    await two.racks.get('south')?.ctl('silent', { node: '06', on: false });
    // Sorted by the name of the rack, the other way round.
    screen.type('hss');
    await screen.waitFor((s) => s.lines()[3]?.startsWith('▌south node-00') === true, 'south first');
    expect(screen.lines()[2]).toMatch(/rack↓/);
    screen.type('/node-02\r');
    await screen.waitFor(/2 found/);
    // The second row is the other rack's: its console in one more key.
    screen.type('jc');
    await shownRack(screen, 'north');
    await screen.waitFor(/node-02 A-2 02 on[^]*Enter wakes it/);
    screen.type('\r');
    await screen.waitFor(/login:/);
    screen.type('\x1dd');
    await screen.waitFor(/4 on/);
    screen.type('>');
    await screen.waitFor(/8 on/);
    // The line is of a rack that is not shown, and is there without a visit.
    screen.type('RT');
    await screen.waitFor(/north +node-02 .*login:/);
    // So is its history: the highest current of a node that is on.
    await screen.waitFor(/north +node-02 .* fresh ·?[▁▂▃▄▅▆▇█]{7,8} +\d+ ct /);
    screen.type('/node-03\r');
    await screen.waitFor(/2 found/);
    screen.type('\x1b[F\r');
    await shownRack(screen, 'north');
    await screen.waitFor(/▌●. ?03/);
    screen.type('q');
    expect((await screen.exited).code).toBe(0);
  }, 60_000);

  describe('one after another on one screen, each from the map of north', () => {
    let screen: TestTerminal;
    beforeAll(() => {
      screen = two.open({ cols: 120, rows: 40 });
    });
    afterAll(() => screen.close());

    test('nodes marked on two racks: their consoles one after another, each left for the next; power names the racks', async () => {
      const consoles = async (): Promise<unknown[]> =>
        Promise.all(['north', 'south'].map(async (name) => (await two.racks.get(name)?.state())?.bus.console ?? null));
      await screen.waitFor(/4 on/);
      screen.type('R');
      await screen.waitFor(/south {2}[^\n]*bus ready .*8 on/);
      screen.type('/03\r');
      await screen.waitFor(/2 found/);
      screen.type('*');
      await screen.waitFor(/2 marked: north 1, south 1/);
      expect(screen.lines()[0]).toMatch(/ north \*1 │ south \*1 │/);
      screen.type('p');
      await screen.waitFor(/power: nodes of several racks are marked: north 1, south 1\./);
      screen.type('c');
      await shownRack(screen, 'north');
      await screen.waitFor(/node-03 A-3 03 on/);
      await expect.poll(consoles, { timeout: 15_000 }).toEqual(['03', null]);
      screen.type('\x1dm');
      await shownRack(screen, 'south');
      await screen.waitFor(/node-03 A-3 03 on/);
      await expect.poll(consoles, { timeout: 15_000 }).toEqual([null, '03']);
      screen.type('\x1d,');
      await shownRack(screen, 'north');
      await expect.poll(consoles, { timeout: 15_000 }).toEqual(['03', null]);
      screen.type('\x1dd');
      await screen.waitFor(/1 marked /);
      // The marks of one rack alone: the menu of its nodes, at that rack.
      screen.type('\x1b');
      await screen.waitFor((s) => !s.text().includes('1 marked '), 'no mark here');
      screen.type('R');
      await screen.waitFor(/1 marked: south 1/);
      screen.type('p');
      await shownRack(screen, 'south');
      await screen.waitFor(/power: node-03 ─/);
      screen.type('q');
      await screen.waitFor(/p power/);
      screen.type('\x1b');
      await screen.waitFor((s) => !/\*1|1 marked/.test(s.text()), 'no mark at all');
      screen.type('<');
      await shownRack(screen, 'north');
      for (const rack of two.racks.values())
        for (const node of Object.values((await rack.counters()).nodes))
          expect(node).toMatchObject({ off: 0, on: 0, biosForConsole: { printable: 0 } });
    }, 60_000);

    test('an alarm of the rack that is not shown is acknowledged there, from the list of all', async () => {
      const seen = async (): Promise<boolean[]> => {
        const { out } = await two.run('alarms', '--json', '--rack', 'south');
        return (JSON.parse(out) as { standing: { acknowledged: unknown }[] }).standing.map(
          ({ acknowledged }) => acknowledged !== null,
        );
      };
      try {
        await screen.waitFor(/4 on/);
        await two.racks.get('south')?.ctl('silent', { node: '05' });
        await screen.waitFor(/ south ▲1/);
        expect(await seen()).toEqual([false]);
        screen.type('a');
        await screen.waitFor(/south:node-05 05 +does not answer/);
        screen.type('A');
        await screen.waitFor(/south:node-05 05 .* acked by/);
        expect(screen.lines()[0]).toMatch(/^ north │ south │/);
        expect(await seen()).toEqual([true]);
        screen.type('\r');
        await shownRack(screen, 'south');
        await two.racks.get('south')?.ctl('silent', { node: '05', on: false });
        await screen.waitFor(/8 on 0 off/);
        screen.type('<');
        await shownRack(screen, 'north');
      } finally {
        await two.racks.get('south')?.ctl('silent', { node: '05', on: false });
      }
    }, 60_000);

    test('the list of consoles has those of both racks; Enter attaches there, and the one left here is listed so', async () => {
      await screen.waitFor(/4 on/);
      screen.type('02\r');
      await screen.waitFor(/node-02 A-2 02 on[^]*Enter wakes it/);
      screen.type('\r');
      await screen.waitFor(/login:/);
      screen.type('\x1dd');
      await screen.waitFor(/Enter console/);
      screen.type('c');
      await screen.waitFor(/north 02 A-2 +node-02 +on +last seen/);
      await screen.waitFor(/south 07 B-3 +node-07 +on/);
      screen.type('south:node-06\r');
      await shownRack(screen, 'south');
      await screen.waitFor(/node-06 B-2 06 on[^]*Enter wakes it/);
      screen.type('\r');
      await screen.waitFor(/login:/);
      screen.type('\x1dc');
      await screen.waitFor(/south 06 B-2 +node-06 +on +open here/);
      screen.type('north:node-02\r');
      await shownRack(screen, 'north');
      await expect
        .poll(async () => (await two.racks.get('north')?.state())?.bus.console, { timeout: 15_000 })
        .toBe('02');
      screen.type('\x1dd');
      await screen.waitFor(/Enter console/);
      screen.type('q');
      expect((await screen.exited).code).toBe(0);
    }, 60_000);
  });

  test('keys, mouse and bell of the file that lists them; a rack that is not shown is asked for no detail', async () => {
    two.say('interface: { mouse: true }\nkeys: { map: { next-rack: F6, racks: W } }\n');
    const asked = { north: await overhear('north'), south: await overhear('south') };
    const screen = two.open({ cols: 160, rows: 50 });
    try {
      await screen.waitFor(/4 on/);
      // Their own words are in the tabs.
      expect(screen.lines()[0]).toMatch(/F6 next {2}W all $/);
      await screen.waitFor(() => asked.north.count() > 0, 'north to be asked for a detail');
      expect(asked.south.count()).toBe(0);
      screen.type('\x1b[17~');
      await screen.waitFor(/8 on/);
      await screen.waitFor(() => asked.south.count() > 0, 'south to be asked at once');
      const before = { north: asked.north.count(), south: asked.south.count() };
      await screen.waitFor(() => asked.south.count() >= before.south + 2, 'south to be asked twice more');
      expect(asked.north.count()).toBe(before.north);
      screen.type('q');
      expect((await screen.exited).code).toBe(0);
      // What is wrong there is said as for one rack.
      two.say('keys: { map: { power: q } }\n');
      const { code, err } = await two.run('config', 'check');
      expect(code).toBe(78);
      expect(err).toMatch(/racks\.yaml:2:23: keys\.map\.power: q is also the key of "map\.quit"/);
    } finally {
      await screen[Symbol.asyncDispose]();
      for (const one of Object.values(asked)) one.end();
      two.say('');
    }
  });

  test('a rack whose machine does not answer delays neither the others nor the end', async ({ onTestFinished }) => {
    const bin = join(two.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'ssh'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    writeFileSync(two.config, 'racks: [{ name: far, ssh: pi@far }, north.yaml, south.yaml]\n');
    onTestFinished(() => two.say(''));
    const screen = two.open({ cols: 80, rows: 24, env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
    onTestFinished(() => screen[Symbol.asyncDispose]());
    await screen.waitFor(/far has not been reached yet\.[^]*it has not answered yet/);
    screen.type('R');
    await screen.waitFor(/far {2}NOT REACHED [^]*it has not answered yet/);
    await screen.waitFor(/north {2}bus ready {2}4 on[^]*south {2}bus ready {2}8 on/);
    screen.type('q');
    await screen.waitFor(/Space mark|q quit/);
    screen.type('q');
    expect((await screen.exited).code).toBe(0);
  });

  test('the mouse, where the file asks for it: tabs, the overview, a node, its console, the footer', async () => {
    two.say('interface: { mouse: true }\n');
    const screen = two.open({ cols: 160, rows: 50 });
    try {
      await screen.waitFor(/4 on/);
      const click = (x: number, y: number): void => screen.type(`\x1b[<0;${x};${y}M\x1b[<0;${x};${y}m`);
      const clickOn = async (words: string): Promise<void> => {
        await screen.waitFor(words);
        const y = screen.lines().findLastIndex((line) => line.includes(words));
        click((screen.lines()[y] ?? '').indexOf(words) + 1, y + 1);
      };
      await clickOn(' south ');
      await shownRack(screen, 'south');
      await clickOn('R all');
      await screen.waitFor(/Enter show/);
      // One click chooses, the next one goes there.
      await clickOn('north  bus');
      await screen.waitFor(/▌north/);
      await clickOn('north  bus');
      await shownRack(screen, 'north');
      // With its sign: an event at :02 of node-02 is another line.
      await clickOn('●N 02 node-02');
      await screen.waitFor(/▌●N ?02/);
      await clickOn('●N 02 node-02');
      await screen.waitFor(/Enter wakes it/);
      await clickOn('d detach');
      await screen.waitFor(/Enter console/);
      screen.type('q');
      expect((await screen.exited).code).toBe(0);
      for (const node of Object.values((await two.racks.get('north')?.counters())?.nodes ?? {}))
        expect(node).toMatchObject({ off: 0, on: 0, biosForConsole: { printable: 0 } });
    } finally {
      await screen[Symbol.asyncDispose]();
      two.say('');
    }
  });
});

/** Stands between a rack's server and those who connect from now on, and counts requests for a node's detail. */
async function overhear(name: string): Promise<{ count: () => number; end: () => void }> {
  const path = two.socketOf(name);
  renameSync(path, `${path}.real`);
  let count = 0;
  const proxy = createServer((client) => {
    const server = createConnection(`${path}.real`);
    client.on('data', (bytes) => (count += bytes.toString('latin1').split('"node.detail"').length - 1));
    client.pipe(server).pipe(client);
    for (const one of [client, server]) one.on('error', () => [client, server].forEach((both) => both.destroy()));
  });
  proxy.listen(path);
  await once(proxy, 'listening');
  const end = (): void => {
    proxy.close();
    renameSync(`${path}.real`, path);
  };
  return { count: () => count, end };
}
