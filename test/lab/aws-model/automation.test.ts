import { expect, test } from 'vitest';
import { AwsModel } from './model.ts';
import { EMPTY_STATE } from './state.ts';

const ACCOUNT = '111122223333';
const REGION = 'eu-central-1';
const DOCUMENT = 'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster';
const MINUTE = 60_000;

test('an execution makes its change in time, even if nobody calls AWS for hours', () => {
  let now = 0;
  const cluster = { isPublic: true, pending: null, tags: {} };
  const model = new AwsModel(ACCOUNT, { ...EMPTY_STATE, clusters: { main: cluster } }, () => now, 20_000);
  const call = (operation: string, input: object): object => {
    model.passTime();
    const { output, next = model.state } = model.answer(operation, input, model.state, REGION);
    model.set(next);
    return output;
  };

  const started = call('StartAutomationExecution', {
    DocumentName: DOCUMENT,
    Parameters: { ClusterIdentifier: ['main'] },
    ClientToken: 'token',
  });
  now += 3 * 60 * MINUTE;
  const ended = call('GetAutomationExecution', started);
  const { Clusters } = { Clusters: undefined, ...call('DescribeClusters', { ClusterIdentifier: 'main' }) };

  expect(ended).toMatchObject({ AutomationExecution: { AutomationExecutionStatus: 'Success' } });
  expect(Clusters).toMatchObject([{ ClusterStatus: 'available', PubliclyAccessible: false }]);
});
