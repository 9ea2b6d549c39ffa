import { z } from 'zod';
import { isAwsError, isNotTaken } from '../../aws/errors.ts';
import { logGroupCreations, paceOnceThrottled } from '../../aws/pace.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { ChangeKind } from '../change.ts';
import { refusal } from '../refusal.ts';
import { untilTaken } from '../until-taken.ts';
import { checkUnlogged, readFlowLogsOf } from './flow-logs.ts';
import { isMadeBy, isOurs, MADE_FOR, marksOf } from './made-by-us.ts';
import { checkMayBeLogged } from './vpcs.ts';

const schema = z.object({
  kind: z.literal('log-group-create'),
  /** The log group's name. */
  resource: z.string(),
  retentionDays: z.number().int().positive(),
  kmsKeyArn: z.string().nullable(),
  /**
   * The VPC for whose flow log it is created. No log group is created if someone else's flow log already logs the VPC's
   * traffic.
   */
  vpc: z.string().optional(),
  /** Set once the change is applied: what we created or set. Empty if the log group already existed. */
  made: z.array(z.enum(['log group', 'retention'])).optional(),
});
export type LogGroupCreate = z.infer<typeof schema>;

/**
 * Key of the tag that names the job that sets the retention of another job's log group. The tag is set first, because
 * AWS accepts no tags together with a retention.
 */
const RETAINED_FOR = 'cspm-auto-remediation:retention-for';

/** Current state of a log group. */
interface Standing {
  /** Retention in days; undefined if logs are kept forever. */
  readonly retention: number | undefined;
}

async function readLogGroup(session: AwsSession, name: string): Promise<Standing | undefined> {
  const { CloudWatchLogsClient, paginateDescribeLogGroups } = await import('../../aws/cloudwatch-logs.ts');
  const client = session.client(CloudWatchLogsClient);
  for await (const page of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: name })) {
    const found = page.logGroups?.find(({ logGroupName }) => logGroupName === name);
    if (found === undefined) continue;
    return { retention: found.retentionInDays };
  }
  return undefined;
}

const arnOf = ({ account, region, partition }: AwsSession, name: string): string =>
  `arn:${partition}:logs:${region}:${account}:log-group:${name}`;

async function readTags(session: AwsSession, name: string): Promise<Readonly<Record<string, string>>> {
  const { CloudWatchLogsClient, ListTagsForResourceCommand } = await import('../../aws/cloudwatch-logs.ts');
  const { tags = {} } = await session
    .client(CloudWatchLogsClient)
    .send(new ListTagsForResourceCommand({ resourceArn: arnOf(session, name) }));
  return tags;
}

/** Returns the name of the job that set a log group's retention, if a job did. */
const retainerOf = (tags: Readonly<Record<string, string>>): string | undefined =>
  tags[RETAINED_FOR] ?? tags[MADE_FOR];

/**
 * Checks whether CloudWatch Logs temporarily did not accept a call, possibly because another operation on the log group
 * is in progress (aws-cdk#15709).
 */
const isBusy = (error: unknown): boolean => isNotTaken(error) || isAwsError(error, 'OperationAborted');

/**
 * Checks the VPC immediately before its log group is created.
 * @throws StalePlanError if it is gone, has an exemption tag, or is now logged by someone else's flow log
 */
async function look(session: AwsSession, vpc: string): Promise<void> {
  const [flowLogs] = await Promise.all([readFlowLogsOf(session, vpc), checkMayBeLogged(session, vpc)]);
  checkUnlogged(vpc, flowLogs);
}

/** Creates the log group. @returns false if it already existed */
async function create(session: AwsSession, { resource, kmsKeyArn }: LogGroupCreate): Promise<boolean> {
  const { CloudWatchLogsClient, CreateLogGroupCommand } = await import('../../aws/cloudwatch-logs.ts');
  try {
    await session.client(CloudWatchLogsClient).send(
      new CreateLogGroupCommand({
        logGroupName: resource,
        tags: marksOf(session),
        ...(kmsKeyArn === null ? {} : { kmsKeyId: kmsKeyArn }),
      }),
    );
    return true;
  } catch (error) {
    if (!isAwsError(error, 'ResourceAlreadyExists')) throw error;
    return false;
  }
}

/**
 * Checks whether we created a log group that has no retention yet, because an attempt was interrupted between the two
 * calls. If another job created it, it is tagged, so that its retention is known to be set by this job.
 */
async function claimUnfinished(session: AwsSession, name: string): Promise<boolean> {
  const standing = await readLogGroup(session, name);
  if (standing?.retention !== undefined) return false;
  const tags = await readTags(session, name);
  if (!isOurs(tags)) return false;
  if (retainerOf(tags) === session.maker) return true;
  const { CloudWatchLogsClient, TagResourceCommand } = await import('../../aws/cloudwatch-logs.ts');
  const claimed = { resourceArn: arnOf(session, name), tags: { [RETAINED_FOR]: session.maker } };
  await session.client(CloudWatchLogsClient).send(new TagResourceCommand(claimed));
  return true;
}

/** Sets the retention of a log group. */
async function retain(session: AwsSession, { resource, retentionDays }: LogGroupCreate): Promise<true> {
  const { CloudWatchLogsClient, PutRetentionPolicyCommand } = await import('../../aws/cloudwatch-logs.ts');
  await session
    .client(CloudWatchLogsClient)
    .send(new PutRetentionPolicyCommand({ logGroupName: resource, retentionInDays: retentionDays }));
  return true;
}

/**
 * Creates a log group with a retention. An existing log group remains unchanged, so that a retention that someone
 * chose, even an unlimited one, is not shortened. AWS creates log groups without a retention, which is set by a second
 * call. If an earlier attempt only made the first call, this one makes the second.
 */
export const changeKind: ChangeKind<LogGroupCreate> = {
  kind: 'log-group-create',
  // Each creation also waits for `logGroupCreations`, immediately before the reads on which it depends, so all that
  // begin together may be in progress. Retentions follow one by one, and thus keep the same rate.
  pace: paceOnceThrottled('cloudwatchlogs'),
  atOnce: 25,
  schema,
  looksAtAll: ({ vpc }) => vpc !== undefined,
  describe: (change) =>
    `+ log group ${change.resource}, if it does not exist: logs kept for ${change.retentionDays} days${change.kmsKeyArn === null ? '' : `, encrypted with ${change.kmsKeyArn}`}`,
  async apply(session, change, note, { mayContinue }) {
    const { resource, vpc } = change;
    try {
      const lookAndCreate = async (): Promise<boolean> => {
        await session.turn(logGroupCreations);
        // The checks before the change may have been made long before its turn.
        await mayContinue();
        if (vpc !== undefined) await look(session, vpc);
        return create(session, change);
      };
      const isNotTakenBy = (error: unknown): boolean => isAwsError(error, 'OperationAborted');
      const isNew = await untilTaken(session, lookAndCreate, { mayContinue, isNotTakenBy });
      if (isNew) note({ ...change, made: ['log group'] });
      const lookAndRetain = async (isAgain: boolean): Promise<boolean> => {
        const isUnfinished = (isNew && !isAgain) || (await claimUnfinished(session, resource));
        return isUnfinished && retain(session, change);
      };
      const isRetained = await untilTaken(session, lookAndRetain, { mayContinue, isNotTakenBy: isBusy });
      if (!isNew && !isRetained) return { ...change, made: [] };
      const made: LogGroupCreate = {
        ...change,
        made: [...(isNew ? (['log group'] as const) : []), ...(isRetained ? (['retention'] as const) : [])],
      };
      note(made);
      return made;
    } catch (error) {
      throw refusal(error, `log group ${resource}`, { busy: ['OperationAborted'] });
    }
  },
  isPlannedAnyway: true,
  findsByMark: true,
  async find(session, planned, _since, known) {
    const standing = await readLogGroup(session, planned.resource);
    if (standing === undefined) return undefined;
    const tags = await readTags(session, planned.resource);
    if (!isOurs(tags)) return undefined;
    const isRetained = standing.retention === planned.retentionDays && retainerOf(tags) === session.maker;
    const parts = [
      ...(isMadeBy(session, tags) ? (['log group'] as const) : []),
      ...(isRetained ? (['retention'] as const) : []),
    ];
    // Parts that are already recorded are left out.
    const made = parts.filter((part) => !known.some((each) => each.made?.includes(part)));
    return made.length === 0 ? 'none' : { ...planned, made };
  },
  // The logs are evidence, so an undo deletes the flow log and keeps its log group.
  inverse: () => undefined,
  notRestored: ({ resource, made }) =>
    made?.length === 0 ? undefined : `log group ${resource} remains, with its logs`,
};
