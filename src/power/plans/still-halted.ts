/**
 * A node that had halted before the server ended, by the kernel's last line on the disk. It is cut only if it says nothing
 * now, whatever is pressed on its console: a hard cut is never replayed on an old proof alone.
 */
import { pause } from '../clock.ts';
import type { Job } from '../job.ts';
import { ConsoleHeld } from '../ports.ts';
import { cutPower, type Switched } from '../power-switch.ts';

/** Enter is pressed so often: a getty answers the first, a busy one the second. */
const PRESSES = 3;
/** How long a console may take to open, ms. */
const OPEN_MS = 10_000;
/** Fewer printable characters in a row than this are noise of a UART, not speech. */
const SPEECH = /[\x20-\x7e]{3}/;

/** Null: it cannot be said to be halted still; it has to be asked like any other. */
export async function cutStillHalted(job: Job, marker: string): Promise<Switched | null> {
  const { node, signal } = job;
  node.prove('marker', marker);
  node.show('settle', 'had halted before the server ended; looking whether it is silent still');
  if (!(await isSilent(job)) || signal.aborted) return null;
  node.show('cut', 'its power is being cut');
  return cutPower(
    job,
    'grade A: the kernel’s last line was read before the server ended, and its console is silent still',
  );
}

/** Presses Enter on its console: nothing that lives stays silent. False, too, where it could not be looked at. */
export async function isSilent({ node, operation, ports, session, request, signal }: Job): Promise<boolean> {
  const seen = { said: '', open: false };
  const spoke = (): boolean => !seen.open || SPEECH.test(seen.said);
  try {
    const console = await ports.console.acquire(node.addr, operation.id, {
      session,
      take: request.takeConsole,
      yields: false,
    });
    try {
      console.onText((text) => (seen.said += text));
      console.onState((condition) => (seen.open = condition.open));
      for (let waited = 0; !seen.open && waited < OPEN_MS && !signal.aborted; waited += 100)
        await pause(ports, 100, signal);
      if (!seen.open) {
        node.prove('console', 'its console could not be looked at: nothing is concluded from that');
        return false;
      }
      const quiet = (ports.limits.settle * 1000) / PRESSES;
      for (let press = 0; press < PRESSES && !signal.aborted; press++) {
        if (console.type('\r').refused !== null) return false;
        await pause(ports, quiet, signal);
        if (spoke()) break;
      }
    } finally {
      await console.release();
    }
  } catch (error) {
    if (!(error instanceof ConsoleHeld)) throw error;
    node.prove('console', `${error.message}: nothing is concluded`);
    return false;
  }
  const silent = !spoke();
  node.prove(
    'console',
    silent
      ? `Enter was pressed ${PRESSES} times on its console, and it is silent`
      : 'its console speaks, or went away: it is asked anew',
  );
  return silent;
}
