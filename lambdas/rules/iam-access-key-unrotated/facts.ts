import { z } from 'zod';
import { defineFacts } from '../facts.ts';

const days = z.int().min(1).max(365);

const optionsSchema = z.strictObject({
  max_age_days: days.default(90).meta({
    description:
      'The age in days from which an active key is made inactive. Netskope reports a user once a key is 90 days old. A lower value reports no further users, but also makes younger keys of a reported user inactive.',
    /**
     * The lowest value that matches Netskope's rule: it reports a user whose key is at least this old.
     */
    reported_from: 90,
  }),
  unused_only_days: days.optional().meta({
    description:
      'Keys that were used within this many days stay active, and are reported instead. Not set: keys are made inactive even if they are in use.',
  }),
});

export type Options = z.infer<typeof optionsSchema>;

const users = ['arn:${partition}:iam::${account}:user/*'];

export const facts = defineFacts({
  id: 'iam-access-key-unrotated',
  title: 'IAM access keys are rotated in time',
  legacyId: 'CIS-1-2-0-1-4',
  resourceType: 'AWS::IAM::User',
  scope: 'global',
  severity: 'medium',
  resourceId: z
    .string()
    // Netskope's rule also reports the root user.
    .refine((name) => name !== '<root_account>', {
      error:
        "this is the account's root user, which is never touched, because only the root user can change its keys: delete them as the root user",
      abort: true,
    })
    .regex(/^[A-Za-z0-9_+=,.@-]{1,64}$/, 'expected the name of an IAM user, not an ARN'),
  options: optionsSchema,
  documentation: {
    control: 'CIS AWS Foundations Benchmark 1.2.0, 1.4',
    finds: 'Active access keys of IAM users that were created `max_age_days` ago or earlier.',
    changes:
      "Makes each such key inactive. Anything that still uses the key stops working, so each change says when the key was last used. With `unused_only_days`, keys in use stay active and are named in the outcome's reason; the last use is read again immediately before a key is made inactive.",
    neverTouches:
      "Keys are never deleted. The root user's keys can only be changed by the root user: a finding about `<root_account>` is `unprocessable`, with that reason.",
    undo: 'Makes the key active again, unless it was deleted or made active in the meantime.',
  },
  permissions: {
    read: [
      {
        actions: ['iam:ListAccessKeys', 'iam:GetAccessKeyLastUsed', 'iam:ListUserTags'],
        resources: users,
      },
    ],
    write: [{ actions: ['iam:UpdateAccessKey'], resources: users }],
    undo: [{ actions: ['iam:ListAccessKeys', 'iam:UpdateAccessKey'], resources: users }],
  },
});
