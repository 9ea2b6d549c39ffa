import type { Permission } from './permission.ts';

/** The place in which a document runs, and the resource that it runs for. */
export interface RunPlace {
  readonly resource: string;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** The role that the document assumes. */
  readonly automationRoleArn: string;
}

/** A document, with the values with which it is started. Pure. */
export interface DocumentRun {
  readonly version: string;
  /** Returns the document's name or ARN. */
  documentIn(place: RunPlace): string;
  /** Returns all parameters, including the role if the document takes one. */
  parametersFor(place: RunPlace): Readonly<Record<string, readonly string[]>>;
}

/** A Systems Manager document that remediates some or all of the rule's violations. */
export interface Runbook {
  /** The document's name. In a custom rule, it can be an ARN with placeholders. */
  readonly document: string;
  /** The partitions in which the document exists. */
  readonly partitions: readonly string[];
  /** Returns the document's parameters for one resource, without `AutomationAssumeRole`. Pure. */
  parameters(resource: string): Readonly<Record<string, readonly string[]>>;
  /**
   * The document's start values, in a custom rule. Default: the document's default version, with `parameters` and the
   * role.
   */
  readonly run?: DocumentRun;
  /** The document that undoes the changes, if there is one. */
  readonly undo?: DocumentRun;
  /** Returns the region to run the document in, if it is not the job's region. Pure. */
  regionOf?(resource: string): string;
  /** The calls of the document, which the role that it assumes needs to allow. */
  readonly permissions: readonly Permission[];
  readonly documentation: RunbookDocumentation;
}

/**
 * The texts about a document in `docs/rules.md`, in addition to its data: complete sentences in Markdown without line
 * breaks.
 */
export interface RunbookDocumentation {
  /** URL of AWS's description. */
  readonly reference: string;
  readonly closes: string;
  readonly limits: string;
}

/**
 * Lists the permissions that the role of every document needs in addition to the calls of its steps, according to
 * "Required IAM permissions" in AWS's runbook reference.
 */
export function documentPermissions(document: string): readonly Permission[] {
  const executions = 'arn:${partition}:ssm:${region}:${account}:automation-execution/*';
  return [
    {
      actions: ['ssm:StartAutomationExecution'],
      resources: [
        `arn:\${partition}:ssm:\${region}::document/${document}`,
        `arn:\${partition}:ssm:\${region}:*:automation-definition/${document}:*`,
        executions,
      ],
    },
    { actions: ['ssm:GetAutomationExecution'], resources: [executions] },
  ];
}

/**
 * Returns the region and the ARN pattern of a document's executions for permissions: the job's region, or any region if
 * the resource determines it.
 */
function scopeOf({ regionOf }: Runbook): { readonly region: string; readonly executions: string } {
  const region = regionOf === undefined ? '${region}' : '*';
  return { region, executions: `arn:\${partition}:ssm:${region}:\${account}:automation-execution/*` };
}

/** Returns the permission that a session needs to read the status of an execution. */
export function followPermission(runbook: Runbook): Permission {
  return { actions: ['ssm:GetAutomationExecution'], resources: [scopeOf(runbook).executions] };
}

/** The permission to find executions that may have been started. The action does not support resources. */
export const findPermission: Permission = {
  actions: ['ssm:DescribeAutomationExecutions'],
  resources: ['*'],
};

/** The roles that documents may assume, which the target role may pass: their names end with `-automation`. */
const AUTOMATION_ROLES = 'arn:${partition}:iam::${account}:role/*-automation';

/**
 * Returns a document's ARNs for StartAutomationExecution, in the two forms that AWS's reference lists. The document of
 * a custom rule can belong to AWS, to the account, or, by its ARN, to another account.
 */
function definitionsOf(runbook: Runbook): readonly string[] {
  const { region } = scopeOf(runbook);
  if (runbook.run !== undefined) {
    const name = runbook.document.replaceAll(/\{\{(\w+)\}\}/g, '${$1}');
    const arn = name.startsWith('arn:') ? name : `arn:\${partition}:ssm:${region}:*:document/${name}`;
    return [arn, `${arn.replace(':document/', ':automation-definition/')}:*`];
  }
  return [
    `arn:\${partition}:ssm:${region}::document/${runbook.document}`,
    `arn:\${partition}:ssm:${region}:*:automation-definition/${runbook.document}:*`,
  ];
}

/** Returns the permissions that the target role needs to start a document and to pass a role to it. */
export function startPermissions(runbook: Runbook): readonly Permission[] {
  const { executions } = scopeOf(runbook);
  return [
    { actions: ['ssm:StartAutomationExecution'], resources: definitionsOf(runbook) },
    { actions: ['ssm:StartAutomationExecution', 'ssm:AddTagsToResource'], resources: [executions] },
    {
      actions: ['iam:PassRole'],
      resources: [AUTOMATION_ROLES],
      conditions: { StringEquals: { 'iam:PassedToService': ['ssm.amazonaws.com'] } },
    },
  ];
}

/**
 * Reduces `startPermissions` to the needs of a session, in one statement because STS limits the size of a session
 * policy. This grants nothing further, because no action applies to the resources of another. Only the target role's
 * own policy limits the service to which the role can be passed.
 * @param roleArn the role that is passed
 * @param follow permissions to read executions that were started before
 */
export function sessionStartPermissions(
  runbook: Runbook,
  roleArn: string,
  follow: readonly Permission[],
): readonly Permission[] {
  const { executions } = scopeOf(runbook);
  const onExecutions = follow.filter(({ resources }) => resources.includes(executions));
  return [
    {
      actions: [
        ...onExecutions.flatMap(({ actions }) => actions),
        'ssm:StartAutomationExecution',
        'ssm:AddTagsToResource',
        'iam:PassRole',
      ],
      resources: [...definitionsOf(runbook), executions, roleArn],
    },
    ...follow.filter((each) => !onExecutions.includes(each)),
  ];
}
