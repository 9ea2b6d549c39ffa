import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { reasonOf } from '../../../scripts/coverage/reasons.ts';

const root = path.join(import.meta.dirname, '../../..');
const rules = z
  .array(
    z.object({ name: z.string(), entity: z.string(), profiles: z.array(z.string()), service: z.string() }),
  )
  .parse(JSON.parse(await readFile(path.join(root, 'scripts/coverage/netskope-aws-rules.json'), 'utf8')));
const { none } = z
  .object({ none: z.record(z.string(), z.string()) })
  .parse(JSON.parse(await readFile(path.join(root, 'cli/commands/coverage/netskope-rules.json'), 'utf8')));
const unserved = rules.filter(({ name }) => name in none);

const typeSchema = z.object({
  type: z.string(),
  update: z.array(z.string()).nullable(),
  create_only: z.array(z.string()),
  read_only: z.array(z.string()),
  write_only: z.array(z.string()),
  pointers: z.record(z.string(), z.array(z.string())).optional(),
});
const [, ...lines] = (await readFile(path.join(root, 'modules/_custom-rules/resource-types.jsonl'), 'utf8'))
  .trim()
  .split('\n');
const types = new Map(
  lines.map((line) => typeSchema.parse(JSON.parse(line))).map((type) => [type.type, type] as const),
);

const reasonFor = (name: RegExp): string | undefined => {
  const rule = rules.find((each) => name.test(each.name));
  return rule === undefined ? undefined : reasonOf(rule);
};

test('every rule that nothing remediates has a specific reason', () => {
  expect(unserved.length).toBeGreaterThan(0);
  expect(unserved.filter((rule) => reasonOf(rule).startsWith('No rule yet'))).toEqual([]);
});

test("a web ACL is not a resource's policy, and a default root object is not a root user", () => {
  expect(reasonFor(/associated with an AWS WAF web ACL/)).toContain('which web ACL');
  expect(reasonFor(/WAF Classic global web ACL logging/)).toContain('AWS::WAF::WebACL');
  expect(reasonFor(/default root object/)).toContain('/DistributionConfig/DefaultRootObject');
  expect(reasonFor(/S3 Bucket ACLs with Grant Access to All Users/)).toMatch(/^A resource policy/);
});

test.each([
  [/Classic Load Balancers logging/, '/AccessLoggingPolicy/Enabled'],
  [/connection draining/, '/ConnectionDrainingPolicy/Enabled'],
  [/older SSL\/TLS policies/, '/SslPolicy'],
  [/redirect all HTTP requests/, "Needs an owner's decision"],
  [/Classic Load Balancer listeners/, 'certificate'],
  [/User inline policies that allow decryption/, 'Only the owner knows who needs the access'],
  [/Weak RDS backup policy/, 'The change replaces the resource'],
  [/Elasticsearch domains should be encrypted using TLS/, 'Cloud Control cannot update'],
  [/Unused network access control lists/, 'The fix would delete something'],
  [/Domain Auto Renew/, 'No CloudFormation type'],
])('words in a name do not lead to a wrong reason: %s', (name, reason) => {
  expect(reasonFor(name)).toContain(reason);
});

const promised = unserved.flatMap((rule) => {
  const [, type = '', rest = ''] =
    /^A custom rule with `desired_state` can set it: `(AWS::[^`]+)`(.*)$/.exec(reasonOf(rule)) ?? [];
  return [...rest.matchAll(/`(\/[^`]+)`/g)].map(([, pointer = '']) => [type, pointer] as const);
});

test.each(promised)('a custom rule can set the promised property: %s %s', (type, pointer) => {
  const known = types.get(type);

  expect(known?.update).not.toBeNull();
  expect(Object.values(known?.pointers ?? {}).flat()).toContain(pointer);
  const fixed = [...(known?.create_only ?? []), ...(known?.read_only ?? []), ...(known?.write_only ?? [])];
  expect(fixed.filter((each) => pointer === each || pointer.startsWith(`${each}/`))).toEqual([]);
});
