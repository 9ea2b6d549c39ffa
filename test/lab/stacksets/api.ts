import { z } from 'zod';
import { type AwsAnswer, type AwsCall, awsError } from '../aws-proxy/index.ts';
import { readForm } from './query-protocol.ts';

/** The statuses of AWS's errors that are not 400. */
const STATUSES: Readonly<Record<string, number>> = {
  NameAlreadyExistsException: 409,
  OperationIdAlreadyExistsException: 409,
  OperationInProgressException: 409,
  OperationNotFoundException: 404,
  StackInstanceNotFoundException: 404,
  StackSetNotEmptyException: 409,
  StackSetNotFoundException: 404,
};

/** An error that the API returns. */
export class ApiError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  toAnswer(call: AwsCall): AwsAnswer {
    return awsError(call, this.code, { message: this.message, status: STATUSES[this.code] ?? 400 });
  }
}

/** Error for behaviour of AWS that this simulation lacks. */
export class NotSimulated extends ApiError {
  constructor(what: string) {
    super('StackSetsSimulationError', `${what}: AWS knows this, the simulated StackSets do not`);
  }
}

export const invalid = (message: string): ApiError => new ApiError('ValidationError', message);

const list = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (value === '' ? [] : value), z.array(item));
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const count = z
  .string()
  .regex(/^[0-9]{1,6}$/)
  .transform(Number);
const percentage = count.pipe(z.number().max(100));
const accountId = z.string().regex(/^[0-9]{12}$/);
const region = z.string().regex(/^[a-zA-Z0-9-]{1,128}$/);
const operationId = z.string().regex(/^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$/);

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackSetOperationPreferences.html */
const preferences = z
  .strictObject({
    FailureToleranceCount: count.optional(),
    FailureTolerancePercentage: percentage.optional(),
    MaxConcurrentCount: count.optional(),
    MaxConcurrentPercentage: percentage.optional(),
    ConcurrencyMode: z.enum(['STRICT_FAILURE_TOLERANCE', 'SOFT_FAILURE_TOLERANCE']).optional(),
  })
  .refine(
    (given) => given.FailureToleranceCount === undefined || given.FailureTolerancePercentage === undefined,
    'expected FailureToleranceCount or FailureTolerancePercentage, not both',
  )
  .refine(
    (given) => given.MaxConcurrentCount === undefined || given.MaxConcurrentPercentage === undefined,
    'expected MaxConcurrentCount or MaxConcurrentPercentage, not both',
  )
  .default({});
export type OperationPreferences = z.infer<typeof preferences>;

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeploymentTargets.html */
const deploymentTargets = z.strictObject({
  OrganizationalUnitIds: list(
    z.string().regex(/^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$/),
  ).optional(),
  Accounts: list(accountId).optional(),
  AccountFilterType: z.enum(['NONE', 'INTERSECTION', 'DIFFERENCE', 'UNION']).optional(),
});
export type DeploymentTargets = z.infer<typeof deploymentTargets>;

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_AutoDeployment.html */
const autoDeployment = z
  .strictObject({ Enabled: flag, RetainStacksOnAccountRemoval: flag.optional() })
  .refine(
    ({ Enabled, RetainStacksOnAccountRemoval: retain }) => Enabled === (retain !== undefined),
    'RetainStacksOnAccountRemoval belongs to Enabled, and to nothing else',
  );
export type AutoDeployment = z.infer<typeof autoDeployment>;

const tag = z.strictObject({ Key: z.string().min(1).max(128), Value: z.string().min(1).max(256) });
export type Tag = z.infer<typeof tag>;

/** Fields of every request: the StackSet, and the role of the caller. */
const base = z.strictObject({
  StackSetName: z.string().regex(/^[a-zA-Z][-a-zA-Z0-9]*(:[a-f0-9-]{36})?$/),
  CallAs: z.enum(['SELF', 'DELEGATED_ADMIN']).default('SELF'),
});
export type StackSetRequest = z.infer<typeof base>;

const settings = {
  Description: z.string().max(1024).optional(),
  TemplateBody: z.string().min(1).max(51_200),
  Capabilities: list(z.enum(['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'])).default(
    [],
  ),
  PermissionModel: z.enum(['SELF_MANAGED', 'SERVICE_MANAGED']).optional(),
  AutoDeployment: autoDeployment.optional(),
  ManagedExecution: z.strictObject({ Active: flag }).optional(),
};

export const requests = {
  CreateStackSet: base.extend({
    ...settings,
    Tags: list(tag).default([]),
    ClientRequestToken: z.string().optional(),
  }),
  UpdateStackSet: base.extend({
    ...settings,
    // Left out, they are unchanged.
    Tags: list(tag).optional(),
    OperationId: operationId.optional(),
    OperationPreferences: preferences,
  }),
  CreateStackInstances: base.extend({
    Accounts: list(accountId).optional(),
    DeploymentTargets: deploymentTargets.optional(),
    Regions: list(region),
    OperationId: operationId.optional(),
    OperationPreferences: preferences,
  }),
  // Only its refusals are simulated: Terraform sends requests that are refused.
  UpdateStackInstances: base.extend({
    Accounts: list(accountId).optional(),
    ParameterOverrides: list(z.unknown()).optional(),
    Regions: list(region),
    OperationId: operationId.optional(),
    OperationPreferences: preferences,
  }),
  DeleteStackInstances: base.extend({
    Accounts: list(accountId).optional(),
    DeploymentTargets: deploymentTargets.optional(),
    Regions: list(region),
    RetainStacks: flag,
    OperationId: operationId.optional(),
    OperationPreferences: preferences,
  }),
  DeleteStackSet: base,
  DescribeStackSet: base,
  DescribeStackInstance: base.extend({ StackInstanceAccount: accountId, StackInstanceRegion: region }),
  DescribeStackSetOperation: base.extend({ OperationId: operationId }),
  ListStackInstances: base.extend({
    StackInstanceAccount: accountId.optional(),
    StackInstanceRegion: region.optional(),
    MaxResults: count.optional(),
    NextToken: count.optional(),
  }),
  ListStackSetOperationResults: base.extend({
    OperationId: operationId,
    MaxResults: count.optional(),
    NextToken: count.optional(),
  }),
};
export type Requests = { readonly [Name in keyof typeof requests]: z.infer<(typeof requests)[Name]> };

/** @throws ApiError if AWS would refuse the request, NotSimulated if only this simulation does */
export function parseRequest<T>(schema: z.ZodType<T>, call: AwsCall): T {
  const parsed = schema.safeParse(readForm(call.parameters));
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const unknown = issues.find(({ code }) => code === 'unrecognized_keys');
  if (unknown !== undefined) throw new NotSimulated(`${call.operation}: ${unknown.message}`);
  const problems = issues.map(({ path, message }) => `at '${path.join('.')}': ${message}`);
  throw invalid(
    `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected: ${problems.join('; ')}`,
  );
}

/** One page of a list, and the token of the next one. */
export function pageOf<T>(
  items: readonly T[],
  { MaxResults = 100, NextToken = 0 }: { MaxResults?: number | undefined; NextToken?: number | undefined },
) {
  const to = NextToken + MaxResults;
  return {
    Summaries: items.slice(NextToken, to),
    NextToken: to < items.length ? to : undefined,
  };
}
