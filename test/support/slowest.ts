/** Prints the slowest files and tests of a run, and the tests that passed only when they were repeated. */
import type { Reporter, TestModule } from 'vitest/node';

const SHOWN = 20;
/** A run that is shorter has no need of a list, ms. */
const LONG_RUN_MS = 60_000;

interface Row {
  ms: number;
  name: string;
}

export default class Slowest implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = modules.map((module) => ({ ms: module.diagnostic().duration, name: module.relativeModuleId }));
    if (files.reduce((sum, { ms }) => sum + ms, 0) < LONG_RUN_MS) return;
    const cases = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => ({ test, name: `${module.relativeModuleId} > ${test.fullName}` })),
    );
    print('Slowest files', files);
    print(
      'Slowest tests',
      cases.map(({ test, name }) => ({ ms: test.diagnostic()?.duration ?? 0, name })),
    );
  }
}

function print(title: string, rows: readonly Row[]): void {
  const slowest = rows.toSorted((a, b) => b.ms - a.ms).slice(0, SHOWN);
  const lines = slowest.map(({ ms, name }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`);
  process.stdout.write(`\n${title}:\n${lines.join('\n')}\n`);
}
