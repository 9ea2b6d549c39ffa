import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import { timestampSchema } from '../../model/finding.ts';
import type { ChangeKind } from '../change.ts';

const statusSchema = z.enum(['Active', 'Inactive']);

const schema = z.object({
  kind: z.literal('iam-access-key-status-set'),
  /** The user's name. */
  resource: z.string(),
  /** The key's id, which is no secret. */
  key: z.string(),
  before: statusSchema,
  after: statusSchema,
  created: timestampSchema,
  /** When it was last used as AWS knows, null for never. A key in use stops to work when it is made inactive. */
  lastUsed: timestampSchema.nullable(),
  /** Set once it is applied: false where the key was gone, so that there was nothing to change or to undo. */
  changed: z.boolean().optional(),
});
export type IamAccessKeyStatusSet = z.infer<typeof schema>;

const day = (timestamp: string): string => timestamp.slice(0, 10);

/** Makes a user's access key inactive, or active. Never deletes one. */
export const changeKind: ChangeKind<IamAccessKeyStatusSet> = {
  kind: 'iam-access-key-status-set',
  schema,
  describe({ resource, key, before, after, created, lastUsed }) {
    const used = lastUsed === null ? 'never used' : `last used ${day(lastUsed)}`;
    return `~ access key ${key} of ${resource}: ${before} -> ${after} (created ${day(created)}, ${used})`;
  },
  /** @throws ChangeRefusedError when a key that is to be made active is gone */
  async apply(session, change) {
    const { IAMClient, UpdateAccessKeyCommand } = await import('../../aws/iam.ts');
    try {
      await session.client(IAMClient).send(
        new UpdateAccessKeyCommand({
          UserName: change.resource,
          AccessKeyId: change.key,
          Status: change.after,
        }),
      );
      return { ...change, changed: true };
    } catch (error) {
      if (!isAwsError(error, 'NoSuchEntity')) throw error;
      // A key that is gone works no more: what making it inactive was for.
      if (change.after === 'Inactive') return { ...change, changed: false };
      throw new ChangeRefusedError(
        `access key ${change.key} of ${change.resource} is gone: it can't be made active`,
        {
          cause: error,
        },
      );
    }
  },
  inverse: (applied) =>
    applied.changed === false
      ? undefined
      : { ...applied, before: applied.after, after: applied.before, changed: undefined },
};
