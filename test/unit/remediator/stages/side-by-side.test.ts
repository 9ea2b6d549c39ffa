import { expect, test } from 'vitest';
import { EMPTY_STATE, type NetworkAcl } from '../../../lab/aws-model/state.ts';
import { Killed } from '../support/lifeline.ts';
import { ModelAccount } from '../support/model-account.ts';

const RULE = 'network-acl-subnet-allows-all';
const allowAll = { number: 100, action: 'allow', protocol: '-1', cidr: '0.0.0.0/0' } as const;
const acl: NetworkAcl = {
  owner: '111122223333',
  vpc: 'vpc-0123abcd',
  isDefault: false,
  subnets: ['subnet-0a'],
  tags: {},
  quota: 20,
  entries: [{ ...allowAll, ports: null, icmp: null }],
};
const ACLS = ['acl-00000001', 'acl-00000002', 'acl-00000003'];

/** Network ACLs whose open entry becomes two: another one is created, and then the open one is replaced. */
function account(): ModelAccount {
  const state = {
    ...EMPTY_STATE,
    vpcs: { 'vpc-0123abcd': { cidrs: ['10.0.0.0/16'], ipv6Cidrs: [] } },
    acls: Object.fromEntries(ACLS.map((id) => [id, acl])),
  };
  return new ModelAccount(RULE, state, { replacement_cidrs: ['10.0.0.0/8', '192.168.0.0/16'] });
}

test('while a change is in progress, a journal that is written for another one does not say that nothing was made', async () => {
  let writes = 0;
  for (let endedAt = 1; endedAt === 1 || writes >= endedAt - 1; endedAt += 1) {
    const ended = account();
    const { remediator } = ended;
    writes = 0;
    const onStep = () => {
      if (ended.writes.length >= endedAt) throw new Killed('the function was ended');
    };
    await remediator.attempt(ended.job(...ACLS), { onStep }).catch(() => undefined);
    writes = ended.writes.length;
    remediator.now += 3_600_000;
    await remediator.attempt(ended.job(...ACLS), { number: 2 });
    await remediator.workOffLater();

    const outcomes = [...remediator.outcomes.values()];
    const made = outcomes.flatMap(({ applied, unconfirmed = [] }) => [...applied, ...unconfirmed]);
    expect(new Set(made.map(({ change }) => change.resource)), `ended after ${endedAt} writes`).toEqual(
      new Set(ACLS),
    );
  }
  expect(writes).toBe(2 * ACLS.length);
});
