import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { z } from 'zod';
import { type Credentials, ROLE_ARN } from './document.ts';
import { type ServicePrincipal, stsAs } from './service-principal.ts';

/** A question whether a role lets a service assume it. */
export interface TrustQuestion {
  readonly roleArn: string;
  /** The role's trust policy, as JSON. */
  readonly trustPolicy: string;
  readonly principal: ServicePrincipal;
}

export type TrustJudge = (question: TrustQuestion) => Promise<boolean>;

export interface RoleRequest {
  /** The caller's account: a role of another account can't be passed. */
  readonly account: string;
  readonly region: string;
  readonly roleArn: string;
  readonly executionId: string;
}

const assumedSchema = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  SessionToken: z.string(),
});

/** Takes on automation roles as Systems Manager does: asks whether they trust it, and then by a call that all see. */
export class AutomationRoles {
  readonly #endpoints: { readonly proxy: string; readonly upstream: () => string };
  readonly #trusts: TrustJudge;

  constructor(endpoints: { readonly proxy: string; readonly upstream: () => string }, trusts: TrustJudge) {
    this.#endpoints = endpoints;
    this.#trusts = trusts;
  }

  /** @returns undefined if the role doesn't exist, doesn't trust Systems Manager for this account, or is refused */
  async assume({ account, region, roleArn, executionId }: RoleRequest): Promise<Credentials | undefined> {
    const trustPolicy = await this.#trustPolicy(account, region, roleArn);
    if (trustPolicy === undefined) return undefined;
    const principal: ServicePrincipal = {
      service: 'ssm.amazonaws.com',
      sourceAccount: account,
      sourceArn: `arn:${partitionOf(region)}:ssm:${region}:${account}:automation-execution/${executionId}`,
    };
    if (!(await this.#trusts({ roleArn, trustPolicy, principal }))) return undefined;
    try {
      const { Credentials } = await stsAs(principal, { endpoint: this.#endpoints.proxy, region }).send(
        new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: `Automation-${executionId}` }),
      );
      const { AccessKeyId, SecretAccessKey, SessionToken } = assumedSchema.parse(Credentials);
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    } catch (error) {
      if (error instanceof Error && error.name === 'AccessDenied') return undefined;
      throw error;
    }
  }

  /** Looked up past the proxy: the service does it within AWS, and no one needs a permission for it. */
  async #trustPolicy(account: string, region: string, roleArn: string): Promise<string | undefined> {
    const name = roleArn.split('/').at(-1);
    const client = new IAMClient({
      endpoint: this.#endpoints.upstream(),
      region,
      credentials: { accessKeyId: account, secretAccessKey: 'simulated' },
    });
    try {
      const { Role } = await client.send(new GetRoleCommand({ RoleName: name }));
      // Of another account, or with another path.
      if (Role?.Arn !== roleArn) return undefined;
      return decodeURIComponent(Role.AssumeRolePolicyDocument ?? '{}');
    } catch (error) {
      if (error instanceof NoSuchEntityException) return undefined;
      throw error;
    }
  }
}

/** Judges by the trust policy alone, its conditions on the account and the execution that the service works for included. */
export const judgeTrustPolicy: TrustJudge = async ({ roleArn, trustPolicy, principal }) => {
  const { service, sourceAccount, sourceArn } = principal;
  const judged = await runSimulation(
    {
      request: {
        principal: service,
        action: 'sts:AssumeRole',
        resource: { resource: roleArn, accountId: ROLE_ARN.exec(roleArn)?.[1] ?? '' },
        contextVariables: { 'aws:SourceAccount': sourceAccount, 'aws:SourceArn': sourceArn },
      },
      identityPolicies: [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: JSON.parse(trustPolicy),
    },
    {},
  );
  if (judged.resultType === 'error') {
    throw new Error(`the trust policy of ${roleArn} can't be judged: ${judged.errors.message}`);
  }
  return judged.overallResult === 'Allowed';
};

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
