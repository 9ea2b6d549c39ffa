import type { Permission } from './rule.ts';

/** A managed Systems Manager document that cures the rule's violations, more or less. */
export interface Runbook {
  readonly document: string;
  /** The partitions that have it. */
  readonly partitions: readonly string[];
  /** The document's own parameters for one resource, without `AutomationAssumeRole`. Pure. */
  parameters(resource: string): Readonly<Record<string, readonly string[]>>;
  /** The region to run it in, where that is not the job's. Pure. */
  regionOf?(resource: string): string;
  /** What the document calls, as the role that it is given. */
  readonly permissions: readonly Permission[];
}

/**
 * What AWS's runbook reference asks of every document's role besides the calls of its steps: "Required IAM permissions"
 * of each of them lists these two.
 */
export function documentPermission(document: string): Permission {
  return {
    actions: ['ssm:GetAutomationExecution', 'ssm:StartAutomationExecution'],
    resources: [
      `arn:\${partition}:ssm:\${region}::document/${document}`,
      `arn:\${partition}:ssm:\${region}:*:automation-definition/${document}:*`,
      'arn:${partition}:ssm:${region}:${account}:automation-execution/*',
    ],
  };
}

/** What a session needs to start a document, follow it, and pass it its role; `*-automation` is what the role is called. */
export function startPermissions({ document, regionOf }: Runbook): readonly Permission[] {
  const region = regionOf === undefined ? '${region}' : '*';
  const executions = `arn:\${partition}:ssm:${region}:\${account}:automation-execution/*`;
  return [
    {
      actions: ['ssm:StartAutomationExecution'],
      resources: [
        `arn:\${partition}:ssm:${region}::document/${document}`,
        `arn:\${partition}:ssm:${region}:*:automation-definition/${document}:*`,
        executions,
      ],
    },
    { actions: ['ssm:AddTagsToResource', 'ssm:GetAutomationExecution'], resources: [executions] },
    {
      actions: ['iam:PassRole'],
      resources: ['arn:${partition}:iam::${account}:role/*-automation'],
      conditions: { StringEquals: { 'iam:PassedToService': ['ssm.amazonaws.com'] } },
    },
  ];
}
