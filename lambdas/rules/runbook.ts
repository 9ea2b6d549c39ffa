import type { Permission } from './permission.ts';

/** Place that a document runs in, and for what. */
export interface RunPlace {
  readonly resource: string;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** The role that it works as. */
  readonly automationRoleArn: string;
}

/** A document, with all that it is started with. Pure. */
export interface DocumentRun {
  readonly version: string;
  /** Name or ARN. */
  documentIn(place: RunPlace): string;
  /** All parameters, the role among them where the document takes one. */
  parametersFor(place: RunPlace): Readonly<Record<string, readonly string[]>>;
}

/** A Systems Manager document that remediates the rule's violations, more or less. */
export interface Runbook {
  /** A name; of one that is declared, it may be an ARN with placeholders. */
  readonly document: string;
  /** The partitions that have it. */
  readonly partitions: readonly string[];
  /** The document's own parameters for one resource, without `AutomationAssumeRole`. Pure. */
  parameters(resource: string): Readonly<Record<string, readonly string[]>>;
  /** Start of a document that is declared. Default: its default version, with `parameters` and the role. */
  readonly run?: DocumentRun;
  /** The document that undoes what it does, where there is one. */
  readonly undo?: DocumentRun;
  /** The region to run it in, where that is not the job's. Pure. */
  regionOf?(resource: string): string;
  /** Calls of the document, as the role that it is given. */
  readonly permissions: readonly Permission[];
  readonly documentation: RunbookDocumentation;
}

/** The texts about a document in `docs/rules.md`, in addition to its data: whole sentences, Markdown without line breaks. */
export interface RunbookDocumentation {
  /** Address of AWS's description. */
  readonly reference: string;
  readonly closes: string;
  readonly limits: string;
}

/**
 * Lists the permissions that AWS's runbook reference asks of every document's role in addition to the calls of its steps:
 * "Required IAM permissions" of each of them lists these two.
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
 * Names the region of a document's executions, as its permissions do: the job's region, or the resource's, whichever
 * that is.
 */
function scopeOf({ regionOf }: Runbook): { readonly region: string; readonly executions: string } {
  const region = regionOf === undefined ? '${region}' : '*';
  return { region, executions: `arn:\${partition}:ssm:${region}:\${account}:automation-execution/*` };
}

/** Returns the permission that a session needs to read the status of an execution. */
export function followPermission(runbook: Runbook): Permission {
  return { actions: ['ssm:GetAutomationExecution'], resources: [scopeOf(runbook).executions] };
}

/** Returns the permission to find executions that may have been started. AWS's action supports no resources. */
export const findPermission: Permission = {
  actions: ['ssm:DescribeAutomationExecutions'],
  resources: ['*'],
};

/** The role that documents work as is called `<name>-automation`: what the target role may pass. */
const AUTOMATION_ROLES = 'arn:${partition}:iam::${account}:role/*-automation';

/**
 * The document, as StartAutomationExecution asks for it: the two forms that AWS's reference names. One that is declared may be
 * AWS's or the account's own, or another account's, which its ARN names.
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

/** Returns the permissions that the target role needs to start a document and pass a role to it. */
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
 * Reduces `startPermissions` to what a session needs, in one statement because STS limits a session policy's text: no
 * action takes the resources of another. To which service the role may be passed, only the target role's own policy
 * says.
 * @param roleArn the role that is passed
 * @param follow what the session needs to look at executions that were started before
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
