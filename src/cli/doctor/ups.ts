/** What of the supply the server watches, and whether its plans fit into what the battery lasts. Pure. */
import { clock, upsText, type OutageView, type UpsReading } from '../../api/outage.ts';
import { failure, ok, warning, type Check } from './check.ts';

/** A UPS as it is configured; `host` null: only the server knows where it is asked. */
export interface AskedUps {
  name: string;
  host: string | null;
  port: number;
  user?: string | undefined;
}

/** UPSes as the server, or whoever asked them in its place, heard them last. */
export function upsdChecks(configured: readonly AskedUps[], readings: readonly UpsReading[], now: number): Check[] {
  if (configured.length === 0)
    return [
      warning(
        'upsd',
        'no UPS is configured (`ups:`): the server knows of an outage only what other software tells it',
        'add `ups: [{ name: … }]` as `upsc -l` calls it (docs/ups.md), unless apcupsd tells the server',
      ),
    ];
  return configured.flatMap((one) => {
    const { name, host, port, user } = one;
    const reading = readings.find((reading) => reading.name === name);
    const place = `UPS ${name}${host === null ? '' : ` at ${host}:${port}`}`;
    if (reading === undefined || reading.state === 'unknown') {
      const why = reading?.why ?? 'the server does not ask it';
      return [failure('upsd', `${place}: ${why}`, todoFor(why, one))];
    }
    const login =
      reading.unregistered === null
        ? user === undefined
          ? []
          : [ok('upsd-login', `${place} counts this machine among those that it feeds (user ${user})`)]
        : [
            failure(
              'upsd-login',
              `${place} does not count this machine among those that it feeds: ${reading.unregistered}`,
              `give /etc/nut/upsd.users a section [${user ?? 'NAME'}] with this password and 'upsmon secondary', then: upsd -c reload`,
            ),
          ];
    const said = `${place}: ${upsText(reading, now)}`;
    const state =
      reading.replaceBattery || reading.low
        ? warning('upsd', said, reading.low ? 'its battery is low' : 'replace its battery')
        : ok('upsd', said);
    return [state, ...login];
  });
}

function todoFor(why: string, { name, host: given, port }: AskedUps): string {
  const host = given ?? 'HOST';
  if (why.includes('UNKNOWN-UPS')) return `name it as upsd does: upsc -l ${host}:${port}`;
  if (/DATA-STALE|DRIVER-NOT-CONNECTED/.test(why))
    return `its driver has lost it: upsdrvctl start ${name}; look at its cable`;
  if (/ACCESS-DENIED|USERNAME|PASSWORD/.test(why))
    return 'the name or the password is not the one in /etc/nut/upsd.users';
  if (why.includes('TLS') || why.includes('certificate'))
    return 'upsd.conf needs CERTFILE, and `ca:` the authority that signed it; or leave `tls` out';
  if (why.includes('ECONNREFUSED'))
    return `start upsd there (systemctl enable --now nut-server) with LISTEN ${host} ${port} in upsd.conf`;
  return `see whether it answers: upsc ${name}@${host}:${port}`;
}

/** Whether each policy's plans can do what they are there for, in the time that there is. */
export function planFitChecks(policies: readonly OutageView[]): Check[] {
  return policies.flatMap(({ nodes, last, batteryS, problems }) => {
    if (last === null)
      return [
        failure(
          'plan-fits',
          `${nodes}: no plan is there for the battery's end`,
          'name one: outage.last, or call it shed-all',
        ),
      ];
    const { plan, lengthMs, fits } = last;
    const takes = lengthMs === null ? 'a time that nobody knows' : clock(lengthMs / 1000);
    const said = `${nodes}: plan ${plan} takes ${takes}, the battery lasts ${batteryS === null ? 'a time that nobody knows' : clock(batteryS)}`;
    const others = problems.filter((text) => !/nodes that are not down by then lose power$/.test(text));
    return [
      fits === null
        ? warning(
            'plan-fits',
            said,
            'the UPS says no runtime: give outage.runtime, how long a full battery lasts at least',
          )
        : fits
          ? ok('plan-fits', said)
          : failure(
              'plan-fits',
              `${said}: nodes that are not down by then lose power`,
              'shed earlier (outage.onBattery), more at once (parallel), or give the UPS less to feed',
            ),
      ...others.map((text) => warning('plan-works', `${nodes}: ${text}`, 'rackui plan show tells each step')),
    ];
  });
}
