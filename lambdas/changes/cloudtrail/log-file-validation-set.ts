import { z } from 'zod';
import { regionSchema } from '../../model/finding.ts';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';

const schema = z.object({
  kind: z.literal('cloudtrail-log-file-validation-set'),
  /** The trail's ARN. */
  resource: z.string(),
  /** The trail's home region: the only one in which AWS lets it be updated. */
  region: regionSchema,
  before: z.boolean(),
  after: z.boolean(),
});
export type CloudTrailLogFileValidationSet = z.infer<typeof schema>;

/** Turns a trail's log file validation on or off. */
export const changeKind: ChangeKind<CloudTrailLogFileValidationSet> = {
  kind: 'cloudtrail-log-file-validation-set',
  schema,
  describe: (change) =>
    `~ log file validation of ${change.resource}: ${change.before ? 'on' : 'off'} -> ${change.after ? 'on' : 'off'}`,
  async apply(session, change) {
    const { CloudTrailClient, UpdateTrailCommand } = await import('../../aws/cloudtrail.ts');
    try {
      await session
        .client(CloudTrailClient, change.region)
        .send(new UpdateTrailCommand({ Name: change.resource, EnableLogFileValidation: change.after }));
    } catch (error) {
      throw refusal(error, `trail ${change.resource}`, { gone: ['TrailNotFound'], busy: ['Conflict'] });
    }
    return change;
  },
  inverse: (applied) => ({ ...applied, before: applied.after, after: applied.before }),
};
