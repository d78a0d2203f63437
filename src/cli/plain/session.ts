/**
 * `rackui plain`: the rack in words and sentences, for screen readers, TERM=dumb and very slow lines. Each line is
 * written once, without colour or cursor movement, and only new facts are printed. Commands that change the rack
 * are the command line's own, with its guards and its confirmation.
 */
import type { ReadStream } from 'node:tty';
import type { EventRecord, Snapshot } from '../../api/methods.ts';
import { EXIT, type Operation } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { didYouMean } from '../../lib/words.ts';
import { type GlobalOptions, openClient, targetsOf } from '../server-connection.ts';
import { explain, print, shown, UsageFailure } from '../terminal-output.ts';
import {
  alarmSentences,
  eventSentence,
  eventSentences,
  isNews,
  Lines,
  nodeDetails,
  nodeSentences,
  statusSentences,
} from './sentences.ts';

class OwnOperations {
  /** The user as operations name it, perhaps with its host. */
  readonly #user: string;
  /** The running command, if it is one of power. */
  #word: string | null = null;
  readonly #own = new Map<string, Operation>();

  constructor(user: string) {
    this.#user = user;
  }

  /** Operations that begin from now on belong to this command; null: it has ended. */
  running(word: string | null): void {
    this.#word = word;
  }

  onOperation(operation: Operation): void {
    const { id, verb, by } = operation;
    const begun = this.#word !== null && (verb === this.#word || verb === `force-${this.#word}`);
    if (this.#own.has(id) || (begun && operation.endedAt === null && by.split(' ')[0] === this.#user))
      this.#own.set(id, operation);
  }

  /** Returns whether the command itself reports this event: the operation's begin, and its nodes' outcomes. */
  covers({ topic, addr, at, level, text }: EventRecord): boolean {
    if (topic !== 'power' || level === 'alarm') return false;
    return [...this.#own.values()].some(({ id, startedAt, endedAt, nodes }) =>
      addr === null
        ? text.endsWith(`(operation ${id})`)
        : nodes.some((node) => node.addr === addr) && at >= startedAt && at <= (endedAt ?? Infinity),
    );
  }
}

interface PlainPorts {
  stdin: ReadStream;
  /** Runs a command of the command line against the same server; it prints for itself. */
  run(words: readonly string[]): Promise<number>;
}

/** Commands that are passed to the command line as they are. */
const PASSED_ON = ['on', 'off', 'cycle', 'ops', 'answer', 'abort', 'plan', 'log', 'verify', 'console', 'outage'];

/** Commands of this session itself. */
const OWN_WORDS = ['help', 'status', 'list', 'node', 'alarms', 'ack', 'events', 'news', 'quit'];

const HELP = [
  'status: summary of the rack. list: all nodes; list row:A: some of them. node NAME or ADDRESS: details of one.',
  'alarms; ack NUMBER or ack all. events, or events 20: the latest events.',
  "on, off, cycle NODES: power, as on the command line; cuts need a confirmation. 'off NODES --dry-run' only shows the effect.",
  'ops: operations; ops ID: its prompts. answer ID CHOICE. abort ID. plan list, plan show NAME, plan run NAME. log NODE. verify.',
  'outage: mains and battery, and a forecast; outage report: the last outage.',
  'console NODE: opens its console in this terminal; Control right bracket, then d returns here.',
  'news off: print news only after Enter; news on: at once. quit: leave; operations continue.',
];

/** Time within which news is printed together, ms. */
const GATHER_MS = 400;
const PROMPT = 'rackui> ';
const LISTED_EVENTS = 10;
const EXIT_WORDS: Record<number, string> = {
  [EXIT.partly]: 'partly done',
  [EXIT.refused]: 'refused, nothing was cut',
  [EXIT.deadline]: 'not done before its deadline',
  [EXIT.unavailable]: 'the bus or the server is not available',
  [EXIT.unproven]: 'cut without proof of a halt',
  [EXIT.usage]: 'not understood',
};

/** Runs until `quit`, the end of standard input or Ctrl-C (0), or the server's end (5). */
async function plainSession(client: RackClient, ports: PlainPorts): Promise<number> {
  const session = new PlainSession(client, ports);
  return session.run();
}

class PlainSession {
  readonly #client: RackClient;
  readonly #ports: PlainPorts;
  readonly #lines: Lines;
  readonly #interactive: boolean;
  readonly #own: OwnOperations;
  #events: EventRecord[] = [];
  #eventsAtOnce = true;
  #gathering: NodeJS.Timeout | null = null;
  /** True while the prompt is the last printed text. */
  #prompted = false;
  #serverGone: string | null = null;

  constructor(client: RackClient, ports: PlainPorts) {
    this.#client = client;
    this.#ports = ports;
    this.#lines = new Lines(ports.stdin);
    this.#interactive = ports.stdin.isTTY;
    const { session, snapshot } = client.welcome;
    this.#own = new OwnOperations(snapshot.sessions.find(({ id }) => id === session)?.who.user ?? '');
  }

  async run(): Promise<number> {
    const leave = (): void => {
      if (this.#prompted) this.#lines.end();
    };
    const stops = [
      this.#client.on('event', (event) => this.#onEvent(event)),
      this.#client.on('operation', (operation) => this.#own.onOperation(operation)),
      this.#client.onClose((why) => {
        this.#serverGone = why;
        this.#lines.end();
      }),
    ];
    process.on('SIGINT', leave);
    try {
      await this.#runAndReport(() => this.#status());
      print("'help' lists the commands, 'quit' leaves. News are printed at once.");
      for (;;) {
        this.#printEvents();
        this.#prompt();
        const line = await this.#lines.next();
        this.#prompted = false;
        if (this.#serverGone !== null) {
          print(
            `The connection to the server was lost: ${this.#serverGone}. This cut no power; 'rackui plain' connects again.`,
          );
          return EXIT.unavailable;
        }
        const words = line === null ? ['quit'] : split(line);
        if (words[0] === 'quit' || words[0] === 'q' || words[0] === 'exit') return this.#leave(line === null);
        await this.#runAndReport(() => this.#obey(words));
      }
    } finally {
      process.off('SIGINT', leave);
      for (const stop of stops) stop();
      if (this.#gathering !== null) clearTimeout(this.#gathering);
    }
  }

  #leave(unasked: boolean): number {
    if (unasked && this.#interactive) print('');
    return EXIT.done;
  }

  /** Runs work and prints a sentence where it fails; the session continues. */
  async #runAndReport(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      print(explain(error).message);
    }
  }

  async #obey([word, ...rest]: string[]): Promise<void> {
    switch (word) {
      case undefined:
        if (this.#events.length === 0) print('Nothing new.');
        return;
      case 'help':
      case '?':
        HELP.forEach(print);
        return;
      case 'status':
      case 's':
        return this.#status();
      case 'list': {
        const snapshot = await this.#look();
        nodeSentences(snapshot, rest.length === 0 ? snapshot.rack.nodes : targetsOf(rest, snapshot).nodes).forEach(
          print,
        );
        return;
      }
      case 'node': {
        const snapshot = await this.#look();
        if (rest.length === 0) throw new UsageFailure("node needs a name or an address, as in 'node 05'");
        for (const node of targetsOf(rest, snapshot).nodes) nodeDetails(snapshot, node).forEach(print);
        return;
      }
      case 'alarms':
        alarmSentences(await this.#look()).forEach(print);
        return;
      case 'ack':
        return this.#acknowledge(rest[0]);
      case 'events': {
        const limit = rest[0] === undefined ? LISTED_EVENTS : Number(rest[0]);
        if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
          throw new UsageFailure('events needs a number from 1 to 1000');
        (await this.#client.request('events.list', { limit })).map(eventSentence).forEach(print);
        return;
      }
      case 'news':
        if (rest[0] !== 'on' && rest[0] !== 'off') throw new UsageFailure("'news on' or 'news off'");
        this.#eventsAtOnce = rest[0] === 'on';
        print(this.#eventsAtOnce ? 'News are printed at once.' : 'News wait until you press Enter.');
        return;
      default: {
        if (!PASSED_ON.includes(word))
          throw new UsageFailure(
            `'${word}' is not a command; 'help' lists them${didYouMean(word, [...OWN_WORDS, ...PASSED_ON])}`,
          );
        this.#own.running(word);
        const code = await this.#ports.run([word, ...rest]).finally(() => this.#own.running(null));
        if (code !== EXIT.done) print(`${word}: ${EXIT_WORDS[code] ?? 'it ended'} (code ${code}).`);
      }
    }
  }

  #look(): Promise<Snapshot> {
    return this.#client.request('sweep', { addrs: null, interrupt: false });
  }

  async #status(): Promise<void> {
    statusSentences(await this.#look()).forEach(print);
  }

  async #acknowledge(what: string | undefined): Promise<void> {
    const id = Number(what);
    if (what !== 'all' && !(Number.isInteger(id) && id > 0))
      throw new UsageFailure("ack needs a number from 'alarms', or all");
    const { acknowledged } = await this.#client.request('alarms.ack', { ids: what === 'all' ? null : [id] });
    print(acknowledged === 0 ? 'No alarm to acknowledge.' : `${acknowledged} acknowledged.`);
  }

  #onEvent(event: EventRecord): void {
    if (!isNews(event)) return;
    this.#events.push(event);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      this.#events = this.#events.filter((event) => !this.#own.covers(event));
      if (!this.#eventsAtOnce || !this.#prompted || this.#events.length === 0) return;
      // The text being typed stays in the terminal's line; the news is printed before it.
      if (this.#interactive) process.stdout.write('\n');
      this.#printEvents();
      this.#prompt();
    }, GATHER_MS);
  }

  #printEvents(): void {
    const events = this.#events.splice(0).filter((event) => !this.#own.covers(event));
    eventSentences(events).forEach(print);
  }

  #prompt(): void {
    this.#prompted = true;
    if (this.#interactive) process.stdout.write(shown(PROMPT));
  }
}

/** Splits words as a shell does; quotes keep blanks together. */
function split(line: string): string[] {
  return Array.from(
    line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g),
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

/** `run`: runs one command line, as a shell would. */
export async function plainCommand(
  options: GlobalOptions,
  run: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  const client = await openClient(options, 'plain', { autostart: true });
  try {
    const same = globalWords(options);
    return await plainSession(client, { stdin: process.stdin, run: (words) => run([...same, ...words]) });
  } finally {
    client.close();
  }
}

/** Returns the options that lead to the same server, and the one that keeps output plain. */
function globalWords({ config, port, socket, viewOnly }: GlobalOptions): string[] {
  return [
    '--plain',
    ...(config === undefined ? [] : ['--config', config]),
    ...(port === undefined ? [] : ['--port', port]),
    ...(socket === undefined ? [] : ['--socket', socket]),
    ...(viewOnly === true ? ['--view-only'] : []),
  ];
}
