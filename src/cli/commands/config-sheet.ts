/** `rackui config import|export`: the sheet of a rack's boards into a configuration, and out of it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT } from '../../api/power.ts';
import { withNodes } from '../../config/edit.ts';
import { ConfigError, findConfig, loadConfig, parseAs, parseConfig } from '../../config/load.ts';
import { nodeSchema } from '../../config/schema.ts';
import { messageOf } from '../../lib/errors.ts';
import { count } from '../../lib/words.ts';
import { formatAddress } from '../../rack/address.ts';
import { formatSheet, parseSheet, type SheetRow } from '../../rack/sheet.ts';
import { type GlobalOptions, refuseRemote } from '../server-connection.ts';
import { expectNew, Failure, hint, print, writeWhole } from '../terminal-output.ts';

interface SheetOptions extends GlobalOptions {
  write?: string;
  force?: boolean;
}

/** Most bytes of a sheet: a rack has 128 boards. */
const MOST_BYTES = 1024 * 1024;

export function exportCommand(options: SheetOptions): number {
  refuseRemote(options, 'config export');
  const { config, path } = loadConfig(options.config);
  put(
    options,
    formatSheet(config.nodes),
    `${count(config.nodes.length, 'node')} of ${path ?? 'no configuration file'}`,
  );
  return EXIT.done;
}

/** Merges a sheet into the configuration by BMC id: filled cells replace values, other settings and comments stay. */
export function importCommand(sheet: string, options: SheetOptions): number {
  refuseRemote(options, 'config import');
  const rows = readRows(sheet);
  const found = findConfig(options.config);
  const text = withNodes(
    found?.text ?? '',
    rows.map(({ node }) => node),
  );
  // Contradictions of the sheet with what the configuration has already.
  parseConfig(text, `${sheet} in ${found?.path ?? 'a new configuration'}`);
  put(options, text, `${count(rows.length, 'node')} of ${sheet}`);
  return EXIT.done;
}

/** Reads the sheet's rows, each by the rules of the configuration. @throws ConfigError with the line of each problem */
function readRows(sheet: string): SheetRow[] {
  const read = parseSheet(textOf(sheet));
  if (!read.ok) throw new ConfigError(read.problems.map((one) => ({ file: sheet, col: 1, ...one })));
  if (read.unread.length > 0) hint(`rackui: ${sheet}: columns that are not read: ${read.unread.join(', ')}`);
  const problems = read.rows.flatMap(({ line, node }) => {
    try {
      parseAs(nodeSchema, JSON.stringify({ ...node, addr: formatAddress(node.addr) }), sheet);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map((problem) => ({ ...problem, line, col: 1 }));
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return read.rows;
}

function textOf(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Failure(EXIT.usage, `${path} cannot be read: ${messageOf(error)}`);
  }
  if (bytes.length > MOST_BYTES)
    throw new Failure(EXIT.usage, `${path} has ${bytes.length} bytes: a sheet has ${MOST_BYTES} at most`);
  return bytes.toString('utf8');
}

/** Prints the text, or writes it into the file of `--write`. */
function put({ write, force }: SheetOptions, text: string, what: string): void {
  if (write === undefined) {
    for (const line of text.trimEnd().split(/\r?\n/)) print(line);
    return;
  }
  const file = resolve(write);
  expectNew(file, force);
  writeWhole(file, text);
  print(`${what} written to ${file}`);
}
