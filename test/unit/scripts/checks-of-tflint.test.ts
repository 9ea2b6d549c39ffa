import { describe, expect, it } from 'vitest';
import { readTflint } from '../../../scripts/testing/checks-of-tflint.ts';

const range = (filename: string) => ({
  filename,
  start: { line: 7, column: 1 },
  end: { line: 7, column: 9 },
});
const issue = {
  rule: { name: 'terraform_unused_declarations', severity: 'warning', link: 'https://example.com' },
  message: 'variable "a" is declared but not used',
  range: range('modules/a/variables.tf'),
  callers: [],
};
const report = (given: object) => JSON.stringify({ issues: [], errors: [], ...given });

describe("reading tflint's report", () => {
  it('counts each folder without an issue, and each issue', () => {
    const checks = readTflint(report({ issues: [issue] }), ['.', 'modules/a', 'modules/b']);

    expect(checks).toEqual([
      { name: 'tflint .', passed: true, message: '' },
      { name: 'tflint modules/b', passed: true, message: '' },
      {
        name: 'terraform_unused_declarations (modules/a/variables.tf:7)',
        passed: false,
        message: 'variable "a" is declared but not used',
      },
    ]);
  });

  it('counts an error: nothing in that folder was checked', () => {
    const error = {
      summary: 'Invalid expression',
      message: 'expected one',
      range: range('modules/a/main.tf'),
    };

    const checks = readTflint(report({ errors: [error] }), ['modules/a']);

    expect(checks).toEqual([
      { name: 'tflint (modules/a/main.tf:7)', passed: false, message: 'Invalid expression: expected one' },
    ]);
  });

  it.each(['', '{}'])('refuses %j', (text) => {
    expect(() => readTflint(text, ['.'])).toThrow();
  });
});
