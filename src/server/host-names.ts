/**
 * Reading by which name a machine calls itself: its console is opened, Enter wakes a getty, the name is taken from the
 * banner or the prompt. Nothing is logged into, nothing else is typed, and the console is closed again.
 */
import type { HostRead } from '../api/bus.ts';
import { HostNameReader } from '../console/host-name-reader.ts';
import type { ConsolePort } from '../power/ports.ts';
import type { Address } from '../rack/address.ts';

/** A node that prints by itself needs no Enter. */
const LISTEN_MS = 150;
/** getty answers Enter at once, a loaded machine within this. */
const ANSWER_MS = 2_500;
/** The second Enter: the first one may have ended somebody's half a line, or have been lost on the way. */
const AGAIN_MS = 900;
/** In the place of an operation's id: who has the console meanwhile. */
const READER = 'verify';

export async function readHostName(console: ConsolePort, addr: Address, session: number): Promise<HostRead> {
  const held = await console.acquire(addr, READER, { session, take: false, yields: true });
  const names = new HostNameReader();
  const seen = { open: false, why: '' };
  let settle: (host: string | null) => void = () => undefined;
  const found = new Promise<string | null>((resolve) => (settle = resolve));
  const timers: NodeJS.Timeout[] = [];
  const later = (ms: number, act: () => void): void => void timers.push(setTimeout(act, ms));
  const enter = (): void => void held.type('\r');
  held.onText((text) => {
    const host = names.feed(text);
    if (host !== null) settle(host);
  });
  held.onState((condition) => {
    if (!condition.open) {
      seen.why = condition.why;
    } else if (!seen.open) {
      seen.open = true;
      later(LISTEN_MS, enter);
      later(LISTEN_MS + AGAIN_MS, enter);
    }
  });
  later(LISTEN_MS + ANSWER_MS, () => settle(null));
  const host = await found;
  for (const timer of timers) clearTimeout(timer);
  await held.release();
  if (host !== null) return { addr, host, why: '' };
  const why = seen.open
    ? 'its console says nothing that names it: no login prompt, or a program that has it'
    : seen.why;
  return { addr, host: null, why };
}
