import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Tests of the laboratory stand beside its parts.
          include: ['test/unit/**/*.test.ts', 'test/lab/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts'],
          // Half of the time would go into loading the same modules for each file: each test makes the state it needs.
          isolate: false,
          // Generous: a machine that is busy with other tests must not fail one.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/lab/**/*.integration.test.ts'],
          globalSetup: ['test/integration/harness/global-setup.ts'],
          // They wait for the local AWS more than they work.
          maxWorkers: 2,
          testTimeout: 240_000,
          hookTimeout: 360_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // They wait for Terraform, which waits more than it works.
          maxWorkers: 4,
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
    // Of the unit tests, which are to reach every line that decides something.
    coverage: {
      provider: 'v8',
      include: ['lambdas/**'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: { statements: 80, branches: 75, functions: 80, lines: 80 },
    },
  },
});
