import { z } from 'zod';
import { AwsModelError, type Operation, reading, writing } from './operation.ts';
import { withEntry } from './state.ts';

const prefixSchema = z.looseObject({ logGroupNamePrefix: z.string() });
const arnSchema = z.looseObject({ resourceArn: z.string() });
const taggingSchema = arnSchema.extend({ tags: z.record(z.string(), z.string()) });
const createSchema = z.looseObject({
  logGroupName: z.string(),
  tags: z.record(z.string(), z.string()).default({}),
});
const retentionSchema = z.looseObject({ logGroupName: z.string(), retentionInDays: z.number() });

function noGroup(): AwsModelError {
  return new AwsModelError('ResourceNotFoundException', 'The specified log group does not exist.');
}

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/ */
export const logGroupOperations: Readonly<Record<string, Operation>> = {
  DescribeLogGroups: reading((input, state) => ({
    logGroups: Object.entries(state.logGroups)
      .filter(([name]) => name.startsWith(prefixSchema.parse(input).logGroupNamePrefix))
      .map(([logGroupName, { created, retention }]) => ({
        logGroupName,
        creationTime: created,
        ...(retention !== null && { retentionInDays: retention }),
      })),
  })),
  ListTagsForResource: reading((input, state) => {
    const [, name = ''] = arnSchema.parse(input).resourceArn.split(':log-group:');
    const group = state.logGroups[name];
    if (group === undefined) throw noGroup();
    return { tags: group.tags };
  }),
  TagResource: writing((input, state) => {
    const { resourceArn, tags } = taggingSchema.parse(input);
    const [, name = ''] = resourceArn.split(':log-group:');
    const group = state.logGroups[name];
    if (group === undefined) throw noGroup();
    const tagged = { ...group, tags: { ...group.tags, ...tags } };
    return { ...state, logGroups: withEntry(state.logGroups, name, tagged) };
  }),
  CreateLogGroup: writing((input, state, { now }) => {
    const { logGroupName: name, tags } = createSchema.parse(input);
    if (state.logGroups[name] !== undefined) {
      throw new AwsModelError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    return { ...state, logGroups: withEntry(state.logGroups, name, { created: now, retention: null, tags }) };
  }),
  PutRetentionPolicy: writing((input, state) => {
    const { logGroupName: name, retentionInDays: retention } = retentionSchema.parse(input);
    const group = state.logGroups[name];
    if (group === undefined) throw noGroup();
    return { ...state, logGroups: withEntry(state.logGroups, name, { ...group, retention }) };
  }),
};
