import { z } from 'zod';
import { AwsModelError, type Operation, reading } from './operation.ts';
import { type AwsState, withEntry } from './state.ts';

/** Duration of an execution. */
const RUN_MILLISECONDS = 60_000;

const startSchema = z.looseObject({
  DocumentName: z.string(),
  Parameters: z.record(z.string(), z.array(z.string())),
  ClientToken: z.string(),
});
const getSchema = z.looseObject({ AutomationExecutionId: z.string() });

/** The effects of AWS's documents, in one step. */
const documents: Readonly<
  Record<string, (state: AwsState, parameters: Readonly<Record<string, string[]>>) => AwsState>
> = {
  'AWSConfigRemediation-DisablePublicAccessToRedshiftCluster': (
    state,
    { ClusterIdentifier: [id = ''] = [] },
  ) => {
    const cluster = state.clusters[id];
    if (cluster === undefined) return state;
    return { ...state, clusters: withEntry(state.clusters, id, { ...cluster, isPublic: false }) };
  },
  'AWSConfigRemediation-EnableCloudTrailLogFileValidation': (state, { TrailName: [arn = ''] = [] }) => {
    const trail = state.trails[arn];
    if (trail === undefined) return state;
    return { ...state, trails: withEntry(state.trails, arn, { ...trail, isValidated: true }) };
  },
  'AWS-DisablePublicAccessForSecurityGroup': (state, { GroupId: [id = ''] = [] }) => {
    const group = state.groups[id];
    if (group === undefined) return state;
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
    return { ...state, groups: withEntry(state.groups, id, { ...group, rules }) };
  },
};

/** One execution for a client token, however often it is asked for. Its work is done at once, and its end is seen later. */
const start: Operation = {
  isWrite: true,
  answer(input, state, { newId, now }) {
    const { DocumentName: document, Parameters, ClientToken: clientToken } = startSchema.parse(input);
    const known = Object.entries(state.executions).find(([, other]) => other.clientToken === clientToken);
    if (known !== undefined) return { output: { AutomationExecutionId: known[0] } };
    const work = documents[document];
    if (work === undefined) throw new AwsModelError('ModelLimit', `the model does not know ${document}`);
    const id = newId('exec');
    const execution = { clientToken, document, until: now + RUN_MILLISECONDS };
    const next = { ...work(state, Parameters), executions: withEntry(state.executions, id, execution) };
    return { output: { AutomationExecutionId: id }, next };
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
    const AutomationExecutionStatus = now < execution.until ? 'InProgress' : 'Success';
    return { AutomationExecution: { AutomationExecutionId: id, AutomationExecutionStatus } };
  }),
};
