import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { z } from 'zod';
import { type Credentials, ROLE_ARN } from './document.ts';
import { type ServicePrincipal, stsAs } from './service-principal.ts';

/** A check whether a service may assume a role. */
export interface TrustQuestion {
  readonly roleArn: string;
  /** The role's trust policy, as JSON. */
  readonly trustPolicy: string;
  readonly principal: ServicePrincipal;
}

export type TrustJudge = (question: TrustQuestion) => Promise<boolean>;

export interface RoleRequest {
  /** The caller's account: a role of another account cannot be passed. */
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

/** Assumes automation roles as Systems Manager does: it checks that they trust it, and then makes a call that the proxy sees. */
export class AutomationRoles {
  readonly #endpoints: { readonly proxy: string; readonly upstream: () => string };
  readonly #trusts: TrustJudge;

  constructor(endpoints: { readonly proxy: string; readonly upstream: () => string }, trusts: TrustJudge) {
    this.#endpoints = endpoints;
    this.#trusts = trusts;
  }

  /** @returns undefined if the role does not exist, does not trust Systems Manager for this account, or refuses the call */
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

  /** Read without the proxy: the service does it within AWS, where nobody needs a permission for it. */
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

/** Judges the trust policy alone, including its conditions on the account and the execution of the service. */
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
    throw new Error(`the trust policy of ${roleArn} cannot be evaluated: ${judged.errors.message}`);
  }
  return judged.overallResult === 'Allowed';
};

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
