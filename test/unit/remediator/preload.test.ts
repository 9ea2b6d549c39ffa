import { expect, test, vi } from 'vitest';
import { loaders, preload } from '../../../lambdas/remediator/preload.ts';
import { loadRule, ruleIds } from '../../../lambdas/rules/index.ts';

const services = async (id: string): Promise<string[]> => {
  const { permissions } = await loadRule(id);
  return permissions.read.flatMap(({ actions }) => actions.map((action) => action.split(':')[0] ?? ''));
};

test('the client of each service that rules read can be loaded ahead', async () => {
  const read = new Set((await Promise.all(ruleIds.map(services))).flat());

  // S3's client comes with the function.
  expect([...read].filter((service) => service !== 's3' && !(service in loaders))).toEqual([]);
  await expect(Promise.all(Object.values(loaders).map((load) => load()))).resolves.toBeDefined();
});

test('of a rule that Cloud Control carries out, only Cloud Control’s client is loaded', async () => {
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
