import { defineConfig } from 'vitest/config';

/**
 * Node 22 tracks each promise for every `AsyncLocalStorage` that was ever used, and each load of the product's modules creates
 * some. In a worker with many files, this would be most of the work. The option is the default from Node 24 on.
 */
const execArgv = ['--experimental-async-context-frame'];

/** Options of tests that mostly wait for the local AWS. */
const integration = {
  execArgv,
  globalSetup: ['test/integration/harness/global-setup.ts'],
  maxWorkers: 2,
  // Otherwise, AWS clients would be loaded again for each file, which would take a third of the time.
  isolate: false,
  testTimeout: 240_000,
  hookTimeout: 360_000,
};

/** Options of tests that mostly wait for Terraform. */
const endToEnd = { execArgv, maxWorkers: 4, testTimeout: 1_800_000, hookTimeout: 1_800_000 };

/** Long-running tests, which only `npm run test:full` runs. */
const long = [
  'test/integration/every-call/*.test.ts',
  'test/integration/collector/memory.test.ts',
  'test/integration/scripts/add-rule.test.ts',
  // `npm test` compares the build with dist/, which was built elsewhere.
  'test/integration/scripts/build-elsewhere.test.ts',
  // Tests of starting and stopping the laboratory, each with its own server.
  'test/lab/local-aws/processes.integration.test.ts',
  'test/lab/local-aws/first-use.integration.test.ts',
];
const organization = 'test/e2e/organization.test.ts';
const upgrade = 'test/e2e/upgrade.test.ts';
const customerKeys = [
  'test/e2e/customer-keys.test.ts',
  'test/e2e/custom-rules.test.ts',
  'test/e2e/tampered-settings.test.ts',
  'test/e2e/own-resources.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          execArgv,
          // Tests of the laboratory are next to its parts.
          include: ['test/unit/**/*.test.ts', 'test/lab/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts'],
          // Otherwise, loading the same modules for each file would take half of the time. Each test creates the state that it needs.
          isolate: false,
          // Generous, so that tests do not fail on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...integration,
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/lab/**/*.integration.test.ts'],
          exclude: long,
        },
      },
      { test: { ...integration, name: 'long', include: long } },
      {
        test: {
          ...endToEnd,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [organization, upgrade, ...customerKeys],
        },
      },
      { test: { ...endToEnd, name: 'organization', include: [organization] } },
      { test: { ...endToEnd, name: 'upgrade', include: [upgrade] } },
      { test: { ...endToEnd, name: 'customer-keys', include: customerKeys } },
    ],
    // Coverage of the unit tests, which must reach every line that decides something.
    coverage: {
      provider: 'v8',
      include: ['lambdas/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: { statements: 80, branches: 75, functions: 80, lines: 80 },
    },
  },
});
