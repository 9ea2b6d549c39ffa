import { type Check, readChecks, readVitestReport } from './checks.ts';

/** One part of `npm test`: a command, and how to read what it checked. */
export interface Step {
  readonly name: string;
  /** Steps that must succeed first. */
  readonly needs: readonly string[];
  /**
   * Returns the command: arguments of Node.
   * @param report where the command writes its report, if it writes one
   * @param folder its own folder for other files
   */
  command(report: string, folder: string): readonly string[];
  /**
   * Parses the report. Without this, the exit code of the step is one check; a successful step that only prepares others is not a
   * check.
   */
  readonly read?: (report: string, root: string) => readonly Check[];
  readonly preparation?: boolean;
  /** Added to the environment of the command. */
  readonly environment?: Readonly<Record<string, string>>;
  /** True if it takes long: `npm run test:full` runs it, `npm test` does not. */
  readonly full?: boolean;
  /** True if it needs something that README.md does not require, and therefore runs only by its name. */
  readonly onlyByName?: boolean;
  /** The time in minutes after which it is stopped, and counts as failed. */
  readonly minutes: number;
}

const nodeModule = (path: string) => `node_modules/${path}`;

function vitest(project: string, minutes: number, needs: readonly string[]): Step {
  return {
    name: project,
    needs,
    minutes,
    command: (report) => [
      nodeModule('vitest/vitest.mjs'),
      'run',
      `--project=${project}`,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    read: readVitestReport,
  };
}

/** The files that the prose linter checks: documents, and descriptions, comments and messages in code. */
const prose = [
  '*.md',
  'docs/*.md',
  '{examples,modules}/**/*.md',
  'test/{chaos,e2e,integration,lab}/**/*.{md,ts,yaml}',
  '*.tf',
  '{examples,modules}/**/*.{tf,yaml}',
  '{cli,demo,lambdas,scripts}/**/*.{ts,yaml}',
];

/** All steps, in the order in which they start if several could. */
export const steps: readonly Step[] = [
  {
    name: 'prepare-local-aws',
    needs: [],
    preparation: true,
    minutes: 15,
    command: () => ['scripts/testing/prepare.ts', 'local-aws'],
  },
  {
    name: 'prepare-terraform',
    needs: [],
    preparation: true,
    minutes: 15,
    command: () => ['scripts/testing/prepare.ts', 'terraform'],
  },
  { name: 'types', needs: [], minutes: 5, command: () => [nodeModule('typescript/bin/tsc'), '--noEmit'] },
  {
    name: 'lint',
    needs: [],
    minutes: 5,
    command: () => [nodeModule('@biomejs/biome/bin/biome'), 'ci', '--error-on-warnings'],
  },
  {
    // .textlintrc.json lists words to avoid, with replacements.
    name: 'prose',
    needs: [],
    minutes: 5,
    command: () => [nodeModule('textlint/bin/textlint.js'), '--format', 'unix', ...prose],
  },
  {
    name: 'imports',
    needs: [],
    minutes: 5,
    command: () => [
      nodeModule('dependency-cruiser/bin/dependency-cruise.mjs'),
      '--config',
      '.dependency-cruiser.mjs',
      'cli',
      'lambdas',
    ],
  },
  { name: 'catalog', needs: [], minutes: 5, command: () => ['scripts/catalog.ts', '--check'] },
  { name: 'iam-actions', needs: [], minutes: 5, command: () => ['scripts/iam-actions.ts', '--check'] },
  { name: 'input-shapes', needs: [], minutes: 5, command: () => ['scripts/input-shapes.ts', '--check'] },
  { name: 'coverage-table', needs: [], minutes: 5, command: () => ['scripts/coverage.ts', '--check'] },
  { name: 'cost-docs', needs: [], minutes: 5, command: () => ['scripts/cost-docs.ts', '--check'] },
  { name: 'docs', needs: [], minutes: 5, command: () => ['scripts/docs.ts', '--check'] },
  {
    name: 'terraform-docs',
    needs: [],
    minutes: 5,
    command: () => ['scripts/terraform-docs.ts', '--check'],
  },
  {
    name: 'command-line-docs',
    needs: [],
    minutes: 5,
    command: () => ['scripts/command-line-docs.ts', '--check'],
  },
  { name: 'build', needs: [], minutes: 5, command: () => ['scripts/build.ts', '--check'] },
  vitest('unit', 20, []),
  // After the unit tests, because these would be too slow in parallel on two cores.
  vitest('e2e', 60, ['prepare-local-aws', 'prepare-terraform', 'unit']),
  {
    name: 'terraform',
    needs: ['prepare-terraform'],
    minutes: 30,
    command: (report) => ['scripts/testing/terraform-checks.ts', report],
    read: readChecks,
  },
  {
    name: 'checkov',
    needs: [],
    minutes: 30,
    command: (report) => ['scripts/testing/checkov.ts', report],
    read: readChecks,
  },
  {
    name: 'trivy',
    needs: [],
    minutes: 15,
    command: (report) => ['scripts/testing/trivy.ts', report],
    read: readChecks,
  },
  vitest('integration', 40, ['prepare-local-aws', 'prepare-terraform']),
  {
    // Needs the package registry.
    name: 'resource-types',
    full: true,
    needs: [],
    minutes: 10,
    command: () => ['scripts/resource-types.ts', '--check'],
  },
  {
    // Needs tflint or Go, which README.md does not require.
    name: 'tflint',
    full: true,
    needs: [],
    minutes: 30,
    command: (report) => ['scripts/testing/tflint.ts', report],
    read: readChecks,
  },
  {
    name: 'opentofu',
    onlyByName: true,
    needs: [],
    minutes: 30,
    command: (report) => ['scripts/testing/opentofu.ts', report],
    read: readChecks,
  },
  {
    // The unit tests again, with more generated cases. Measuring coverage makes them 50 % slower.
    name: 'coverage',
    full: true,
    needs: [],
    minutes: 30,
    environment: { MORE_CASES: '5' },
    command: (_report, folder) => [
      nodeModule('vitest/vitest.mjs'),
      'run',
      '--project=unit',
      '--coverage',
      `--coverage.reportsDirectory=${folder}`,
    ],
  },
  { ...vitest('long', 60, ['prepare-local-aws', 'prepare-terraform']), full: true },
  { ...vitest('organization', 60, ['prepare-local-aws', 'prepare-terraform']), full: true },
  { ...vitest('upgrade', 30, ['prepare-local-aws', 'prepare-terraform']), full: true },
  { ...vitest('customer-keys', 60, ['prepare-local-aws', 'prepare-terraform']), full: true },
  {
    name: 'chaos',
    full: true,
    needs: [],
    minutes: 60,
    command: () => ['test/chaos/main.ts', '--cases', '10000'],
  },
  {
    // More than a day of hourly polls, which counts the attempts per finding of 1,000 findings in accounts that fail differently.
    // After hours 0, 1 and 5, a failed finding is attempted at hour 29.
    name: 'chaos-day',
    full: true,
    needs: [],
    minutes: 30,
    command: () => ['test/chaos/main.ts', '--hours', '30'],
  },
  {
    name: 'first-applies',
    full: true,
    needs: ['prepare-local-aws', 'prepare-terraform'],
    minutes: 90,
    command: () => ['demo/first-applies.ts', '20', '4'],
  },
  {
    name: 'bench-plan',
    full: true,
    needs: ['prepare-local-aws', 'prepare-terraform'],
    minutes: 30,
    command: () => ['scripts/bench-plan.ts'],
  },
];

/** The option that selects all steps that need only what README.md requires, including long-running ones. */
export const allSteps = '--full';

/**
 * Selects the steps with these names and those that they need, in the order of the table; without names, all except long-running
 * ones.
 * @param names names, or only `--full`
 * @throws Error if there is no step with a name
 */
export function chooseSteps(all: readonly Step[], names: readonly string[]): readonly Step[] {
  const usual = all.filter(({ onlyByName }) => onlyByName !== true);
  if (names.length === 0) return usual.filter(({ full }) => full !== true);
  if (names.length === 1 && names[0] === allSteps) return usual;
  const chosen = new Set<string>();
  const choose = (name: string) => {
    const step = all.find((candidate) => candidate.name === name);
    if (step === undefined) {
      throw new Error(`unknown part '${name}': expected one of ${all.map((known) => known.name).join(', ')}`);
    }
    chosen.add(name);
    step.needs.forEach(choose);
  };
  names.forEach(choose);
  return all.filter(({ name }) => chosen.has(name));
}
