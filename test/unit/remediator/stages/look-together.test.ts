import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type AwsState, EMPTY_STATE, type GroupRule } from '../../../lab/aws-model/state.ts';
import { openRule } from '../support/group-account.ts';
import { ModelAccount } from '../support/model-account.ts';
import { ACCOUNT } from '../support/remediator-in-memory.ts';

const VPC = 'vpc-0123abcd';
const vpcs = { [VPC]: { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } };
/** The number of changes that the default breaker allows at once at first. */
const COUNT = 5;

const named = <T>(prefix: string, of: (index: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: COUNT }, (_, index) => [`${prefix}${index}`, of(index)]));

function groups(rule: (index: number) => GroupRule): AwsState {
  const of = (index: number) => ({ owner: ACCOUNT, vpc: VPC, tags: {}, quota: 60, rules: [rule(index)] });
  return { ...EMPTY_STATE, vpcs, groups: named('sg-0000000', of) };
}

const everything = { number: 100, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0' } as const;
const acls = named('acl-0000000', () => ({
  owner: ACCOUNT,
  vpc: VPC,
  isDefault: false,
  subnets: ['subnet-0a'],
  tags: {},
  quota: 20,
  entries: [{ ...everything, ports: null, icmp: null }],
}));
const unlogged = named('vpc-0000000', () => ({ cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] }));
const clusters = named('cluster-', () => ({ isPublic: true, pending: null, tags: {} }));
const toBucket = { destination: 'arn:aws:s3:::flow-logs' };

/** A rule, resources that violate it, the rule's options, and the first writes, which are made in parallel. */
const cases: readonly [string, AwsState, Readonly<Record<string, string | string[]>>, string][] = [
  [
    'security-group-ssh-open',
    groups((index) => openRule(`sgr-${index}`, 22, 22)),
    {},
    'RevokeSecurityGroupIngress',
  ],
  [
    'security-group-ssh-open',
    groups((index) => openRule(`sgr-${index}`, 22, 80)),
    {},
    'ModifySecurityGroupRules',
  ],
  [
    'security-group-ssh-open',
    groups((index) => openRule(`sgr-${index}`, 20, 80)),
    {},
    'ModifySecurityGroupRules',
  ],
  [
    'network-acl-subnet-allows-all',
    { ...EMPTY_STATE, vpcs, acls },
    { replacement_cidrs: ['10.0.0.0/8'] },
    'ReplaceNetworkAclEntry',
  ],
  ['vpc-flow-logs-disabled', { ...EMPTY_STATE, vpcs: unlogged }, toBucket, 'CreateFlowLogs'],
  ['redshift-cluster-public', { ...EMPTY_STATE, clusters }, {}, 'ModifyCluster'],
];

const resourcesOf = ({ groups, acls, clusters, vpcs }: AwsState): string[] =>
  [groups, acls, clusters, vpcs].map((all) => Object.keys(all)).find((ids) => ids.length > 0) ?? [];

const isRead = (step: string): boolean => step.startsWith('Describe');

test.each(cases)(
  '%s: changes that start together share the read before them (%#)',
  async (rule, state, options, write) => {
    const account = new ModelAccount(rule, state, options);
    const { remediator } = account;
    const steps: string[] = [];
    account.onCall = (operation) => steps.push(operation);
    remediator.fault = (port) => {
      steps.push(port);
      return undefined;
    };

    // One of the calls before the changes takes longer than the others.
    let isDelayed = false;
    const onStep = async (): Promise<void> => {
      if (isDelayed || steps.at(-1) !== 'AuthorizeSecurityGroupIngress') return;
      isDelayed = true;
      for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    };

    await remediator.attempt(account.job(...resourcesOf(state)), { onStep });

    const first = steps.indexOf(write);
    const look = steps.slice(0, first).findLastIndex((step) => !isRead(step)) + 1;
    expect(steps.slice(first, first + COUNT)).toEqual(Array.from({ length: COUNT }, () => write));
    // Nothing happens between the read and the changes, and everything is recorded and checked before the read.
    const looks =
      rule === 'vpc-flow-logs-disabled' ? ['DescribeFlowLogs', 'DescribeVpcs'] : [expect.any(String)];
    expect(steps.slice(look, first)).toEqual(looks);
    expect(steps.slice(0, look)).toContain('writeJournal');
  },
);

test.each(cases)(
  '%s: a resource that is gone when the others are read does not stop them (%#)',
  async (rule, state, options) => {
    const account = new ModelAccount(rule, state, options);
    const { remediator } = account;
    const [gone = '', ...others] = resourcesOf(state);
    let isGone = false;
    remediator.fault = (port) => {
      if (port !== 'writeJournal' || isGone) return undefined;
      isGone = true;
      const without = <T>(all: Readonly<Record<string, T>>): Record<string, T> =>
        Object.fromEntries(Object.entries(all).filter(([id]) => id !== gone));
      const { groups, acls, clusters, vpcs } = account.state;
      account.set({
        ...account.state,
        groups: without(groups),
        acls: without(acls),
        clusters: without(clusters),
        vpcs: without(vpcs),
      });
      return undefined;
    };

    await remediator.attempt(account.job(gone, ...others));
    await remediator.workOffLater();

    const outcomes = new Map(
      [...remediator.outcomes.values()].map(({ finding, outcome }) => [finding.resource, outcome]),
    );
    expect(outcomes.get(gone)).toBe('gone');
    expect(others.map((resource) => outcomes.get(resource))).toEqual(others.map(() => 'remediated'));
  },
);
