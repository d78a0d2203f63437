/**
 * The rack's UPS as NUT's upsd serves it on loopback (RFC 9271): one request a line, one answer of one or more lines.
 * An implementation of its own, read-only: nothing can be set or commanded.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { onLines } from './line-socket.ts';
import type { Supply } from './rack/power-supply.ts';

const UPS_NAME = 'rack';
const DESCRIPTION = 'battery of the simulated rack';
/** Per cent at which the battery is low. */
const LOW = 20;
/** Rated power of the UPS, W: its load is reported as a share of it. */
const RATED_W = 300;

/** Returns the present variables of the UPS; `more`: status flags beside `OL` or `OB` (`RB`, `FSD`, `CAL`). */
export function upsVariables(supply: Supply, at: number, more: readonly string[] = []): Map<string, string> {
  const { mains, watts, battery, dead } = supply.describe(at);
  const charge = battery === null ? null : (battery.leftWh / battery.capacityWh) * 100;
  const seconds = supply.secondsLeft(at);
  const flags = mains
    ? ['OL', ...(charge !== null && charge < 100 ? ['CHRG'] : [])]
    : ['OB', 'DISCHRG', ...((charge ?? 0) <= LOW ? ['LB'] : [])];
  return new Map(
    [
      ['battery.charge', charge === null ? null : String(Math.round(charge))],
      ['battery.charge.low', String(LOW)],
      ['battery.runtime', seconds === null ? null : String(Math.round(seconds))],
      ['device.mfr', 'rackui'],
      ['device.model', 'simulated'],
      ['device.type', 'ups'],
      ['ups.load', String(dead ? 0 : Math.round((watts / RATED_W) * 100))],
      ['ups.realpower', String(Math.round(watts))],
      ['ups.realpower.nominal', String(RATED_W)],
      ['ups.status', [...flags, ...more].join(' ')],
    ].filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

interface Login {
  user: string;
  password: string;
}

/** Login state of one connection. */
interface Caller {
  user: string | null;
  password: string | null;
  loggedIn: boolean;
}

export class Upsd {
  readonly port: number;
  readonly #server: Server;
  readonly #clients: Set<Socket>;

  private constructor(server: Server, clients: Set<Socket>, port: number) {
    this.#server = server;
    this.#clients = clients;
    this.port = port;
  }

  /** Listens on loopback. Rejects with an Error for operators where the port cannot be opened. */
  static async listen(port: number, login: Login, variables: () => Map<string, string>): Promise<Upsd> {
    const clients = new Set<Socket>();
    const callers = new Set<Caller>();
    const server = createServer((socket) => {
      const caller: Caller = { user: null, password: null, loggedIn: false };
      clients.add(socket);
      callers.add(caller);
      socket.once('close', () => {
        clients.delete(socket);
        callers.delete(caller);
      });
      socket.on('error', () => socket.destroy());
      const counted = (): number => [...callers].filter(({ loggedIn }) => loggedIn).length;
      onLines(socket, (line) => {
        const request = words(line);
        const lines = answer(request, { caller, login, variables, counted });
        socket.write(lines.map((one) => `${one}\n`).join(''));
        if (request[0] === 'LOGOUT') socket.end();
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new Error(`upsd's port ${port} on loopback: ${error.message}`)));
      server.listen(port, '127.0.0.1', resolve);
    });
    const address = server.address();
    return new Upsd(server, clients, typeof address === 'object' && address !== null ? address.port : port);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#clients) socket.destroy();
  }
}

interface Asked {
  caller: Caller;
  login: Login;
  variables: () => Map<string, string>;
  /** Returns the number of logged-in connections. */
  counted: () => number;
}

function answer([verb = '', ...rest]: string[], asked: Asked): string[] {
  switch (verb) {
    case 'VER':
      return ['Network UPS Tools upsd, as simulated for the rack'];
    case 'NETVER':
    case 'PROTVER':
      return ['1.3'];
    case 'HELP':
      return ['Commands: HELP VER GET LIST LOGIN LOGOUT USERNAME PASSWORD STARTTLS'];
    case 'STARTTLS':
      return ['ERR FEATURE-NOT-CONFIGURED'];
    case 'GET':
      return get(rest, asked);
    case 'LIST':
      return list(rest, asked);
    case 'USERNAME':
    case 'PASSWORD':
    case 'LOGIN':
      return identify(verb, rest, asked);
    case 'LOGOUT':
      return ['OK Goodbye'];
    case 'SET':
    case 'INSTCMD':
    case 'FSD':
    case 'MASTER':
    case 'PRIMARY':
      return ['ERR ACCESS-DENIED'];
    default:
      return ['ERR UNKNOWN-COMMAND'];
  }
}

function get([what = '', ups = '', name = '']: string[], { variables, counted }: Asked): string[] {
  if (ups === '' || (what === 'VAR' && name === '')) return ['ERR INVALID-ARGUMENT'];
  if (ups !== UPS_NAME) return ['ERR UNKNOWN-UPS'];
  const value = variables().get(name);
  switch (what) {
    case 'VAR':
      return value === undefined ? ['ERR VAR-NOT-SUPPORTED'] : [`VAR ${ups} ${name} ${quote(value)}`];
    case 'UPSDESC':
      return [`UPSDESC ${ups} ${quote(DESCRIPTION)}`];
    case 'NUMLOGINS':
      return [`NUMLOGINS ${ups} ${counted()}`];
    default:
      return ['ERR INVALID-ARGUMENT'];
  }
}

function list([what = '', ups = '']: string[], { variables }: Asked): string[] {
  if (what === 'UPS') return ['BEGIN LIST UPS', `UPS ${UPS_NAME} ${quote(DESCRIPTION)}`, 'END LIST UPS'];
  if (!['VAR', 'RW', 'CMD', 'CLIENT'].includes(what) || ups === '') return ['ERR INVALID-ARGUMENT'];
  if (ups !== UPS_NAME) return ['ERR UNKNOWN-UPS'];
  const lines = what === 'VAR' ? [...variables()].map(([name, value]) => `VAR ${ups} ${name} ${quote(value)}`) : [];
  return [`BEGIN LIST ${what} ${ups}`, ...lines, `END LIST ${what} ${ups}`];
}

function identify(verb: 'USERNAME' | 'PASSWORD' | 'LOGIN', [word]: string[], { caller, login }: Asked): string[] {
  if (word === undefined) return ['ERR INVALID-ARGUMENT'];
  if (verb === 'USERNAME') {
    if (caller.user !== null) return ['ERR ALREADY-SET-USERNAME'];
    caller.user = word;
    return ['OK'];
  }
  if (verb === 'PASSWORD') {
    if (caller.password !== null) return ['ERR ALREADY-SET-PASSWORD'];
    caller.password = word;
    return ['OK'];
  }
  if (caller.loggedIn) return ['ERR ALREADY-LOGGED-IN'];
  if (word !== UPS_NAME) return ['ERR UNKNOWN-UPS'];
  if (caller.user === null) return ['ERR USERNAME-REQUIRED'];
  if (caller.password === null) return ['ERR PASSWORD-REQUIRED'];
  if (caller.user !== login.user || caller.password !== login.password) return ['ERR ACCESS-DENIED'];
  caller.loggedIn = true;
  return ['OK'];
}

/** Splits a request into words: bare, or in quotes with backslashes. */
function words(line: string): string[] {
  const found = line.trim().match(/"(?:\\.|[^"\\])*"|[^\s"]+/g) ?? [];
  return found.map((word) => (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word));
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, (sign) => `\\${sign}`)}"`;
}
