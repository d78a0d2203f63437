/**
 * Tells systemd that the server is ready, alive, or about to end (sd_notify(3)). Node has no datagram sockets in the
 * file system, so the program `systemd-notify` sends the messages: the unit needs `NotifyAccess=all`. Does nothing
 * where no service manager waits for messages.
 */
import { execFile } from 'node:child_process';

/** Pings within the watchdog's time; systemd advises half of it. */
const PINGS = 2;
/** Time limit for one message, ms: with it a `systemd-notify` that hangs does not pile up. */
const SEND_LIMIT_MS = 10_000;

export interface ServiceManager {
  /** Reports that clients can connect to the rack's server; the first one begins the watchdog's pings. */
  serves(rack: string): void;
  /** Reports that the rack's server ends; with the last one the process does. The pings continue until it has ended. */
  leaves(rack: string): void;
}

/**
 * Takes the service manager's variables out of `env`, so that programs that the server starts cannot send messages
 * in its name. `warn` is called for the first message that could not be sent.
 */
export function takeServiceManager(env: NodeJS.ProcessEnv, warn: (text: string) => void): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) Reflect.deleteProperty(env, name);
  const watched = socket !== undefined && usec !== undefined && (pid === undefined || Number(pid) === process.pid);
  let pings: NodeJS.Timeout | null = null;
  let failed = false;

  function send(...messages: string[]): void {
    if (socket === undefined) return;
    const options = { env: { ...env, NOTIFY_SOCKET: socket }, timeout: SEND_LIMIT_MS };
    execFile('systemd-notify', messages, options, (error) => {
      if (error === null || failed) return;
      failed = true;
      warn(
        `the service manager does not receive the server's status (${error.message.trim()}): install systemd-notify`,
      );
    });
  }

  const racks = new Set<string>();
  return {
    serves(rack) {
      racks.add(rack);
      send('READY=1', `STATUS=Serves ${[...racks].join(', ')}`);
      if (watched) pings ??= setInterval(() => send('WATCHDOG=1'), Number(usec) / 1000 / PINGS).unref();
    },
    leaves(rack) {
      if (racks.delete(rack) && racks.size === 0) send('STOPPING=1');
    },
  };
}
