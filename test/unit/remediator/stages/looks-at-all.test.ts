import { describe, expect, test } from 'vitest';
import { EXEMPTION_TAG } from '../../../../lambdas/model/exemption-tag.ts';
import { type AwsState, EMPTY_STATE, type Tags, withEntry } from '../../../lab/aws-model/state.ts';
import { ModelAccount } from '../support/model-account.ts';

/** More changes than the default breaker allows at once at first: the last ones are made later. */
const NAMES = Array.from({ length: 7 }, (_, index) => `vpc-0000000${index}`);
const LAST = 'vpc-00000006';

const vpc = { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] };
const cluster = { isPublic: true, pending: null, tags: {} };
const all = <T>(of: T): Record<string, T> => Object.fromEntries(NAMES.map((name) => [name, of]));

/**
 * A rule whose changes read everything immediately before they write, and what happens to the last resource in the
 * meantime.
 */
const cases = [
  {
    rule: 'vpc-flow-logs-disabled',
    options: { destination: 'arn:aws:s3:::flow-logs' },
    initial: { ...EMPTY_STATE, vpcs: all(vpc) } as AwsState,
    reads: ['DescribeFlowLogs', 'DescribeVpcs'],
    write: 'CreateFlowLogs',
    setLast: (state: AwsState, tags: Tags | undefined): AwsState => ({
      ...state,
      vpcs: withEntry(state.vpcs, LAST, tags && { ...vpc, tags }),
    }),
  },
  {
    rule: 'redshift-cluster-public',
    options: {},
    initial: { ...EMPTY_STATE, clusters: all(cluster) } as AwsState,
    reads: ['DescribeClusters'],
    write: 'ModifyCluster',
    setLast: (state: AwsState, tags: Tags | undefined): AwsState => ({
      ...state,
      clusters: withEntry(state.clusters, LAST, tags && { ...cluster, tags }),
    }),
  },
] as const;

/** Fixes all resources, while someone does something after the first write. */
async function run(
  { rule, initial, options, write }: (typeof cases)[number],
  act: (state: AwsState) => AwsState = (state) => state,
) {
  const account = new ModelAccount(rule, initial, options);
  const { remediator } = account;
  const steps: string[] = [];
  account.onCall = (operation) => steps.push(operation);
  remediator.fault = (port) => {
    if (port === 'writeJournal') steps.push(port);
    return undefined;
  };
  account.actAfterFirstWrite(act);
  await remediator.attempt(account.job(...NAMES));
  const writes = account.writes.length;
  await remediator.workOffLater();
  const outcomes = [...remediator.outcomes.values()];
  const last = outcomes.find(({ finding }) => finding.resource === LAST);
  const [first, end] = [steps.indexOf(write), steps.lastIndexOf(write)];
  return { last, writes, between: steps.slice(first, end).filter((step) => step !== write) };
}

describe.each(cases)('$rule', (given) => {
  test('a later resource is read once, after its change has been noted', async () => {
    const { writes, between } = await run(given);

    expect(writes).toBe(NAMES.length);
    expect(between).toEqual(['writeJournal', ...given.reads]);
  });

  test('one that is exempted by a tag in the meantime is left', async () => {
    const exempt = { [EXEMPTION_TAG]: 'migration until 2999-01-01' };

    const { last, writes } = await run(given, (state) => given.setLast(state, exempt));

    expect(last).toMatchObject({ outcome: 'exempt', applied: [] });
    expect(writes).toBe(NAMES.length - 1);
  });

  test('one that is deleted in the meantime is reported as gone', async () => {
    const { last, writes } = await run(given, (state) => given.setLast(state, undefined));

    expect(last).toMatchObject({ outcome: 'gone', applied: [] });
    expect(writes).toBe(NAMES.length - 1);
  });
});
