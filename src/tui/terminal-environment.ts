/** What a process's surroundings say of its terminal: whether it can show the interface, and in which alphabet. */

type Environment = Readonly<Record<string, string | undefined>>;

/** Why this terminal cannot show the interface, in words; null: it can. */
export function refuseTerminal(
  env: Environment,
  stdin: { isTTY?: boolean },
  stdout: { isTTY?: boolean },
): string | null {
  if (stdin.isTTY !== true || stdout.isTTY !== true)
    return "the interface needs a terminal: use 'rackui status' in scripts and pipes, or ssh -t";
  const term = env.TERM ?? '';
  if (term === '' || term === 'dumb')
    return `TERM is ${term === '' ? 'not set' : 'dumb'}: the interface needs a terminal that can move its cursor; 'rackui plain', 'rackui status' and 'rackui console NODE' work here`;
  return null;
}

/** Without a UTF-8 locale the terminal would show three characters for each sign. */
export function unicodeLocale(env: Environment): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}
