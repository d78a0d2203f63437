/**
 * Reaches a shell on a node's console as a shutdown does: reads the screen, presses only keys that do no harm, logs in
 * where the host is known, and asks the shell who it is. Every question of the shutdown's machine ends it here.
 */
import { Unavailable } from '../../lib/errors.ts';
import type { ConsoleAccess } from '../../power/console-access.ts';
import type { ConsoleCondition, Credentials, OperationPorts } from '../../power/ports.ts';
import { update } from '../../power/shutdown/machine.ts';
import type { OperatorPromptKind } from '../../power/shutdown/prompts.ts';
import { type Effect, initialShutdown, type Shutdown, type ShutdownEvent } from '../../power/shutdown/state.ts';
import type { Target } from '../../power/shutdown/target.ts';
import type { Address } from '../../rack/address.ts';
import { placeText } from '../../rack/inventory.ts';

/** Time limits of a login, ms: for a prompt, and for each step behind it. */
const PROMPT_MS = 10_000;
const STEP_MS = 30_000;

const quote = (detail: string): string => (detail === '' ? '' : ` (“${detail}”)`);

/** Reasons why no shell was reached, as predicates of the node. */
const REASONS: Partial<Record<OperatorPromptKind, (detail: string) => string>> = {
  'console-held': (detail) => `its console is in use: ${detail}`,
  'console-lost': (detail) => `its console was lost: ${detail}`,
  refused: (detail) => `the keys for its console were not sent: ${detail}`,
  silent: () =>
    'its console is silent, even after Ctrl-Q: no login runs there, its tty has another baud rate, or the system hangs',
  'no-prompt': (detail) => `its console shows no login or shell prompt${quote(detail)}`,
  taken: (detail) => `its console shows ${detail}, where no keys are typed`,
  nameless: (detail) => `the shell on its console${quote(detail)} did not say which host it is on`,
  'nameless-login': (detail) =>
    `the login prompt on its console${quote(detail)} names no host: no password is typed there`,
  'other-host': (detail) => `the machine on its console calls itself ‘${detail}’: correct the configuration`,
  'no-login': (detail) => `it requires a login, and no credentials are configured (section login; ${detail})`,
  'login-failed': (detail) => `the login failed${quote(detail)}`,
  'login-unfinished': (detail) => `the login did not finish (${detail})`,
  emergency: (detail) => `it is in an emergency${quote(detail)}`,
  panic: (detail) => `its kernel panicked${quote(detail)}`,
};

export type ShellPorts = Pick<OperationPorts, 'now' | 'every' | 'inventory' | 'console' | 'credentials'> & {
  limits: Pick<OperationPorts['limits'], 'settle'>;
};

export class ShellLogin {
  readonly #ports: ShellPorts;
  readonly #addr: Address;
  readonly #console: ConsoleAccess;
  #state: Shutdown;
  #credentials: Credentials | null = null;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  readonly reached: Promise<void>;
  #events: ShutdownEvent[] = [];
  #applying = false;
  #over = false;

  constructor(ports: ShellPorts, addr: Address, console: ConsoleAccess) {
    this.#ports = ports;
    this.#addr = addr;
    this.#console = console;
    this.reached = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#state = { ...initialShutdown(targetOf(ports, addr), ports.now()), goal: 'shell' };
    this.send({ kind: 'start', at: ports.now() });
  }

  /** This login typed a user's name: the shell is left again in the end. */
  get loggedIn(): boolean {
    return this.#state.loggedIn;
  }

  condition(condition: ConsoleCondition): void {
    this.send({ kind: 'console', at: this.#ports.now(), condition });
  }

  /** Ends it without a shell; leaves a prompt for a password. */
  giveUp(why: string): void {
    if (this.#over) return;
    if (this.#state.stage.is === 'login' && this.#state.stage.step !== 'user') this.#console.type('\x03');
    this.#end(why);
  }

  send(event: ShutdownEvent): void {
    this.#events.push(event);
    if (this.#applying) return;
    this.#applying = true;
    for (let next = this.#events.shift(); next && !this.#over; next = this.#events.shift()) {
      const { state, effects } = update(this.#state, next);
      this.#state = state;
      for (const effect of effects) this.#perform(effect);
      const { stage, prompt } = state;
      if (prompt !== null) this.giveUp(REASONS[prompt.kind]?.(prompt.detail) ?? prompt.detail);
      else if (stage.is === 'ended') this.#end(stage.detail);
      else if (stage.is === 'at-shell') {
        this.#over = true;
        this.#resolve();
      }
    }
    this.#applying = false;
  }

  #end(why: string): void {
    this.#over = true;
    this.#reject(new Unavailable(why));
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'acquire':
        void this.#console.acquire(effect.use);
        return;
      case 'look':
        void this.#console.readScreen().then((seen) => {
          if (seen) this.send({ kind: 'screen', at: this.#ports.now(), ...seen });
        });
        return;
      case 'type':
        this.#type(effect.text);
        return;
      case 'ask-credentials':
        void this.#askCredentials();
        return;
      case 'type-user':
        this.#type(`${this.#credentials?.user ?? ''}\r`);
        return;
      case 'type-password': {
        const password = this.#credentials?.password ?? '';
        this.#type(`${password}\r`, password);
        return;
      }
      default:
        // The other effects belong to shutdowns.
        return;
    }
  }

  async #askCredentials(): Promise<void> {
    let why = 'none are configured';
    try {
      this.#credentials = await this.#ports.credentials(this.#addr);
    } catch {
      // The reason may quote the output of a password program.
      why = 'not readable';
    }
    if (this.#credentials) this.#console.reader.conceal(this.#credentials.password);
    this.send({ kind: 'credentials', at: this.#ports.now(), user: this.#credentials?.user ?? null, why });
  }

  #type(text: string, secret = ''): void {
    const why = this.#console.type(text, secret);
    if (why !== '') this.send({ kind: 'refused', at: this.#ports.now(), why });
  }
}

/** Returns the target of a shutdown that never asks for one. */
function targetOf({ inventory, limits: { settle } }: ShellPorts, addr: Address): Target {
  const { nodes, configured } = inventory();
  const name = nodes.find((node) => node.addr === addr)?.name ?? placeText(addr);
  return {
    name,
    place: placeText(addr),
    host: configured ? name : null,
    limits: {
      preflight: PROMPT_MS,
      request: STEP_MS,
      acknowledged: STEP_MS,
      stopping: STEP_MS,
      hard: STEP_MS,
      settle: settle * 1000,
      networkGone: STEP_MS,
      steady: STEP_MS,
    },
    ssh: null,
    shares: false,
    hooks: null,
    cutOn: 'A',
    band: null,
    deadlineAt: null,
    onDeadline: 'leave',
    unattended: false,
    cutUnasked: false,
    watchedOn: false,
  };
}
