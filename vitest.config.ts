import { defineConfig } from 'vitest/config';
import LongestFirst from './test/support/longest-first.ts';

const ALL = 'test/**/*.test.{ts,tsx}';
/** Compares times, and runs when all others have ended. */
const TIMED = 'test/e2e/http-flood.test.ts';

/**
 * Functions are compiled to optimized code after seven times as much work as by default (67584): tests run most of the source a
 * few times only, and compiling it took a tenth of their processor time.
 */
const OPTIMIZE_LATER = ['--interrupt-budget=500000'];

export default defineConfig({
  test: {
    projects: [
      // The files of a worker share its process and what it has loaded, which takes two seconds of processor time a file
      // where a server is loaded: what a test changes of a module or of the process, it puts back.
      {
        extends: true,
        test: { name: 'shared', include: [ALL], exclude: [TIMED], isolate: false, execArgv: OPTIMIZE_LATER },
      },
      { extends: true, test: { name: 'timed', include: [TIMED], sequence: { groupOrder: 1 } } },
    ],
    // Reading more certificates takes each start of Node.js some 40 ms, and the tests start it hundreds of times. Only npm
    // needs them (test/cli/install.test.ts).
    env: { NODE_EXTRA_CA_CERTS: '', CERTIFICATES_FOR_NPM: process.env.NODE_EXTRA_CA_CERTS ?? '' },
    globalSetup: ['./test/support/own-homes.ts', './test/support/build-program.ts'],
    reporters: ['default', './test/support/slowest.ts'],
    // The last resort only: what a test waits for has a limit of its own, with words.
    testTimeout: 90_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongestFirst },
    // What a run has made of the sources for Node.js, the next one reads: most of the main process's time.
    experimental: { fsModuleCache: true },
    // Two cores on the smallest machine that runs these. Most files wait more than they work: of six at a time the cores
    // were idle for a quarter of the run, of eight for a fifteenth.
    maxWorkers: 10,
    // The table of faults plays six states side by side, which wait far more than they work.
    maxConcurrency: 6,
  },
});
