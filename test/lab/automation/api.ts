import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type AwsAnswer, type AwsCall, awsError } from '../aws-proxy/index.ts';
import {
  type AutomationDocument,
  DOCUMENT_VERSION,
  type DocumentParameter,
  ROLE_ARN,
  ROLE_PARAMETER,
} from './document.ts';
import type { Execution, StepExecution } from './execution.ts';

/** An error that the API returns. */
export class ApiError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  toAnswer(call: AwsCall): AwsAnswer {
    return awsError(call, this.code, { message: this.message });
  }
}

/** Error for behaviour of AWS that this simulation lacks. */
export class NotSimulated extends ApiError {
  constructor(what: string) {
    super('AutomationSimulationError', `${what}: AWS knows this, the simulated Automation does not`);
  }
}

export function jsonAnswer(body: unknown): AwsAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() },
    body: Buffer.from(JSON.stringify(body)),
  };
}

const executionId = z.string().length(36);
const token = z
  .string()
  .regex(/^[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}$/)
  // The pattern is case-insensitive.
  .transform((text) => text.toLowerCase());
const tag = z.strictObject({ Key: z.string().min(1).max(128), Value: z.string().max(256) });

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html */
export const startRequest = z.strictObject({
  DocumentName: z.string().regex(/^[a-zA-Z0-9_\-.:/]{3,128}$/),
  DocumentVersion: z
    .string()
    .regex(/^(\$LATEST|\$DEFAULT|[1-9][0-9]*)$/)
    .optional(),
  Parameters: z.record(z.string().min(1).max(50), z.array(z.string().max(512)).max(50)).default({}),
  ClientToken: token.optional(),
  Mode: z.literal('Auto').optional(),
  Tags: z.array(tag).max(5).default([]),
});
export type StartRequest = z.infer<typeof startRequest>;

export const getRequest = z.strictObject({ AutomationExecutionId: executionId });

export const stopRequest = z.strictObject({
  AutomationExecutionId: executionId,
  Type: z.literal('Cancel').optional(),
});

const FILTERS = ['DocumentNamePrefix', 'ExecutionStatus', 'ExecutionId', 'StartTimeAfter', 'TagKey'] as const;

export const describeRequest = z.strictObject({
  Filters: z
    .array(z.strictObject({ Key: z.enum(FILTERS), Values: z.array(z.string()).min(1).max(10) }))
    .default([]),
  MaxResults: z.number().int().min(1).max(50).default(50),
  NextToken: z.string().optional(),
});
export type DescribeRequest = z.infer<typeof describeRequest>;

export const tagsRequest = z.strictObject({ ResourceType: z.literal('Automation'), ResourceId: executionId });

export const documentRequest = z.strictObject({
  Name: z.string(),
  DocumentVersion: z.string().optional(),
});

/** @throws ApiError if AWS would refuse the request, NotSimulated if only this simulation does */
export function parseRequest<T>(schema: z.ZodType<T>, call: AwsCall): T {
  const parsed = schema.safeParse(call.parameters);
  if (parsed.success) return parsed.data;
  const notOurs = parsed.error.issues.find(
    ({ code }) => code === 'unrecognized_keys' || code === 'invalid_value',
  );
  if (notOurs !== undefined) {
    throw new NotSimulated(`${call.operation} with ${JSON.stringify(call.parameters)} (${notOurs.message})`);
  }
  const problems = parsed.error.issues.map(({ path, message }) => `at '${path.join('.')}': ${message}`);
  throw new ApiError(
    'ValidationException',
    `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected: ${problems.join('; ')}`,
  );
}

/** @throws ApiError if the document has no such version */
export function checkVersion(document: AutomationDocument, version = '$DEFAULT'): void {
  if (['$DEFAULT', '$LATEST', DOCUMENT_VERSION].includes(version)) return;
  throw new ApiError(
    'AutomationDefinitionVersionNotFoundException',
    `Automation document ${document.name} has no version ${version}`,
  );
}

/**
 * The parameters of an execution, including defaults.
 * @throws ApiError if a value is missing, unknown, or invalid
 */
export function resolveParameters(
  document: AutomationDocument,
  given: StartRequest['Parameters'],
): Record<string, string> {
  const refuse = (message: string): ApiError =>
    new ApiError('InvalidAutomationExecutionParametersException', message);
  for (const name of Object.keys(given)) {
    if (document.parameters[name] === undefined) {
      throw refuse(`Parameter "${name}" is not a parameter of ${document.name}`);
    }
  }
  return Object.fromEntries(
    Object.entries(document.parameters).map(([name, parameter]): [string, string] => {
      const values = given[name];
      const value = values === undefined ? parameter.default : values[0];
      if (value === undefined) throw refuse(`Parameter "${name}" of ${document.name} requires a value`);
      if (values !== undefined && values.length !== 1) {
        throw refuse(`Parameter "${name}" has ${values.length} values, but takes one`);
      }
      const expected = refusal(parameter, name, value);
      if (expected !== undefined) throw refuse(expected);
      return [name, value];
    }),
  );
}

function refusal(parameter: DocumentParameter, name: string, value: string): string | undefined {
  const expected = parameter.refuses(value);
  if (expected === undefined) return undefined;
  if (name === ROLE_PARAMETER && !ROLE_ARN.test(value)) {
    return 'The format of the supplied assume role ARN is invalid.';
  }
  return `Parameter "${name}" has value "${value}", and takes ${expected}`;
}

/** Fields of an execution that both `GetAutomationExecution` and `DescribeAutomationExecutions` return. */
function summary(execution: Execution) {
  const { currentStep, endedAt, failureMessage, documentVersion } = execution;
  return {
    AutomationExecutionId: execution.id,
    DocumentName: execution.documentName,
    DocumentVersion: documentVersion,
    AutomationExecutionStatus: execution.status,
    ExecutionStartTime: seconds(execution.startedAt),
    ...(endedAt !== undefined && { ExecutionEndTime: seconds(endedAt) }),
    ...(currentStep !== undefined && {
      CurrentStepName: currentStep.name,
      CurrentAction: currentStep.action,
    }),
    ...(failureMessage !== undefined && { FailureMessage: failureMessage }),
    ExecutedBy: execution.executedBy,
    Mode: 'Auto',
    Outputs: {},
    Targets: [],
    ResolvedTargets: { ParameterValues: [], Truncated: false },
  };
}

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecution.html */
export function executionBody(execution: Execution) {
  return {
    ...summary(execution),
    Parameters: execution.given,
    StepExecutions: execution.steps.map(stepBody),
    StepExecutionsTruncated: false,
  };
}

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecutionMetadata.html */
export function executionMetadata(execution: Execution) {
  return { ...summary(execution), AutomationType: 'Local' };
}

function stepBody({ name, action, status, startedAt, endedAt, failure }: StepExecution) {
  return {
    StepName: name,
    Action: action,
    StepStatus: status,
    ...(startedAt !== undefined && { ExecutionStartTime: seconds(startedAt) }),
    ...(endedAt !== undefined && { ExecutionEndTime: seconds(endedAt) }),
    ...(failure !== undefined && {
      FailureMessage: failure.message,
      FailureDetails: { FailureStage: failure.stage, FailureType: failure.type },
    }),
  };
}

/** https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DocumentDescription.html */
export function documentBody(document: AutomationDocument) {
  return {
    Name: document.name,
    Owner: 'Amazon',
    Description: document.description,
    DocumentType: 'Automation',
    SchemaVersion: '0.3',
    Status: 'Active',
    DocumentVersion: DOCUMENT_VERSION,
    DefaultVersion: DOCUMENT_VERSION,
    LatestVersion: DOCUMENT_VERSION,
    Parameters: Object.entries(document.parameters).map(([name, parameter]) => ({
      Name: name,
      Type: 'String',
      Description: parameter.description,
      ...(parameter.default !== undefined && { DefaultValue: parameter.default }),
    })),
  };
}

function seconds(date: Date): number {
  return date.getTime() / 1000;
}
