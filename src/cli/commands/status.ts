/** `rackui status`: prints the rack after a new sweep. */
import { busUsable } from '../../api/bus.ts';
import { configSentences } from '../../api/configuration.ts';
import type { Snapshot } from '../../api/methods.ts';
import { EXIT } from '../../api/power.ts';
import { statusReport, type StatusReport, statusTable } from '../format/status.ts';
import { type GlobalOptions, openClient, targetsOf } from '../server-connection.ts';
import { hint, print, printJson } from '../terminal-output.ts';

export interface StatusOptions extends GlobalOptions {
  json?: boolean;
  watch?: boolean;
}

/** Returns exit code 0; 5, with the report all the same, where the bus cannot be asked. */
export async function statusCommand(words: readonly string[], options: StatusOptions): Promise<number> {
  const client = await openClient(options, 'status', { autostart: true });
  try {
    if (options.watch === true) {
      const { watchStatus } = await import('../follow.ts');
      return await watchStatus(client, (snapshot) => reportOf(words, snapshot), options);
    }
    const report = reportOf(words, await client.request('sweep', { addrs: null, interrupt: false }));
    if (options.json === true) printJson(report);
    else {
      for (const line of statusTable(report)) print(line);
      for (const sentence of configSentences(client.welcome.snapshot.config)) hint(sentence);
    }
    return busUsable(report.bus.state) ? EXIT.done : EXIT.unavailable;
  } finally {
    client.close();
  }
}

/**
 * Makes the report. Where the bus was never up, no node was discovered yet: that is the bus's failure, not the
 * selector's.
 */
function reportOf(words: readonly string[], snapshot: Snapshot): StatusReport {
  const { rack, bus } = snapshot;
  const nothingFound = !rack.configured && rack.nodes.length === 0 && !busUsable(bus.state);
  return statusReport(snapshot, words.length === 0 || nothingFound ? rack.nodes : targetsOf(words, snapshot).nodes);
}
