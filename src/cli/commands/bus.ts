/**
 * `rackui bus`: shows the exchanges as they pass, and sends raw commands for BIOS functions that rackui does not
 * know.
 */
import { EXIT } from '../../api/power.ts';
import type { RackClient } from '../../client/client.ts';
import { spellBytes } from '../../lib/control-chars.ts';
import { exchangeJson, exchangeLine } from '../format/discovered-config.ts';
import { type GlobalOptions, knownRack, openClient, targetsOf } from '../server-connection.ts';
import { hint, print, printJson, UsageFailure } from '../terminal-output.ts';

export interface BusOptions extends GlobalOptions {
  follow?: boolean;
  json?: boolean;
  raw?: string;
  confirm?: string;
}

const LIMIT = 512;

export async function busCommand(words: readonly string[], options: BusOptions): Promise<number> {
  const client = await openClient(options, 'bus', { autostart: true });
  try {
    if (options.raw !== undefined) return await sendRaw(client, words, { ...options, raw: options.raw });
    if (words.length > 0) throw new UsageFailure("a node is only valid with --raw: rackui bus --raw '#' NODE");
    return await showLog(client, options);
  } finally {
    client.close();
  }
}

async function showLog(client: RackClient, options: BusOptions): Promise<number> {
  let after = 0;
  let following = options.follow === true;
  const leave = (): void => {
    following = false;
    client.close();
  };
  process.once('SIGINT', leave);
  try {
    do {
      const entries = await client.request('bus.log', { after, limit: LIMIT, wait: following && after > 0 });
      for (const entry of entries) {
        if (options.json === true) printJson(exchangeJson(entry));
        else print(exchangeLine(entry));
        after = entry.seq;
      }
    } while (isOn());
  } catch (error) {
    if (isOn() || options.follow !== true) throw error;
  } finally {
    process.off('SIGINT', leave);
  }
  return EXIT.done;

  /** A function, because the compiler believes that a variable checked before an await has not changed after it. */
  function isOn(): boolean {
    return following;
  }
}

/** Sends a raw command. `\x07` and `^G` in the typed text are the one byte that closes a pipe. */
async function sendRaw(
  client: RackClient,
  words: readonly string[],
  options: BusOptions & { raw: string },
): Promise<number> {
  const [word, ...more] = words;
  if (word === undefined || more.length > 0)
    throw new UsageFailure("give the target: rackui bus --raw '#' NODE, or 'master'");
  const { target, name } = await rawTarget(client, word);
  const text = options.raw.replace(/\^G|\\x07/g, '\x07');
  const ask = (confirm: string | null): ReturnType<typeof request> => request(client, target, text, confirm);
  const answer = await ask(options.confirm ?? null).catch(async (error: unknown) => {
    const wanted = options.confirm === undefined && wantsConfirmation(error);
    if (!wanted || !process.stdin.isTTY || !process.stderr.isTTY) throw error;
    const { confirmation } = await import('../confirm.ts');
    hint(error instanceof Error ? error.message : '');
    return ask(await confirmation(undefined, name, `'${options.raw}' can cut power`));
  });
  if (options.json === true) printJson({ target: name, sent: text, ...answer });
  else {
    print(answer.heard === '' ? '(no reply)' : spellBytes(answer.heard));
    hint(answer.after);
  }
  return EXIT.done;
}

function request(
  client: RackClient,
  target: number | null,
  text: string,
  confirm: string | null,
): Promise<{ heard: string; after: string }> {
  return client.request('bus.raw', { target, text, confirm });
}

async function rawTarget(client: RackClient, word: string): Promise<{ target: number | null; name: string }> {
  if (word === 'master') return { target: null, name: 'master' };
  const [node, ...others] = targetsOf([word], await knownRack(client)).nodes;
  if (node === undefined || others.length > 0)
    throw new UsageFailure(`'${word}' is not one node: a raw command goes to one BIOS`);
  return { target: node.addr, name: node.name };
}

function wantsConfirmation(error: unknown): boolean {
  const data: unknown = error instanceof Error && 'data' in error ? error.data : null;
  return Array.isArray(data) && data.some((one: { rule?: unknown }) => one.rule === 'confirmation');
}
