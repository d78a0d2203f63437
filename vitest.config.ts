import { defineConfig } from 'vitest/config';

const ALL = 'test/**/*.test.{ts,tsx}';
/**
 * Tests in this process of modules that keep nothing between tests: the files of a worker share what they have loaded, which
 * takes a second of processor time a file where a server is loaded.
 */
const SHARED = 'test/{api,bmc,client,config,console,lib,power,rack,screens,server,sim,tui}/**/*.test.{ts,tsx}';

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'modules', include: [SHARED], isolate: false } },
      { extends: true, test: { name: 'program', include: [ALL], exclude: [SHARED] } },
    ],
    globalSetup: './test/support/build-program.ts',
    reporters: ['default', './test/support/slowest.ts'],
    // The last resort only: what a test waits for has a limit of its own, with words.
    testTimeout: 90_000,
    hookTimeout: 60_000,
    // Two cores on the smallest machine that runs these. The longest files (plans, shutdowns, faults) mostly wait: of two
    // at a time the cores were idle for a third of eleven minutes, three at a time take eight.
    maxWorkers: 3,
    // The table of faults plays six states side by side, which wait far more than they work.
    maxConcurrency: 6,
    // Real processes on real terminals, three files at a time on two cores: one that fails is asked once more, and the
    // report says so (`retry x1`). A defect fails twice.
    retry: 1,
  },
});
