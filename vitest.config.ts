import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores on the smallest machine that runs these; end-to-end tests start three processes each.
    maxWorkers: 2,
    // The table of faults plays six states side by side, which wait far more than they work.
    maxConcurrency: 6,
    // Real processes on real terminals, two files at a time on two cores: one that fails is asked once more, and the
    // report says so (`retry x1`). A defect fails twice.
    retry: 1,
  },
});
