import { z } from 'zod';
import { clusterAt, clusterStatus, withPublicAccess } from './clusters.ts';
import { AwsModelError, type Operation, reading } from './operation.ts';
import { type AwsState, type Execution, withEntry } from './state.ts';

/** Duration of an execution, in addition to its waits. */
const RUN_MILLISECONDS = 60_000;

const startSchema = z.looseObject({
  DocumentName: z.string(),
  Parameters: z.record(z.string(), z.array(z.string())),
  ClientToken: z.string(),
  Tags: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
});
const describeSchema = z.strictObject({
  Filters: z.tuple([
    z.object({ Key: z.literal('DocumentNamePrefix'), Values: z.tuple([z.string()]) }),
    z.object({
      Key: z.literal('StartTimeAfter'),
      Values: z.tuple([z.iso.datetime({ precision: 0 })]),
    }),
  ]),
  NextToken: z.undefined().optional(),
  MaxResults: z.undefined().optional(),
});
const getSchema = z.looseObject({ AutomationExecutionId: z.string() });

/** The effect of a document: the state after it, or the reason of its failure. */
type Effect = { readonly state: AwsState } | { readonly failure: string };

/** The effects of AWS's documents, in one step. */
const documents: Readonly<
  Record<string, (state: AwsState, parameters: Execution['parameters'], now: number) => Effect>
> = {
  'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster': (
    state,
    { ClusterIdentifier: [id = ''] = [] },
    now,
  ) => {
    const stored = state.clusters[id];
    if (stored === undefined) return { failure: `Cluster ${id} not found.` };
    const cluster = clusterAt(stored, now);
    if (clusterStatus(cluster) !== 'available') return { failure: `Cluster ${id} is not available.` };
    if (!cluster.isPublic) return { state };
    const after = withPublicAccess(cluster, false, now);
    return { state: { ...state, clusters: withEntry(state.clusters, id, after) } };
  },
  'AWSConfigRemediation-EnableCloudTrailLogFileValidation': (state, { TrailName: [arn = ''] = [] }) => {
    const trail = state.trails[arn];
    if (trail === undefined) return { failure: `Unknown trail: ${arn}` };
    return { state: { ...state, trails: withEntry(state.trails, arn, { ...trail, isValidated: true }) } };
  },
  'AWS-DisablePublicAccessForSecurityGroup': (state, { GroupId: [id = ''] = [] }) => {
    const group = state.groups[id];
    if (group === undefined) return { failure: `The security group '${id}' does not exist` };
    // The document revokes rules of exactly port 22 or 3389 from everywhere.
    const rules = group.rules.filter(
      ({ protocol, fromPort, toPort, source }) =>
        !(
          protocol === 'tcp' &&
          fromPort === toPort &&
          [22, 3389].includes(fromPort) &&
          ['0.0.0.0/0', '::/0'].includes(source)
        ),
    );
    return { state: { ...state, groups: withEntry(state.groups, id, { ...group, rules }) } };
  },
};

/**
 * The state after the executions that are due have made their changes, each at its own time: the last call may be hours
 * ago.
 */
export function withExecutionsAt(state: AwsState, now: number): AwsState {
  return Object.entries(state.executions).reduce((before, [id, execution]) => {
    const { worksAt, document, parameters } = execution;
    if (worksAt === null || worksAt > now) return before;
    const effect = documents[document]?.(before, parameters, worksAt) ?? { state: before };
    const isFailed = 'failure' in effect;
    const after = isFailed ? before : effect.state;
    // The document waits until the cluster is available again.
    const waits = after.clusters[parameters['ClusterIdentifier']?.[0] ?? '']?.pending?.until ?? worksAt;
    const until = isFailed ? worksAt : Math.max(execution.until, waits);
    const done = { ...execution, until, worksAt: null, ...(isFailed && { failure: effect.failure }) };
    return { ...after, executions: withEntry(before.executions, id, done) };
  }, state);
}

/** One execution per client token, however often it is sent. Its end shows later than its change. */
const start: Operation = {
  isWrite: true,
  answer(input, state, { newId, now, automationDelay }) {
    const {
      DocumentName: document,
      Parameters: parameters,
      ClientToken: clientToken,
      Tags,
    } = startSchema.parse(input);
    const known = Object.entries(state.executions).find(([, other]) => other.clientToken === clientToken);
    if (known !== undefined) return { output: { AutomationExecutionId: known[0] } };
    if (documents[document] === undefined) {
      throw new AwsModelError('ModelLimit', `the model does not support ${document}`);
    }
    const id = newId('exec');
    const worksAt = now + automationDelay;
    const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
    const until = now + RUN_MILLISECONDS;
    const execution = { clientToken, document, parameters, tags, startedAt: now, worksAt, until };
    const next = { ...state, executions: withEntry(state.executions, id, execution) };
    return { output: { AutomationExecutionId: id }, next: withExecutionsAt(next, now) };
  },
};

/** Systems Manager Automation, as far as findings need it. */
export const automationOperations: Readonly<Record<string, Operation>> = {
  StartAutomationExecution: start,
  GetAutomationExecution: reading((input, state, { now }) => {
    const { AutomationExecutionId: id } = getSchema.parse(input);
    const execution = state.executions[id];
    if (execution === undefined) {
      throw new AwsModelError('AutomationExecutionNotFoundException', `Automation execution ${id} not found`);
    }
    const { parameters, until, worksAt, failure: FailureMessage } = execution;
    const isOver = worksAt === null && until <= now;
    const status = FailureMessage === undefined ? 'Success' : 'Failed';
    return {
      AutomationExecution: {
        AutomationExecutionId: id,
        Parameters: parameters,
        AutomationExecutionStatus: isOver ? status : 'InProgress',
        ...(isOver && { FailureMessage }),
      },
    };
  }),
  DescribeAutomationExecutions: reading((input, state) => {
    const [{ Values: prefix }, { Values: after }] = describeSchema.parse(input).Filters;
    const found = Object.entries(state.executions).filter(
      ([, { document, startedAt }]) => document.startsWith(prefix[0]) && startedAt > Date.parse(after[0]),
    );
    return {
      AutomationExecutionMetadataList: found.map(([AutomationExecutionId, { document, tags }]) => ({
        AutomationExecutionId,
        DocumentName: document,
        // A remediator's session is named after the poll with which it tags its executions.
        ExecutedBy: `arn:aws:sts::111122223333:assumed-role/cspm-remediation/${tags['cspm-auto-remediation:poll']}`,
      })),
    };
  }),
};
