/** `rackui doctor --ups`: will the rack go down in order when the mains fail? Asks, reads, plays the users; starts nothing. */
import type { UpsReading } from '../../api/outage.ts';
import { EXIT } from '../../api/power.ts';
import type { ServerInfo } from '../../api/protocol.ts';
import type { UpsConfig } from '../../config/schema-outage.ts';
import { steadyNow } from '../../lib/clock.ts';
import { selfCommand } from '../context.ts';
import { failure, ok, overall, warning, type Check } from '../doctor/check.ts';
import { lookAround, report, type DoctorOptions } from './doctor.ts';
import { planFitChecks, upsdChecks, type AskedUps } from '../doctor/ups.ts';
import { upsSoftwareChecks } from '../doctor/ups-software.ts';
import { hasUser, playOn, userChecks } from '../doctor/ups-user.ts';

/** NUT's usual user. */
const NUT_USER = 'nut';

export async function doctorUps(options: DoctorOptions): Promise<number> {
  const { machine, config, client, problem } = await lookAround(options);
  try {
    const info = client === null ? null : await client.request('server.info', {});
    const status = client === null ? null : await client.request('outage.status', {});
    const configured = config.loaded?.config.ups ?? [];
    const said = status?.policies.flatMap(({ ups }) => ups) ?? [];
    const asks = status === null ? configured.length > 0 : said.length > 0;
    const lengths = status?.policies.map(({ last }) => last?.lengthMs ?? 0) ?? [];
    const software = upsSoftwareChecks(machine, asks, lengths.length === 0 ? null : Math.max(...lengths));
    const now = client?.now() ?? steadyNow();
    const heard = status === null && !machine.prepared ? await askAll(configured) : said;
    const checks: Check[] = [
      ...(config.check.verdict === 'failure' && info === null ? [config.check] : []),
      ...(machine.prepared ? [] : [serverCheck(info, problem)]),
      ...(machine.prepared
        ? []
        : upsdChecks(asks && configured.length === 0 ? said.map(unplaced) : configured, heard, now)),
      ...(status === null ? [] : planFitChecks(status.policies)),
      ...software.checks,
      ...(machine.prepared
        ? []
        : userChecks(
            software.programs,
            ['root', NUT_USER].filter((user) => hasUser(machine, user)),
            info,
            {
              play: playOn(machine),
              own: selfCommand().at(-1) ?? 'rackui',
            },
          )),
    ];
    report(checks, null, options.json === true);
    return overall(checks) === 'failure' ? EXIT.unavailable : EXIT.done;
  } finally {
    client?.close();
  }
}

function serverCheck(info: ServerInfo | null, problem: string | null): Check {
  if (problem !== null) return failure('server', problem, 'then run doctor again');
  if (info === null)
    return failure(
      'server',
      'no server runs: nobody watches the mains',
      'run one as a service (docs/first-evening.md)',
    );
  const said = `the server (pid ${info.pid}, user ${info.user}) watches port ${info.port}`;
  return info.autostarted
    ? warning('server', `${said}, and leaves when nobody needs it`, 'run it as a service (docs/first-evening.md)')
    : ok('server', said);
}

/** A UPS of which only the server knows where it is asked. */
function unplaced({ name, unregistered }: UpsReading): AskedUps {
  return { name, host: null, port: 0, user: unregistered === null ? undefined : 'of the configuration' };
}

/** What this user hears, where no server does. */
async function askAll(configured: readonly UpsConfig[]): Promise<UpsReading[]> {
  const [{ askOnce }, { sourceOf }] = await Promise.all([
    import('../../server/ups/ups-monitor.ts'),
    import('../../server/parts/outage.ts'),
  ]);
  return Promise.all(configured.map((ups) => askOnce(sourceOf(ups))));
}
