import { describe, expect, it } from 'vitest';
import { readTrivy, trivyErrors, unexplainedIgnores } from '../../../scripts/testing/checks-of-trivy.ts';

const finding = (Status: string, StartLine?: number) => ({
  AVDID: 'AVD-AWS-0017',
  Title: 'Log groups should be encrypted',
  Message: 'Log group is not encrypted.',
  Status,
  CauseMetadata: { Resource: 'module.central', StartLine },
});
const folder = (Target: string) => ({
  Target,
  MisconfSummary: { Successes: 36, Failures: 0 },
  Misconfigurations: [finding('PASS')],
});
const report = (...Results: object[]) => JSON.stringify({ SchemaVersion: 2, Results });

describe("reading trivy's report", () => {
  it('counts each folder once, regardless of the number of passed rules', () => {
    const text = report(folder('examples/one'), folder('examples/two'));

    const checks = readTrivy(text);

    expect(checks).toEqual([
      { name: 'trivy examples/one', passed: true, message: '' },
      { name: 'trivy examples/two', passed: true, message: '' },
    ]);
  });

  it('counts a finding once, even if trivy reached it from several folders', () => {
    const file = { Target: 'modules/a/main.tf', MisconfSummary: { Successes: 0, Failures: 3 } };
    const text = report(folder('examples/one'), {
      ...file,
      Misconfigurations: [finding('FAIL', 52), finding('FAIL', 52), finding('FAIL', 60)],
    });

    const failed = readTrivy(text).filter(({ passed }) => !passed);

    expect(failed).toEqual([
      {
        name: 'AVD-AWS-0017 (modules/a/main.tf:52)',
        passed: false,
        message: 'Log groups should be encrypted: Log group is not encrypted.',
      },
      expect.objectContaining({ name: 'AVD-AWS-0017 (modules/a/main.tf:60)', passed: false }),
    ]);
  });

  it('counts nothing for a file in which all findings are ignored', () => {
    const text = report(folder('examples/one'), { Target: 'modules/a/main.tf', Class: 'config' });

    expect(readTrivy(text)).toHaveLength(1);
  });

  it.each(['', '{}', report(), report({ Target: 'modules/a/main.tf' })])('refuses %j', (text) => {
    expect(() => readTrivy(text)).toThrow();
  });
});

describe("reading trivy's log", () => {
  it('counts each file that it could not read, once', () => {
    const line = 'ERROR\t[terraform parser] Error parsing file\tfile_path="a/main.tf"';
    const log = [
      '2026-11-28T22:57:55Z\tINFO\t[misconfig] Misconfiguration scanning is enabled',
      `2026-11-28T22:58:00Z\t${line}`,
      `2026-11-28T22:58:01Z\t${line}`,
    ].join('\n');

    expect(trivyErrors(log)).toEqual([
      { name: 'trivy reads every file', passed: false, message: expect.stringContaining('a/main.tf') },
    ]);
  });
});

describe('ignored findings', () => {
  it('need a reason', () => {
    const text = [
      '# trivy:ignore:AVD-AWS-0017 encrypted anyway',
      'resource "a" "b" {} # trivy:ignore:AVD-AWS-0025',
    ].join('\n');

    expect(unexplainedIgnores('modules/a/main.tf', text)).toEqual([
      { name: 'AVD-AWS-0025 (modules/a/main.tf:2)', passed: false, message: 'ignored without a reason' },
    ]);
  });
});
