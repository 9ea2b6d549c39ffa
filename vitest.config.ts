import { defineConfig } from 'vitest/config';

/**
 * Node 22 follows each promise for each `AsyncLocalStorage` that was ever used, of which each load of the product's
 * modules makes some: in a worker of many files, most of the work. From Node 24 on this is the default.
 */
const execArgv = ['--experimental-async-context-frame'];

/** They wait for the local AWS more than they work. */
const integration = {
  execArgv,
  globalSetup: ['test/integration/harness/global-setup.ts'],
  maxWorkers: 2,
  // AWS's clients would be loaded anew for each file, for a third of the time.
  isolate: false,
  testTimeout: 240_000,
  hookTimeout: 360_000,
};

/** They wait for Terraform, which waits more than it works. */
const endToEnd = { execArgv, maxWorkers: 4, testTimeout: 1_800_000, hookTimeout: 1_800_000 };

/** What takes long by its nature, and runs by `npm run test:full`. */
const long = [
  'test/integration/every-call/*.test.ts',
  'test/integration/collector/memory.test.ts',
  'test/integration/scripts/add-rule.test.ts',
  // `npm test` compares the build with the one that was made elsewhere, dist/.
  'test/integration/scripts/build-elsewhere.test.ts',
  // The laboratory's own starts and ends: a server for each.
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
    // Of the unit tests, which are to reach every line that decides something.
    coverage: {
      provider: 'v8',
      include: ['lambdas/**'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: { statements: 80, branches: 75, functions: 80, lines: 80 },
    },
  },
});
