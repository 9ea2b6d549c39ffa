import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { factsOf, findRuleId, ruleIds } from '../../../lambdas/rules/catalogue.ts';
import { loadRule, ruleIds as rulesWithCode } from '../../../lambdas/rules/index.ts';

/** What is known of each rule from outside: Netskope's names of it, and resources as findings name them. */
const known: Readonly<
  Record<
    string,
    { legacyId: string; names: readonly string[]; ids: readonly string[]; notIds: readonly string[] }
  >
> = {
  'cloudtrail-log-file-validation': {
    legacyId: 'CIS-1-2-0-2-2',
    names: [
      'Secure audit trails so they cannot be altered : CloudTrail Log Files Lack Integrity Validation',
      'Secure audit trails so they cannot be altered: CloudTrail Log Files Lack Integrity Validation',
    ],
    ids: [
      'arn:aws:cloudtrail:eu-central-1:111122223333:trail/management-events',
      'arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/a.b_c-1',
    ],
    notIds: ['management-events', 'arn:aws:s3:::trail', 'arn:aws:cloudtrail:eu-central-1:1:trail/events'],
  },
  'iam-access-key-unrotated': {
    legacyId: 'CIS-1-2-0-1-4',
    names: ['Remote access: Ensure access keys are rotated every 90 days or less.'],
    ids: ['deploy', 'jane.doe@example.com', 'a+b=c,d-e_f'],
    notIds: ['arn:aws:iam::111122223333:user/deploy', 'team/deploy', '<root_account>', 'a'.repeat(65)],
  },
  'network-acl-default-allows-all': {
    legacyId: 'BPR-0-6',
    names: [
      'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in default Network ACL',
    ],
    ids: ['acl-0123abcd', 'acl-0123456789abcdef0'],
    notIds: ['acl-0123', 'vpc-0123abcd', 'arn:aws:ec2:eu-central-1:111122223333:network-acl/acl-0123abcd'],
  },
  'network-acl-subnet-allows-all': {
    legacyId: 'BPR-0-1-0',
    names: [
      'Communications and control network protection: Ensure no rule exists which allows all ingress traffic in Network ACL which is associated with a subnet',
    ],
    ids: ['acl-0123abcd', 'acl-0123456789abcdef0'],
    notIds: ['acl-0123', 'subnet-0123abcd', 'ACL-0123abcd'],
  },
  'rds-snapshot-public': {
    legacyId: 'BPR-3-8',
    names: [
      'Access permissions and authorizations: Ensure RDS Instances do not have Publicly Accessible Snapshots',
    ],
    ids: ['orders', 'Orders-2', 'a'],
    notIds: ['1orders', 'orders-', 'or--ders', 'rds:orders-2026', 'a'.repeat(64)],
  },
  'redshift-cluster-public': {
    legacyId: 'BPR-1-9',
    names: ['Access permissions and authorizations: Ensure Redshift Clusters are not Publicly accessible'],
    ids: ['warehouse', 'warehouse-2'],
    notIds: [
      'Warehouse',
      'warehouse-',
      'ware--house',
      'arn:aws:redshift:eu-central-1:111122223333:cluster:warehouse',
    ],
  },
  's3-bucket-public': {
    legacyId: 'BPR-1-0-0',
    names: ['Ensure S3 Bucket is not publicly accessible.'],
    ids: ['example-logs', 'example.com', 'Old_Bucket'],
    notIds: ['arn:aws:s3:::example-logs', 'example-logs/folder', '-logs', 'ab', 'logs--euc1-az1--x-s3'],
  },
  'security-group-rdp-open': {
    legacyId: 'CIS-1-2-0-4-2',
    names: [
      'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 3389',
    ],
    ids: ['sg-0123abcd', 'sg-0123456789abcdef0'],
    notIds: ['sg-0123', 'default'],
  },
  'security-group-ssh-open': {
    legacyId: 'CIS-1-2-0-4-1',
    names: [
      'Communications and control network protection: Ensure no security groups allow ingress from 0.0.0.0/0 to port 22',
    ],
    ids: ['sg-0123abcd', 'sg-0123456789abcdef0'],
    notIds: ['sg-0123', 'arn:aws:ec2:eu-central-1:111122223333:security-group/sg-0123abcd'],
  },
  'vpc-flow-logs-disabled': {
    legacyId: 'CIS-1-2-0-2-9',
    names: ['Baseline network operations and data flows: Ensure VPC flow logging is enabled in all VPCs'],
    ids: ['vpc-0123abcd', 'vpc-0123456789abcdef0'],
    notIds: ['vpc-0123', 'subnet-0123abcd'],
  },
};

test('all ten rules are there', () => {
  expect(ruleIds).toEqual(Object.keys(known).sort());
});

test.each(['unknown', '', 'CIS-1-2-0-9-9', 'constructor', '__proto__'])('there is no rule %j', async (id) => {
  expect(findRuleId(id)).toBeUndefined();
  expect(() => factsOf(id)).toThrow(`unknown rule ${id}`);
  await expect(loadRule(id)).rejects.toThrow(`unknown rule ${id}`);
});

test.each([
  'cloudtrail-log-file-validation',
  'redshift-cluster-public',
  'security-group-rdp-open',
  'security-group-ssh-open',
])('%s has a runbook of AWS, which is documented', async (id) => {
  const { runbook } = await loadRule(id);

  expect(runbook?.document).toMatch(/^AWS(ConfigRemediation)?-\w+$/);
  expect(runbook?.documentation).toEqual({
    reference: expect.stringMatching(/^https:\/\/docs\.aws\.amazon\.com\/.+\.html$/),
    closes: expect.stringMatching(/^[A-Z][^\n]+\.$/),
    limits: expect.stringMatching(/^[A-Z][^\n]+\.$/),
  });
});

test('every rule in the catalogue has code', () => {
  expect(rulesWithCode).toEqual(ruleIds);
});

test('no other rule has one', async () => {
  const rules = await Promise.all(ruleIds.map(loadRule));

  expect(rules.filter(({ runbook }) => runbook !== undefined)).toHaveLength(4);
});

test('no name is the name of two rules', async () => {
  const rules = await Promise.all(ruleIds.map(loadRule));

  const names = rules.flatMap(({ netskopeRuleNames }) => [
    ...new Set(netskopeRuleNames.map((name) => name.replaceAll(' ', ''))),
  ]);

  expect(names).toEqual([...new Set(names)]);
});

describe.each(Object.entries(known))('%s', (id, { legacyId, names, ids, notIds }) => {
  test('is found by its id and by its legacy id', async () => {
    const rule = await loadRule(id);

    expect(rule.id).toBe(id);
    expect(rule.legacyId).toBe(legacyId);
    expect(findRuleId(legacyId)).toBe(id);
    expect(factsOf(legacyId)).toBe(factsOf(id));
  });

  test('answers to its Netskope names, in every spelling that is known', async () => {
    const rule = await loadRule(id);

    expect(rule.netskopeRuleNames).toEqual(names);
  });

  test('has a default for each option, and refuses what is no option', async () => {
    const rule = await loadRule(id);

    expect(rule.options.safeParse({}).success).toBe(true);
    expect(rule.options.safeParse({ no_such_option: true }).success).toBe(false);
  });

  test('describes each option', async () => {
    const rule = await loadRule(id);
    const { properties = {} } = z.toJSONSchema(rule.options, { io: 'input' });

    for (const [option, schema] of Object.entries(properties)) {
      expect({
        option,
        description: z.object({ description: z.string() }).safeParse(schema).success,
      }).toEqual({
        option,
        description: true,
      });
    }
  });

  test.each(ids)('takes the resource %s', async (resource) => {
    expect((await loadRule(id)).resourceId.safeParse(resource).success).toBe(true);
  });

  test.each(notIds)('refuses the resource %s', async (resource) => {
    expect((await loadRule(id)).resourceId.safeParse(resource).success).toBe(false);
  });

  test('refuses white space, wildcards and placeholders anywhere in a resource', async () => {
    const { resourceId } = await loadRule(id);
    const injected = fc
      .tuple(
        fc.constantFrom(...ids),
        fc.nat(),
        fc.constantFrom(
          ' ',
          '\t',
          '\n',
          '\r',
          '\u00a0',
          '\0',
          '*',
          '?',
          '${',
          '$',
          '"',
          "'",
          '<',
          '&',
          ';',
          '%',
        ),
      )
      .map(([resource, place, text]) => {
        const at = place % (resource.length + 1);
        return resource.slice(0, at) + text + resource.slice(at);
      });
    const anything = fc.string({ unit: 'binary-ascii' }).filter((text) => /[\s*]|\$\{/.test(text));

    fc.assert(
      fc.property(fc.oneof(injected, anything), (resource) => {
        expect(resourceId.safeParse(resource).success).toBe(false);
      }),
    );
  });
});
