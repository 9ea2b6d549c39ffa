import {
  type AccessKeyMetadata,
  IAMClient,
  paginateListAccessKeys,
  paginateListUsers,
} from '@aws-sdk/client-iam';
import { type Check, given, tenantTags, type Verdict } from './verdict.ts';

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;
const ROTATION_DAYS = 90;

/** Whether the key can be used and has served its time: made 90 days ago, or longer. */
export function isOverdue(key: AccessKeyMetadata, now: Date): boolean {
  const age = now.getTime() - given(key.CreateDate, 'CreateDate').getTime();
  return key.Status === 'Active' && age >= ROTATION_DAYS * DAY_MILLISECONDS;
}

export const accessKeys: Check = {
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
