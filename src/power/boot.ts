/**
 * Watches one node come up, by its BMC, its ssh port, and its console while no operator uses that; and decides by the
 * kernel's boot id whether a node was reset. The decisions are pure: `update(state, event) → { state, effects }`. The
 * BMC's status is verified before this begins; here a current, then a login prompt or an ssh server's greeting show
 * that the node came up.
 */
import { PRIORITY } from '../bmc/types.ts';
import type { Recognition } from '../console/recognizer.ts';
import { sameHost } from '../rack/inventory.ts';
import { ConsoleAccess } from './console-access.ts';
import type { Job } from './operation.ts';
import { everyTick } from './ports.ts';

/** The part that stays the same during a boot. */
export interface BootTarget {
  name: string;
  /** Host name that its console must show, or null. */
  host: string | null;
  /** Accepted proofs: a prompt on its console, a greeting of its ssh server. At least one is true. */
  console: boolean;
  ssh: boolean;
  limitMs: number;
}

export interface Boot {
  target: BootTarget;
  since: number;
  /** Highest current so far, counts; null: its BMC has not answered. */
  current: number | null;
  /** Reason why its console cannot be watched; '' where it can, or was not tried. */
  problem: string;
  /** Last visible line of its console. */
  lastLine: string;
  outputAt: number;
  /** Time since which its console is held, epoch ms; null: it is not held. */
  hadSince: number | null;
  /** Enter was pressed. */
  asked: boolean;
  /** `up`: it came up, or nothing showed the contrary; `seen`: it was seen to come up. */
  end: { up: boolean; seen: boolean; detail: string } | null;
}

export type BootEvent = { at: number } & (
  | { kind: 'tick' }
  /** This process was stopped for `ms`, in which nothing was observed. */
  | { kind: 'stalled'; ms: number }
  | { kind: 'recognized'; recognition: Recognition }
  | { kind: 'no-console'; why: string }
  /** Its console is held, or was handed on to another node that boots. */
  | { kind: 'console' }
  | { kind: 'handed-on' }
  | { kind: 'greeting' }
  /** `current` in counts. */
  | { kind: 'sample'; current: number }
);

export type BootEffect = { do: 'wake' } | { do: 'prove'; kind: string; text: string };

/**
 * Enter is pressed only on a console that has been quiet for this long, and this long after power on, ms: any key stops
 * U-Boot's autoboot.
 */
const QUIET_MS = 10_000;
const WAKE_AFTER_MS = 30_000;
/** Time within which a prompt answers Enter, ms. */
const ANSWER_MS = 3_000;
/** Time in which a holder of the console has read its output, or has pressed Enter and got an answer, ms. */
const LISTEN_MS = QUIET_MS + ANSWER_MS;

export function initialBoot(target: BootTarget, at: number): Boot {
  return {
    target,
    since: at,
    current: null,
    problem: '',
    lastLine: '',
    outputAt: at,
    hadSince: null,
    asked: false,
    end: null,
  };
}

export function update(state: Boot, event: BootEvent): { state: Boot; effects: BootEffect[] } {
  if (state.end !== null) return { state, effects: [] };
  const { target, since } = state;
  const { at } = event;
  switch (event.kind) {
    case 'sample': {
      const first = event.current > 0 && (state.current ?? 0) === 0;
      const effects: BootEffect[] = first
        ? [{ do: 'prove', kind: 'current', text: `draws ${event.current} counts` }]
        : [];
      return { state: { ...state, current: Math.max(state.current ?? 0, event.current) }, effects };
    }
    case 'greeting':
      return target.ssh
        ? ended(state, true, `its ssh server answers, ${seconds(at - since)} after power came`, true)
        : { state, effects: [] };
    case 'no-console':
      return { state: { ...state, problem: event.why, hadSince: null }, effects: [] };
    case 'console':
      return { state: { ...state, problem: '', outputAt: at, hadSince: at }, effects: [] };
    case 'handed-on':
      return { state: { ...state, hadSince: null }, effects: [] };
    case 'recognized':
      return onConsoleLine(
        { ...state, outputAt: at, hadSince: state.hadSince ?? at, lastLine: event.recognition.text },
        event.recognition,
        at,
      );
    case 'stalled': {
      const { hadSince } = state;
      // The line's buffer holds some kilobytes while a program does not read: the prompt may be lost, so time is added
      // to request it again.
      const askedBy = Math.max(at - since, WAKE_AFTER_MS) + LISTEN_MS;
      const longer = { ...target, limitMs: Math.max(target.limitMs + event.ms, askedBy) };
      return {
        state: { ...state, target: longer, outputAt: at, hadSince: hadSince === null ? null : at },
        effects: [],
      };
    }
    case 'tick':
      if (at - since >= target.limitMs && wasLookedAt(state, at))
        return printedNothing(state) ? askAtLimit(state, at) : late(state);
      if (!target.console || at - since < WAKE_AFTER_MS || at - state.outputAt < QUIET_MS)
        return { state, effects: [] };
      return { state: { ...state, outputAt: at, asked: true }, effects: [{ do: 'wake' }] };
  }
}

/** Reports whether its console is held, was never asked and printed nothing: a prompt may be from before. */
function printedNothing({ target, problem, hadSince, asked, lastLine: said }: Boot): boolean {
  return target.console && problem === '' && hadSince !== null && !asked && said === '';
}

/** Presses Enter once before the verdict, and waits {@link ANSWER_MS} for the prompt. */
function askAtLimit(state: Boot, at: number): { state: Boot; effects: BootEffect[] } {
  const target = { ...state.target, limitMs: at - state.since + ANSWER_MS };
  return { state: { ...state, target, outputAt: at, asked: true }, effects: [{ do: 'wake' }] };
}

/**
 * Reports whether the console was watched for long enough to conclude that the node did not come up. Where only the
 * console can show it and other booting nodes hold that, the limit waits until this one had its turn for
 * {@link LISTEN_MS}. A reason why the console cannot be opened counts as an answer, too.
 */
function wasLookedAt({ target, problem, hadSince }: Boot, at: number): boolean {
  return target.ssh || problem !== '' || (hadSince !== null && at - hadSince >= LISTEN_MS);
}

/** Describes the progress for operators. */
function detailOf({ lastLine: said, problem, current }: Boot): string {
  const drawn = current === null ? '' : `; it drew up to ${current} counts`;
  if (problem !== '') return `is on${drawn}; waiting for it to come up (its console: ${problem})`;
  return said === '' ? `is on${drawn}; waiting for it to come up` : `is on${drawn}; its last output: “${said}”`;
}

function onConsoleLine(state: Boot, recognition: Recognition, at: number): { state: Boot; effects: BootEffect[] } {
  const { target, since } = state;
  switch (recognition.kind) {
    case 'login':
    case 'shell': {
      const { host } = recognition;
      if (host !== null && target.host !== null && !sameHost(host, target.host))
        return ended(state, false, `it came up as ‘${host}’, not as ‘${target.host}’: correct the map, or the slot`);
      if (!target.console) return { state, effects: [] };
      const what = recognition.kind === 'login' ? 'login' : 'shell';
      return ended(state, true, `its console shows a ${what} prompt, ${seconds(at - since)} after power came`, true);
    }
    case 'panic':
    case 'emergency':
    case 'initramfs':
    case 'initramfs-shell':
    case 'uboot-shell':
      return ended(state, false, `it did not come up: “${recognition.text}”; check its console`);
    default:
      return { state, effects: [] };
  }
}

function late(state: Boot): { state: Boot; effects: BootEffect[] } {
  const { target, current, problem, lastLine: said } = state;
  const limit = seconds(target.limitMs);
  if (current === 0) return ended(state, false, 'it draws no current: check that its slot holds a board');
  // A console that was not watched does not show that the boot failed.
  if (!target.ssh && problem !== '') return ended(state, true, `whether it came up is unknown (${problem})`);
  const wanted = target.console && target.ssh ? 'no prompt and no ssh login' : target.ssh ? 'no ssh' : 'no prompt';
  const last = said === '' ? '' : `; its last output: “${said}”`;
  return ended(state, false, `${wanted} showed within ${limit}${last}: check its console`);
}

function ended(state: Boot, up: boolean, detail: string, seen = false): { state: Boot; effects: BootEffect[] } {
  return { state: { ...state, end: { up, seen, detail } }, effects: [{ do: 'prove', kind: 'boot', text: detail }] };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

const TICK_MS = 100;
/** Interval of the requests to its BMC and its ssh port, ms. */
const LOOK_MS = 2_000;

export interface Booted {
  up: boolean;
  /** Proof that it came up, or the reason why not; null: no more than its BMC's status is wanted. */
  detail: string | null;
}

/**
 * Watches the node's boot. Resolves when it came up, did not in time, or `signal` aborted: in the last case the result
 * is not known and watching ends.
 */
export function watchBoot(job: Job, signal: AbortSignal): Promise<Booted> {
  const target = bootTargetOf(job);
  if (target === null) return Promise.resolve({ up: true, detail: null });
  return new Promise((resolve) => new BootRun(job, target, signal, resolve));
}

/** Returns null where the configuration wants no more than the BMC's status, or leaves nothing else to watch. */
function bootTargetOf({ ports, node }: Job): BootTarget | null {
  const { proof, limit } = ports.boot;
  const ssh = proof !== 'console' && proof !== 'status' && (ports.network?.target(node.addr) ?? null) !== null;
  const console = proof === 'any' || proof === 'console';
  if (!ssh && !console) return null;
  return {
    name: node.name,
    host: ports.inventory().configured ? node.name : null,
    console,
    ssh,
    limitMs: limit * 1000,
  };
}

class BootRun {
  readonly #job: Job;
  readonly #console: ConsoleAccess;
  readonly #stop: () => void;
  readonly #end: (booted: Booted) => void;
  #state: Boot;
  #over = false;
  #lookedAt = -Infinity;
  #wantsConsole = false;
  #listeningSince = 0;

  constructor(job: Job, target: BootTarget, signal: AbortSignal, resolve: (booted: Booted) => void) {
    const { ports, node } = job;
    this.#job = job;
    this.#state = initialBoot(target, ports.now());
    this.#console = new ConsoleAccess(job, 'yields', {
      acquired: () => (this.#listeningSince = ports.now()),
      none: (why) => this.#lost(why),
      condition: ({ open, why }) => {
        if (open) this.#send({ kind: 'console', at: ports.now() });
        else if (why !== '') this.#send({ kind: 'no-console', at: ports.now(), why });
      },
      recognized: (recognition, at) => this.#send({ kind: 'recognized', at, recognition }),
      output: () => undefined,
    });
    this.#end = (booted) => {
      if (this.#over) return;
      this.#over = true;
      this.#stop();
      signal.removeEventListener('abort', aborted);
      void this.#console.letGo().then(() => resolve(booted));
    };
    const aborted = (): void => this.#end({ up: true, detail: 'it was not watched to its login' });
    this.#stop = everyTick(ports, TICK_MS, {
      stalled: (at, ms) => this.#send({ kind: 'stalled', at, ms }),
      tick: (at) => this.#tick(at),
    });
    signal.addEventListener('abort', aborted, { once: true });
    node.show('verify', detailOf(this.#state), this.#state.since + target.limitMs);
    if (signal.aborted) aborted();
  }

  #tick(at: number): void {
    const { console } = this.#job;
    this.#console.tick(at);
    this.#send({ kind: 'tick', at });
    if (this.#over) return;
    if (this.#console.held) this.#yield(at, console.wanted);
    else this.#wantConsole(at);
    if (at - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = at;
    void this.#readScreen();
  }

  /** Requests the console unless an operator uses it, who has precedence: the boot can be seen later, or by ssh. */
  #wantConsole(at: number): void {
    const { ports } = this.#job;
    if (!this.#state.target.console || this.#wantsConsole) return;
    const holder = ports.console.holder();
    if (holder !== null) {
      this.#send({ kind: 'no-console', at, why: `${holder.name} uses the console` });
      return;
    }
    this.#wantsConsole = true;
    void this.#console.acquire('watch').finally(() => (this.#wantsConsole = false));
  }

  #yield(at: number, wanted: boolean): void {
    // All booting nodes share one console.
    if (!wanted || at - this.#listeningSince < LISTEN_MS) return;
    this.#send({ kind: 'handed-on', at });
    void this.#console.letGo();
  }

  /**
   * Presses Enter where nothing is on the screen that Enter would answer; a console that does not accept it is tried
   * again later.
   */
  async #wake(): Promise<void> {
    const seen = await this.#console.readScreen();
    if (!this.#over && seen && ['nothing', 'rest', 'prompt'].includes(seen.screen.is)) this.#console.type('\r');
  }

  #lost(why: string): void {
    this.#send({ kind: 'no-console', at: this.#job.ports.now(), why });
  }

  async #readScreen(): Promise<void> {
    const { ports, node, console } = this.#job;
    if (this.#state.target.ssh && (await ports.network?.greets(node.addr)) === true)
      this.#send({ kind: 'greeting', at: ports.now() });
    // An operator's console is not interrupted for a current.
    const listens = console.holder !== null || ports.console.holder() !== null;
    if (this.#over || (listens && this.#state.current !== null)) return;
    const status = await ports.bus.status(node.addr, PRIORITY.operator);
    if (status.ok) this.#send({ kind: 'sample', at: ports.now(), current: status.sample.current });
  }

  #send(event: BootEvent): void {
    if (this.#over) return;
    const { node, ports } = this.#job;
    if (event.kind === 'greeting') ports.systems.sign(node.addr, 'alive', 'answers by ssh');
    const { state, effects } = update(this.#state, event);
    this.#state = state;
    for (const effect of effects)
      if (effect.do === 'prove') node.prove(effect.kind, effect.text);
      else void this.#wake();
    if (state.end === null) {
      node.show('verify', detailOf(state), state.since + state.target.limitMs);
      return;
    }
    if (state.end.seen) this.#job.ports.durations.recordDuration(node.addr, 'on', event.at - state.since);
    this.#end(state.end);
  }
}

/**
 * Decides whether a machine was really restarted. Each start of a Linux kernel has a random name, its boot id. A
 * status byte is only a BMC's report, and a prompt only that a system runs; another boot id alone shows another
 * start. Where it cannot be read, power seen off takes its place. Pure.
 */
const FILE = '/proc/sys/kernel/random/boot_id';
const BOOT_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Returns commands whose output {@link readBootId} reads. `token`: a word that only a machine that ran these commands
 * can print. A key whose forced command is the shutdown itself does not print it, and must not be used again.
 */
export function bootIdCommands(token: string): string {
  return `echo ${token}; cat ${FILE}`;
}

/** Returns the boot id on the line after the token's; null: there is none. */
export function readBootId(output: readonly string[], token: string): string | null {
  const id = output[output.indexOf(token) + 1] ?? '';
  return output.includes(token) && BOOT_ID.test(id) ? id : null;
}

/**
 * `before`, `after`: boot ids, null where not readable. `seenOff`: two status replies were off in between.
 */
export interface ResetFacts {
  before: string | null;
  after: string | null;
  seenOff: boolean;
}

/**
 * `is`: it was reset; it was not; nothing proves either. `ground`: text for the evidence; null: no boot id was
 * requested.
 */
export interface ResetVerdict {
  is: 'reset' | 'not-reset' | 'unproven';
  ground: string | null;
}

export function assessReset({ before, after, seenOff }: ResetFacts): ResetVerdict {
  if (before === null) return { is: seenOff ? 'reset' : 'unproven', ground: null };
  if (after === null) {
    const powerText = seenOff ? 'its power was seen off, which proves the reset' : 'and its power was not seen off';
    return { is: seenOff ? 'reset' : 'unproven', ground: `its boot id could not be read by ssh again: ${powerText}` };
  }
  if (after === before) return { is: 'not-reset', ground: `its kernel was not restarted: boot id ${after}` };
  return { is: 'reset', ground: `its kernel was restarted: boot id ${before} before, ${after} now` };
}
