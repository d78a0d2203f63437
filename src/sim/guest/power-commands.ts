/** Commands that end the system, and sudo, which they need. */
import { LineInput } from './line-editor.ts';
import type { Command, CommandTable, Context, Ending } from './machine.ts';

const TTY = 'ttyS0';
const SUDO_TRIES = 3;
/** Message of systemctl while an inhibitor lock is held. */
export const INHIBITED =
  'Operation inhibited by "unattended-upgr" (PID 733 "python3", user root), reason is "Stop ongoing upgrades".\n' +
  'Please retry operation after closing inhibitors and logging out other users.\n';

/**
 * Requests the end of the system from systemd: root may; other users need an authentication that is impossible here.
 */
function ask(context: Context, how: Ending): number {
  const { machine } = context;
  if (context.user !== 'root') {
    context.print('Failed to set wall message, ignoring: Interactive authentication required.\n');
    context.print(
      `Call to ${{ poweroff: 'PowerOff', reboot: 'Reboot', halt: 'Halt' }[how]} failed: Interactive authentication required.\n`,
    );
    return 1;
  }
  if (machine.faults.inhibited) {
    context.print(INHIBITED);
    return 1;
  }
  machine.end(how, TTY);
  return 0;
}

const ending = (how: Ending): Command => ({ help: `ends the system: ${how}`, run: (context) => ask(context, how) });

const systemctl: Command = {
  help: 'poweroff, reboot, halt, status',
  run: (context, args) => {
    const [verb = 'status'] = args.filter((arg) => !arg.startsWith('-'));
    if (verb === 'poweroff' || verb === 'reboot' || verb === 'halt') return ask(context, verb);
    if (verb === 'is-system-running') context.print('running\n');
    else if (verb === 'status')
      context.print(
        `● ${context.machine.hostname}\n    State: \x1b[0;32mrunning\x1b[0m\n    Units: 412 loaded (incl. loaded aliases)\n     Jobs: 0 queued\n   Failed: 0 units\n`,
      );
    else {
      context.print(`Unknown command verb '${verb}'.\n`);
      return 1;
    }
    return 0;
  },
};

const shutdown: Command = {
  help: '-h now, -r now',
  run: (context, args) => {
    if (!args.includes('now')) {
      context.print('This machine knows only: shutdown -h now, shutdown -r now\n');
      return 1;
    }
    return ask(context, args.includes('-r') ? 'reboot' : args.includes('-H') ? 'halt' : 'poweroff');
  },
};

const sudo: Command = {
  help: 'a command as root',
  run: (context, args) => {
    const first = args.findIndex((arg) => !arg.startsWith('-'));
    const flags = first < 0 ? args : args.slice(0, first);
    const argv = args.slice(flags.length);
    const wantsShell = argv.length === 0 && (flags.includes('-i') || flags.includes('-s'));
    if (argv.length === 0 && !wantsShell) {
      context.print('usage: sudo [-n] command\n       sudo -i\n');
      return 1;
    }
    const go = (): void => {
      if (wantsShell) context.openShell('root');
      else context.runAs('root', argv);
    };
    const { machine } = context;
    const asks = machine.account.sudoAsks || machine.faults.sudoPassword;
    if (context.user === 'root' || !asks || context.sudoRemembers()) go();
    else if (flags.includes('-n')) {
      context.print('sudo: a password is required\n');
      return 1;
    } else askPassword(context, 1, go);
    return undefined;
  },
};

function askPassword(context: Context, attempt: number, go: () => void): void {
  const { machine } = context;
  const prompt = context.env['SUDO_PROMPT'] ?? '[sudo] password for %p: ';
  context.print(prompt.replace('%p', context.user));
  context.attend(
    new LineInput({
      print: (text) => context.print(text),
      echo: false,
      line: (text) => {
        if (text === machine.account.password) {
          context.sudoRemember();
          go();
        } else if (attempt === SUDO_TRIES) {
          context.print(`sudo: ${SUDO_TRIES} incorrect password attempts\n`);
          context.exit(1);
        } else {
          context.print('Sorry, try again.\n');
          askPassword(context, attempt + 1, go);
        }
      },
      interrupt: () => context.interrupt(),
    }),
  );
}

const sh: Command = {
  help: '-c COMMAND',
  run: (context, [flag, text, ...words]) => {
    if (flag !== '-c' || text === undefined) context.openShell(context.user);
    else context.runScript(text, words);
    return undefined;
  },
};

export const POWER_COMMANDS: CommandTable = {
  systemctl,
  shutdown,
  poweroff: ending('poweroff'),
  reboot: ending('reboot'),
  halt: ending('halt'),
  sudo,
  su: {
    help: 'a root shell, for root',
    run: (context) => {
      if (context.user !== 'root') {
        context.print('su: Authentication failure\n');
        return 1;
      }
      context.openShell('root');
      return undefined;
    },
  },
  sh,
};
