import {
  type AccessKeyMetadata,
  IAMClient,
  paginateListAccessKeys,
  paginateListUsers,
} from '@aws-sdk/client-iam';
import { agedAccessKeys } from '../aws-proxy/index.ts';
import { arnOf, type Calls, type Requires, requirement, text } from '../permissions/requirement.ts';
import { type Check, given, tenantTags, type Verdict } from './check.ts';
import { defineLabRule } from './lab-rule.ts';
import { cis } from './netskope-words.ts';

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;
const ROTATION_DAYS = 90;

/** Reports whether the key is active and at least 90 days old. */
export function isOverdue(key: AccessKeyMetadata, now: Date): boolean {
  const age = now.getTime() - given(key.CreateDate, 'CreateDate').getTime();
  return key.Status === 'Active' && age >= ROTATION_DAYS * DAY_MILLISECONDS;
}

const accessKeys: Check = {
  reads: 'users and their access keys',
  rules: ['CIS-1-2-0-1-4'],
  wholeAccount: true,
  async run(place, now) {
    const client = new IAMClient(place.settings());
    const verdicts: Verdict[] = [];
    for await (const page of paginateListUsers({ client }, {})) {
      for (const user of page.Users ?? []) {
        const resource = given(user.UserName, 'UserName');
        let violated = false;
        for await (const keys of paginateListAccessKeys({ client }, { UserName: resource })) {
          violated ||= (keys.AccessKeyMetadata ?? []).some((key) => isOverdue(key, now));
        }
        verdicts.push({
          rule: 'CIS-1-2-0-1-4',
          resource,
          name: resource,
          region: 'global',
          violated,
          tags: tenantTags(user.Tags),
        });
      }
    }
    return verdicts;
  },
};

const onUser: Requires = async (call, state) => [
  requirement(
    call,
    `iam:${call.operation}`,
    await state.userArn(call.principal.account, text(call, 'UserName')),
  ),
];

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html */
const calls: Calls = {
  'iam:ListAccessKeys': onUser,
  'iam:ListUserTags': onUser,
  'iam:UpdateAccessKey': onUser,
  async 'iam:GetAccessKeyLastUsed'(call, state) {
    const { account } = call.principal;
    const user = await state.userOfAccessKey(account, text(call, 'AccessKeyId'));
    const arn =
      user === undefined ? arnOf(call, 'iam', 'user/*', { region: '' }) : await state.userArn(account, user);
    return [requirement(call, 'iam:GetAccessKeyLastUsed', arn)];
  },
};

export const labRule = defineLabRule({
  code: 'CIS-1-2-0-1-4',
  words: {
    rule_name: 'Remote access: Ensure access keys are rotated every 90 days or less.',
    severity: 'Medium',
    resource_type: 'User',
    resource_category: 'Identity',
    ...cis('1.4', 'Identity and Access Management', 'Ensure access keys are rotated every 90 days or less'),
  },
  names: [
    'Remote access: Ensure access keys are rotated every 90 days or less.',
    'Fully document and implement all key-management processes and procedures for cryptographic keys used for encryption of cardholder data : Lack of Access Key Rotation',
  ],
  ids: ['deploy', 'jane.doe@example.com', 'a+b=c,d-e_f'],
  notIds: ['arn:aws:iam::111122223333:user/deploy', 'team/deploy', '<root_account>', 'a'.repeat(65)],
  check: accessKeys,
  isGlobal: true,
  calls,
  options: {},
  // A key cannot be created with an old date.
  pretend: (user) => agedAccessKeys({ [user]: 400 }),
  scenarios: [
    {
      name: 'a user with an old key',
      async make({ builder, name }) {
        await builder.userWithKeys(name, 1);
        return name;
      },
    },
  ],
});
