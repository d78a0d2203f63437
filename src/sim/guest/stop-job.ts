/** systemd's patience with a service that does not stop, as it shows it: one line, painted over and over. */

/** How often the line is painted. */
export const STOP_JOB_STEP_MS = 1_000;
/** systemd's default for a service. */
const LIMIT_MS = 90_000;
/** The eye that wanders to and fro. */
const EYES = [
  '*    ',
  '**   ',
  '***  ',
  ' *** ',
  '  ***',
  '   **',
  '    *',
  '   **',
  '  ***',
  ' *** ',
  '***  ',
  '**   ',
];

/** `[ ***  ] A stop job is running for containerd container runtime (4s / 1min 30s)` */
export function stopJobLine(elapsedMs: number): string {
  const eye = EYES[Math.floor(elapsedMs / STOP_JOB_STEP_MS) % EYES.length] ?? '';
  // A job that outlasts its limit has none: that is what 'no limit' says.
  const limit = elapsedMs < LIMIT_MS ? span(LIMIT_MS) : 'no limit';
  return `\r\x1b[K[\x1b[0;31m${eye}\x1b[0m ] A stop job is running for containerd container runtime (${span(elapsedMs)} / ${limit})`;
}

function span(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}min ${seconds % 60}s`;
}
