import { beforeEach, expect, test } from 'vitest';
import type { CustomRule } from '../../../../lambdas/model/custom-rule.ts';
import type { Fix } from '../../../../lambdas/model/requests.ts';
import { CloudControlAccount } from '../../remediator/support/cloud-control-account.ts';
import {
  ACCOUNT,
  RemediatorInMemory,
  regionalJobOf,
  settingsOf,
} from '../../remediator/support/remediator-in-memory.ts';
import { UndoDesk } from '../../remediator/support/undo-desk.ts';

const RULE = 'rds-instance-public';
const INSTANCE = 'orders';
const open = { DBInstanceIdentifier: INSTANCE, PubliclyAccessible: true };

const definition: CustomRule = {
  title: 'RDS instances are not public',
  scope: 'regional',
  severity: 'high',
  risk: '',
  desired_state: {
    resource_type: 'AWS::RDS::DBInstance',
    identifier: '{{resource}}',
    primary_identifier: ['/DBInstanceIdentifier'],
    violates: {},
    set: { '/PubliclyAccessible': false },
    defaults: {},
    ready: {},
    allow_stack_managed: false,
    tags: null,
  },
  permissions: { read: [], write: [], undo: [], automation: [] },
};

let account: CloudControlAccount;
let remediator: RemediatorInMemory;
let desk: UndoDesk;
let fix: Fix | undefined;

beforeEach(async () => {
  account = new CloudControlAccount({ [INSTANCE]: open });
  remediator = new RemediatorInMemory();
  remediator.openSession = account.open;
  remediator.settings = settingsOf({ rule: RULE, mode: 'enforce', definition });
  desk = new UndoDesk(remediator);
  await remediator.attempt(regionalJobOf(RULE, [INSTANCE]));
  remediator.now += 20 * 60_000;
  [fix] = desk.fixesOf(INSTANCE);
});

const undo = () => desk.undo(fix === undefined ? [] : [fix]);

test('an undo restores the previous value', async () => {
  expect(await undo()).toMatchObject([{ outcome: 'undone', finding: { account: ACCOUNT } }]);
  expect(account.resources.get(INSTANCE)).toEqual(open);
});

test('an undo that takes AWS minutes is followed to its end', async () => {
  account.lasts = 5 * 60_000;

  expect(await undo()).toMatchObject([{ outcome: 'undone' }]);
  expect(account.updates).toHaveLength(2);
});

test("an undo that fails minutes later is refused with AWS's message, and a later request repeats it", async () => {
  account.lasts = 60_000;
  account.fails = { code: 'InvalidRequest', message: 'no subnet group' };

  const [failed] = await undo();
  account.fails = undefined;
  remediator.now += 60_000;
  const [later] = await undo();

  expect(failed).toMatchObject({
    outcome: 'undo_refused',
    reason: expect.stringContaining('FAILED (InvalidRequest: no subnet group)'),
  });
  expect(later).toMatchObject({ outcome: 'undone' });
  expect(account.resources.get(INSTANCE)).toEqual(open);
  expect(account.updates).toHaveLength(3);
});
