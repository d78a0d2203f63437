/** Printing many names in few words, as schedulers of clusters do. Pure. */

/** `k8s-worker-[01-03,07], ns01`: what a selector meant, short enough to be read; itself a selector. */
export function compressNames(names: readonly string[]): string {
  const families = new Map<string, { head: string; width: number; numbers: number[] }>();
  const singles: string[] = [];
  for (const name of names) {
    const match = /^(.*?\D)(\d{1,6})$/.exec(name);
    if (!match?.[1] || !match[2]) {
      singles.push(name);
      continue;
    }
    const key = `${match[1]}/${match[2].length}`;
    const family = families.get(key) ?? { head: match[1], width: match[2].length, numbers: [] };
    families.set(key, family);
    family.numbers.push(Number(match[2]));
  }
  const grouped = [...families.values()].map(({ head, width, numbers }) => {
    const runs = runsOf(numbers).map(([from, to]) => {
      const digits = (n: number): string => String(n).padStart(width, '0');
      return from === to ? digits(from) : `${digits(from)}-${digits(to)}`;
    });
    const [run = ''] = runs;
    return runs.length === 1 && !run.includes('-') ? `${head}${run}` : `${head}[${runs.join(',')}]`;
  });
  return [...grouped, ...singles].sort((a, b) => (a < b ? -1 : 1)).join(', ');
}

function runsOf(numbers: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}
