import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two cores on the smallest machine that runs these; end-to-end tests start three processes each.
    maxWorkers: 2,
  },
});
