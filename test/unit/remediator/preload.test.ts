import { expect, test, vi } from 'vitest';
import { loaders, preload } from '../../../lambdas/remediator/preload.ts';
import { loadRule, ruleIds } from '../../../lambdas/rules/index.ts';

const services = async (id: string): Promise<string[]> => {
  const { permissions } = await loadRule(id);
  return permissions.read.flatMap(({ actions }) => actions.map((action) => action.split(':')[0] ?? ''));
};

test('the client of each service that rules read can be preloaded', async () => {
  const read = new Set((await Promise.all(ruleIds.map(services))).flat());

  // S3's client is always loaded.
  expect([...read].filter((service) => service !== 's3' && !(service in loaders))).toEqual([]);
  await expect(Promise.all(Object.values(loaders).map((load) => load()))).resolves.toBeDefined();
});

test('for a rule that uses Cloud Control, only Cloud Control’s client is preloaded', async () => {
  const loading = vi.fn();
  vi.doMock('../../../lambdas/aws/ec2.ts', () => {
    loading();
    return {};
  });
  const actions = ['cloudformation:GetResource', 'ec2:DescribeVpcs'];

  preload({ permissions: { read: [{ actions, resources: ['*'] }], write: [], undo: [] } });
  await import('../../../lambdas/aws/cloudcontrol.ts');

  expect(loading).not.toHaveBeenCalled();
  vi.doUnmock('../../../lambdas/aws/ec2.ts');
});
