import { z } from 'zod';
import { cloudTrailWrites } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import { StalePlanError } from '../../model/errors.ts';
import { regionSchema } from '../../model/finding.ts';
import type { ChangeKind } from '../change.ts';
import { ofForm, olderThanOurs } from '../ours.ts';
import { refusal } from '../refusal.ts';

const schema = z.object({
  kind: z.literal('cloudtrail-log-file-validation-set'),
  /** The trail's ARN. */
  resource: z.string(),
  /** The trail's home region, the only one in which AWS allows updates. */
  region: regionSchema,
  before: z.boolean(),
  after: z.boolean(),
});
export type CloudTrailLogFileValidationSet = z.infer<typeof schema>;

const word = (isOn: boolean): string => (isOn ? 'on' : 'off');

/** Checks whether log file validation of a trail is on. @returns undefined if the trail is gone */
async function readValidation(
  session: AwsSession,
  { resource, region }: Pick<CloudTrailLogFileValidationSet, 'resource' | 'region'>,
): Promise<boolean | undefined> {
  const { CloudTrailClient, DescribeTrailsCommand } = await import('../../aws/cloudtrail.ts');
  const { trailList = [] } = await session
    .client(CloudTrailClient, region)
    .send(new DescribeTrailsCommand({ trailNameList: [resource], includeShadowTrails: false }));
  const trail = trailList.find(({ TrailARN }) => TrailARN === resource);
  return trail === undefined ? undefined : trail.LogFileValidationEnabled === true;
}

/** Turns a trail's log file validation on or off. UpdateTrail leaves omitted settings unchanged. */
export const changeKind: ChangeKind<CloudTrailLogFileValidationSet> = {
  kind: 'cloudtrail-log-file-validation-set',
  schema,
  pace: cloudTrailWrites,
  describe: ({ resource, before, after }) =>
    `~ log file validation of ${resource}: ${word(before)} -> ${word(after)}`,
  async apply(session, change, note, { ours }) {
    const { CloudTrailClient, UpdateTrailCommand } = await import('../../aws/cloudtrail.ts');
    const { resource, region, after } = change;
    const now = await readValidation(session, change);
    if (now === undefined) throw new StalePlanError(`trail ${resource} is gone: nothing was changed`);
    if (ofForm(schema, ours).at(-1)?.before === now) throw olderThanOurs(`trail ${resource}`);
    if (now === after) {
      throw new StalePlanError(
        `log file validation of ${resource} was turned ${word(after)} by someone else in the meantime`,
      );
    }
    try {
      await session
        .client(CloudTrailClient, region)
        .send(new UpdateTrailCommand({ Name: resource, EnableLogFileValidation: after }));
    } catch (error) {
      throw refusal(error, `trail ${resource}`, { stale: ['TrailNotFound'], busy: ['Conflict'] });
    }
    note(change);
    return change;
  },
  async isVisible(session, applied) {
    return (await readValidation(session, applied)) !== applied.before;
  },
  async find(session, planned) {
    return (await readValidation(session, planned)) === planned.after ? planned : undefined;
  },
  removes: ({ before }) => [word(before)],
  restsOn: ({ before }) => [word(before)],
  async differs(session, applied) {
    const now = await readValidation(session, applied);
    if (now === undefined) return 'it is gone';
    return now === applied.after ? undefined : `its log file validation is ${word(now)}`;
  },
  inverse: (applied) => ({ ...applied, before: applied.after, after: applied.before }),
};
