/** How the usual tools word times. */

/** `Tue Jul 14 08:12:01 UTC 2026` */
export function dateText(date: Date): string {
  const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(' ');
  return `${weekday.replace(',', '')} ${month} ${day.replace(/^0/, ' ')} ${time} UTC ${year}`;
}

/** `08:12:01 up 3 days, 4:05,  1 user,  load average: 0.08, 0.12, 0.09` */
export function uptimeText(uptimeMs: number, now: Date): string {
  const minutes = Math.floor(uptimeMs / 60_000);
  const days = Math.floor(minutes / 1440);
  const clock = `${Math.floor((minutes % 1440) / 60)}:${String(minutes % 60).padStart(2, '0')}`;
  const up = days > 0 ? `${days} day${days === 1 ? '' : 's'}, ${clock}` : clock;
  return `${now.toISOString().slice(11, 19)} up ${up},  1 user,  load average: 0.08, 0.12, 0.09`;
}
