import { afterEach, beforeEach, expect, test } from 'vitest';
import { coverageSchema } from '../../../../cli/commands/coverage/result.ts';
import { SSH } from '../support/records.ts';
import { runCli } from '../support/run-cli.ts';
import { deployment, HOME, NAME, SmallAws } from '../support/small-aws.ts';

const SSH_NAME =
  'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22';
const ADMIN_NAMES = [
  'Ensure no security groups allow ingress from 0.0.0.0/0 to remote server administration ports',
  'Make sure no security groups attached to ec2 allow ingress from 0.0.0.0/0 to remote server administration ports',
];
const KMS_NAME = 'Data-at-rest is protected: Ensure rotation for customer created CMKs is enabled';
const ACM_NAME = 'Imported ACM certificates should be renewed after a specified time period';

/** Failed findings by rule. */
const failing = [
  { name: SSH_NAME, findings: 3, accounts: 2, severity: 'High' },
  { name: ADMIN_NAMES[0], findings: 5, accounts: 1 },
  { name: ADMIN_NAMES[1], findings: 4, accounts: 1 },
  { name: `  ${KMS_NAME.toUpperCase()}`, findings: 7, accounts: 3, severity: 'Medium' },
  { name: ACM_NAME, findings: 2, accounts: 1 },
  { name: 'ACME-17', findings: 1, accounts: 1 },
  { name: 'Somebody cloned this', findings: 6, accounts: 1 },
];

let aws: SmallAws;
let asked: unknown[];
beforeEach(async () => {
  aws = await SmallAws.start();
  asked = [];
  const rules = [SSH, 'acme-tagging'];
  aws.parameters.set(`${HOME} /${NAME}/deployment`, JSON.stringify({ ...deployment, rules }));
  aws.putSettings(SSH, { mode: 'enforce' });
  aws.putSettings('acme-tagging', {});
  // The collector knows the Netskope names of built-in rules.
  const inputs = { [SSH]: ['SSH by another name'], 'acme-tagging': ['ACME-17'] };
  for (const [rule, netskope_rule_names] of Object.entries(inputs)) {
    const Input = JSON.stringify({ rule, scheduled_time: 'x', netskope_rule_names });
    aws.schedules.set(rule, { State: 'ENABLED', Target: { Arn: 'a', RoleArn: 'r', Input } });
  }
  aws.invoke = (payload) => {
    asked.push(payload);
    return { value: { failing_rules: [{ source: 'netskope', rules: failing }] } };
  };
});
afterEach(() => aws[Symbol.asyncDispose]());

const coverage = async (...argv: string[]) => {
  const { code, out } = await runCli(aws, ['coverage', ...argv, '--json']);
  expect(code).toBe(0);
  return coverageSchema.parse(JSON.parse(out));
};

test('lists failing rules with what remediates each, most findings first', async () => {
  const { rules, findings, next } = await coverage();

  expect(asked).toEqual([{ list: 'failing_rules' }]);
  expect(rules).toEqual([
    expect.objectContaining({
      findings: 7,
      served_by: 'library',
      rule: 'kms-key-rotation',
      is_enabled: false,
    }),
    expect.objectContaining({
      name: 'Somebody cloned this',
      served_by: 'none',
      reason: expect.stringMatching(/^Not a predefined rule/),
    }),
    expect.objectContaining({ served_by: 'built_in', rule: 'security-group-admin-ports-open', findings: 5 }),
    expect.objectContaining({ served_by: 'built_in', rule: 'security-group-admin-ports-open', findings: 4 }),
    {
      name: SSH_NAME,
      findings: 3,
      accounts: 2,
      severity: 'High',
      served_by: 'built_in',
      rule: SSH,
      is_enabled: true,
      mode: 'enforce',
    },
    expect.objectContaining({ name: ACM_NAME, served_by: 'none', reason: 'Needs a person or a device.' }),
    expect.objectContaining({ served_by: 'custom', rule: 'acme-tagging', is_enabled: true, mode: 'dry_run' }),
  ]);
  expect(findings).toEqual({ all: 28, enabled: 4, not_enabled: 16, none: 8 });
  expect(next).toEqual([
    { rule: 'security-group-admin-ports-open', served_by: 'built_in', findings: 9 },
    { rule: 'kms-key-rotation', served_by: 'library', findings: 7 },
  ]);
});

test('--missing lists only rules that no enabled rule remediates', async () => {
  const { rules } = await coverage('--missing');

  expect(rules).toHaveLength(5);
  expect(rules.filter(({ is_enabled: is }) => is)).toEqual([]);
});

test('prints a table, and the rules to paste into Terraform', async () => {
  const { out } = await runCli(aws, ['coverage'], { width: 140 });

  expect(out).toMatch(/^FINDINGS +ACCOUNTS +SEVERITY +REMEDIATED BY +NETSKOPE'S RULE$/m);
  expect(out).toContain('security-group-ssh-open (built in, enforce)');
  expect(out).toContain('kms-key-rotation (library, not enabled)');
  expect(out).toContain('(Needs a person or a device.)');
  expect(out).toMatch(/Findings: 28 failed: 4 of enabled rules, 16 of rules that you can enable, 8/);
  expect(out).toContain(
    '  rules = {\n    security-group-admin-ports-open = {} # 9 findings\n    kms-key-rotation                = {} # 7 findings\n  }',
  );
});

test('works without failing rules, with broken settings, and without a schedule', async () => {
  aws.schedules.delete('acme-tagging');
  aws.objects.set(`settings/rules/${SSH}.json`, 'not JSON');
  const { rules } = await coverage();
  aws.invoke = () => ({ value: { failing_rules: [{ source: 'netskope', rules: [] }] } });
  const nothing = await runCli(aws, ['coverage']);

  expect(rules.find(({ name }) => name === SSH_NAME)).not.toHaveProperty('mode');
  expect(rules.find(({ name }) => name === 'ACME-17')).toMatchObject({
    served_by: 'none',
    is_enabled: false,
  });
  expect(nothing.out).toMatch(/^Findings: 0 failed/);
});

test('reports the error of the collector if the tenant refuses the token', async () => {
  aws.invoke = () => ({ error: 'Unhandled', value: { errorMessage: 'Netskope refused the API token' } });

  const { code, error } = await runCli(aws, ['coverage']);

  expect(code).toBe(7);
  expect(error.trim()).toBe(`cspm-remediation: ${NAME}-collector: Netskope refused the API token`);
});
