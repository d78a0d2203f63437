/**
 * Reads a machine's host name from its console: opens it, reads the screen, and where no name is there presses keys
 * that do no harm. Logs in nowhere and closes the console again.
 */
import type { HostRead } from '../../api/bus.ts';
import { HostNameReader, promptHost } from '../../console/hostname.ts';
import { answerTimeOf, keysOf, nextPress, type Press, type ScreenState } from '../../console/screen-state.ts';
import type { ConsolePort, OperationConsole } from '../../power/ports.ts';
import type { Address } from '../../rack/address.ts';

/** Time without output after which a prompt is read, ms; a node that prints by itself needs no key. */
const LISTEN_MS = 200;
/** Time limit for the bus to open the console, ms. */
const OPEN_MS = 2_500;
/** Time limit for a node that prints without pause, ms. */
const OUTPUT_MS = 2_000;
/** Name of this probe where an operation's id is expected. */
const READER = 'verify';

export async function readHostName(console: ConsolePort, addr: Address, session: number): Promise<HostRead> {
  const held = await console.acquire(addr, READER, { session, take: false, yields: true });
  const visit = new Visit(held);
  try {
    const host = await visit.host();
    return { addr, host, why: host === null ? visit.why : '' };
  } finally {
    await held.release();
  }
}

class Visit {
  why = '';
  readonly #console: OperationConsole;
  readonly #names = new HostNameReader();
  #open = false;
  #host: string | null = null;
  #lastOutputAt: number | null = null;
  #changed: () => void = () => undefined;

  constructor(console: OperationConsole) {
    this.#console = console;
    console.onText((text) => {
      this.#lastOutputAt = performance.now();
      this.#host = this.#names.feed(text) ?? this.#host;
      if (this.#host !== null) this.#changed();
    });
    console.onState((condition) => {
      this.#open = condition.open;
      this.why = condition.why;
      this.#changed();
    });
  }

  /** Returns the name shown by itself or after harmless keys; null: {@link why}. */
  async host(): Promise<string | null> {
    if (!this.#open) await this.#wait(OPEN_MS);
    if (!this.#open) return null;
    const done: Press[] = [];
    let pressedAt = performance.now();
    await this.#wait(LISTEN_MS);
    while (this.#host === null) {
      const { screen, fresh } = await this.#console.readScreen();
      if (fresh && screen.is === 'prompt') return promptHost(screen.prompt) ?? this.#nameless(screen);
      const answered = this.#lastOutputAt !== null && this.#lastOutputAt >= pressedAt;
      const press = nextPress(screen, { fresh, answered: answered && done.length > 0 }, done);
      if (press === null) return this.#nameless(screen);
      pressedAt = performance.now();
      if (this.#console.type(keysOf(press, done)).refused !== null) return this.#nameless(screen);
      done.push(press);
      await this.#answered(answerTimeOf(press), pressedAt);
    }
    await this.#outputEnds();
    return this.#host;
  }

  /** Waits until the node pauses: half a prompt at the end of a screen would look like typed text to the next probe. */
  async #outputEnds(): Promise<void> {
    const limit = performance.now() + OUTPUT_MS;
    while (performance.now() < limit && performance.now() - (this.#lastOutputAt ?? 0) < LISTEN_MS)
      await this.#wait(LISTEN_MS);
  }

  #nameless(screen: ScreenState): null {
    this.why =
      screen.is === 'taken'
        ? `its console shows ${screen.by} (“${screen.text}”), where no keys are typed`
        : this.#lastOutputAt === null && screen.is !== 'prompt'
          ? 'its console printed nothing, even after Ctrl-Q: no login, another baud rate, or the system hangs'
          : 'its console shows no host name: no login prompt, or a program that uses it';
    return null;
  }

  /** Waits for a name, or until the output ended. */
  async #answered(ms: number, since: number): Promise<void> {
    const until = since + ms;
    while (this.#host === null && performance.now() < until) {
      const answered = this.#lastOutputAt !== null && this.#lastOutputAt >= since;
      if (answered && performance.now() - (this.#lastOutputAt ?? 0) >= 2 * LISTEN_MS) return;
      await this.#wait(Math.min(LISTEN_MS, until - performance.now()));
    }
  }

  /** Waits `ms`, or until the console's state changes or a name is read. */
  async #wait(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#changed = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#changed = () => undefined;
  }
}
