/** What an operation reads from its console, and when a silence counts as one. */
import { expect, test } from 'vitest';
import type { Recognition } from '../../src/console/recognizer.ts';
import { ConsoleAccess, type ConsoleUser } from '../../src/power/console-access.ts';
import type { OperationConsole } from '../../src/power/ports.ts';

/** A console that is open; `print` is its node's output, `tick` the time that passes. */
async function opened(): Promise<{ print: (text: string, at: number) => void; access: ConsoleAccess; seen: string[] }> {
  let print: (text: string, at: number) => void = () => undefined;
  const console = {
    onText: (fn) => (print = fn),
    onState: () => undefined,
    onGap: () => undefined,
    release: () => Promise.resolve(),
  } as Partial<OperationConsole> as OperationConsole;
  const user = {
    ports: { now: () => 0, every: () => () => undefined, console: { acquire: () => Promise.resolve(console) } },
    node: { addr: 12 },
    operation: { id: '7' },
    session: 1,
    request: { takeConsole: false },
    console: { acquire: () => Promise.resolve(() => undefined) },
  } as unknown as ConsoleUser;
  const seen: string[] = [];
  const access = new ConsoleAccess(user, 'keeps', {
    acquired: () => undefined,
    none: (why) => seen.push(why),
    condition: () => undefined,
    recognized: (recognition: Recognition) => seen.push(`${recognition.kind} ${recognition.text}`),
    output: () => undefined,
  });
  await access.acquire('ask');
  return { print: (text, at) => print(text, at), access, seen };
}

const ticks = (access: ConsoleAccess, from: number, to: number): void => {
  for (let at = from; at <= to; at += 100) access.tick(at);
};

test('half a prompt is no question where this process was held up behind it', async () => {
  const { print, access, seen } = await opened();
  ticks(access, 0, 1_000);
  print('\r\npi@n12:', 1_050);
  access.tick(2_500);
  expect(seen).toEqual([]);
  print('~ $ ', 2_550);
  ticks(access, 2_600, 3_000);
  expect(seen).toEqual(['shell pi@n12:~ $']);
});

test('a line without its end is read behind a silence that this process has seen', async () => {
  const { print, access, seen } = await opened();
  ticks(access, 0, 1_000);
  print('\r\nPassword for ada: ', 1_050);
  access.tick(2_500);
  expect(seen).toEqual([]);
  ticks(access, 2_600, 2_600);
  expect(seen).toEqual([expect.stringContaining('Password for ada:')]);
});

test('on a machine where every tick is late, prompts are read nevertheless', async () => {
  const { print, access, seen } = await opened();
  access.tick(0);
  print('\r\npi@n12:~ $ ', 500);
  for (const at of [1_000, 2_000]) access.tick(at);
  expect(seen).toEqual(['shell pi@n12:~ $']);
});
