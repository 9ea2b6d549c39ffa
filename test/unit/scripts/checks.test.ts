import { describe, expect, it } from 'vitest';
import { readCheckov, readTerraformTest, readVitestReport } from '../../../scripts/testing/checks.ts';

const vitestFile = (overrides: object) => ({
  name: '/project/test/unit/a.test.ts',
  status: 'passed',
  message: '',
  assertionResults: [],
  ...overrides,
});
const assertion = (fullName: string, status: string, failureMessages: string[] = []) => ({
  fullName,
  status,
  failureMessages,
});
const vitestReport = (...testResults: object[]) => JSON.stringify({ numPassedTests: 99, testResults });

describe('reading a vitest report', () => {
  it('counts each test, with the reason of a failure', () => {
    const report = vitestReport(
      vitestFile({
        status: 'failed',
        assertionResults: [
          assertion('works', 'passed'),
          assertion('breaks', 'failed', ['expected 1 to be 2']),
        ],
      }),
    );

    const checks = readVitestReport(report, '/project');

    expect(checks).toEqual([
      { name: 'test/unit/a.test.ts: works', passed: true, message: '' },
      { name: 'test/unit/a.test.ts: breaks', passed: false, message: 'expected 1 to be 2' },
    ]);
  });

  it.each(['skipped', 'pending', 'todo'])('counts a test that is %s as failed', (status) => {
    const report = vitestReport(vitestFile({ assertionResults: [assertion('later', status)] }));

    const checks = readVitestReport(report, '/project');

    expect(checks).toEqual([
      { name: 'test/unit/a.test.ts: later', passed: false, message: `did not run (${status})` },
    ]);
  });

  it('counts a file that failed before its first test', () => {
    const report = vitestReport(vitestFile({ status: 'failed', message: 'SyntaxError: unexpected token' }));

    const checks = readVitestReport(report, '/project');

    expect(checks).toEqual([
      { name: 'test/unit/a.test.ts', passed: false, message: 'SyntaxError: unexpected token' },
    ]);
  });

  it('counts a file whose tests passed, but which failed at the end', () => {
    const report = vitestReport(
      vitestFile({
        status: 'failed',
        message: 'afterAll broke',
        assertionResults: [assertion('works', 'passed')],
      }),
    );

    const checks = readVitestReport(report, '/project');

    expect(checks.map(({ passed }) => passed)).toEqual([true, false]);
  });

  it.each(['', '{}', 'not JSON'])('refuses %j', (text) => {
    expect(() => readVitestReport(text, '/project')).toThrow();
  });
});

describe('reading the output of terraform test', () => {
  const file = 'tests/a.tftest.hcl';
  const run = (name: string, progress: string, status?: string) =>
    JSON.stringify({
      type: 'test_run',
      '@testfile': file,
      '@testrun': name,
      test_run: { path: file, run: name, progress, status },
    });
  const diagnostic = (summary: string, place: object) =>
    JSON.stringify({
      type: 'diagnostic',
      ...place,
      diagnostic: { severity: 'error', summary, detail: 'why' },
    });

  it('counts each run once, with the reason of a failure', () => {
    const output = [
      'a line that is no JSON',
      JSON.stringify({ type: 'version', terraform: '1.11.4' }),
      run('good', 'starting'),
      run('good', 'complete', 'pass'),
      run('bad', 'complete', 'fail'),
      diagnostic('Test assertion failed', { '@testfile': file, '@testrun': 'bad' }),
      run('broken', 'complete', 'error'),
      run('after', 'complete', 'skip'),
    ].join('\n');

    const checks = readTerraformTest(output, 'modules/target');

    expect(checks).toEqual([
      { name: `modules/target/${file}: good`, passed: true, message: '' },
      { name: `modules/target/${file}: bad`, passed: false, message: 'Test assertion failed: why' },
      { name: `modules/target/${file}: broken`, passed: false, message: 'error' },
      {
        name: `modules/target/${file}: after`,
        passed: false,
        message: 'did not run: an earlier run failed',
      },
    ]);
  });

  it('counts an error outside any run', () => {
    const output = [run('good', 'complete', 'pass'), diagnostic('Failed to read mock data', {})].join('\n');

    const checks = readTerraformTest(output, '.');

    expect(checks.map(({ passed }) => passed)).toEqual([true, false]);
    expect(checks[1]?.message).toBe('Failed to read mock data: why');
  });
});

describe("reading checkov's report", () => {
  const finding = (overrides: object) => ({
    check_id: 'CKV_AWS_1',
    check_name: 'Ensure that it is safe',
    check_result: { result: 'PASSED' },
    resource: 'aws_sqs_queue.jobs',
    file_path: '/modules/central/main.tf',
    file_line_range: [3, 9],
    ...overrides,
  });
  const report = (results: object) =>
    JSON.stringify({
      check_type: 'terraform',
      results: { passed_checks: [], failed_checks: [], skipped_checks: [], parsing_errors: [], ...results },
    });
  const name = 'CKV_AWS_1 aws_sqs_queue.jobs (modules/central/main.tf:3)';

  it('counts passed and failed checks, with descriptions of failures', () => {
    const text = report({
      passed_checks: [finding({})],
      failed_checks: [finding({ check_id: 'CKV_AWS_2', check_result: { result: 'FAILED' } })],
    });

    const checks = readCheckov(text, '/project');

    expect(checks).toEqual([
      { name, passed: true, message: '' },
      {
        name: 'CKV_AWS_2 aws_sqs_queue.jobs (modules/central/main.tf:3)',
        passed: false,
        message: 'Ensure that it is safe',
      },
    ]);
  });

  it.each([null, '', ' ', 'No comment provided'])(
    'counts a finding that is suppressed with the reason %j as failed, and leaves out those with a real reason',
    (reason) => {
      const skipped = (comment: string | null) =>
        finding({ check_result: { result: 'SKIPPED', suppress_comment: comment } });
      const text = report({ skipped_checks: [skipped(' AWS does it by itself'), skipped(reason)] });

      const checks = readCheckov(text, '/project');

      expect(checks).toEqual([
        { name, passed: false, message: 'Ensure that it is safe: suppressed without a reason' },
      ]);
    },
  );

  it('counts a file that checkov could not parse as failed', () => {
    const text = report({ parsing_errors: ['/project/modules/central/rules.tf'] });

    const checks = readCheckov(text, '/project');

    expect(checks).toEqual([
      {
        name: 'modules/central/rules.tf',
        passed: false,
        message: 'checkov cannot parse this file, so nothing in it was checked',
      },
    ]);
  });

  it('refuses the other format that checkov writes if it found nothing to check', () => {
    const text = JSON.stringify({ passed: 0, failed: 0, skipped: 0, parsing_errors: 0 });

    const read = () => readCheckov(text, '/project');

    expect(read).toThrow();
  });
});
