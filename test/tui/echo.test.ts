/** The echo of a key is on the screen in the turn in which it comes; other output may wait for its own. */
import { expect, test, vi } from 'vitest';
import { Emulators } from '../../src/tui/console/emulator.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

test('what comes behind a key is shown at once, once', async () => {
  const changed = vi.fn();
  const emulators = new Emulators(changed);
  emulators.load(3, 80, 24, bytes('login: '), []);
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1));
  const shown = (): string => {
    let text = '';
    emulators.screens(3)?.line(0, (_, ch) => (text += ch));
    return text;
  };
  emulators.typed(3);
  emulators.data(3, bytes('p'), 0);
  expect([shown(), changed.mock.calls.length]).toEqual(['login: p', 2]);
  emulators.data(3, bytes('i'), 0);
  expect(shown()).toBe('login: p');
  await vi.waitFor(() => expect(shown()).toBe('login: pi'));
  emulators.dispose();
});
