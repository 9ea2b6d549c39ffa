import { type AwsAnswer, type AwsCall, commonErrorAnswer, type Principal } from '../aws-proxy/index.ts';
import { requirementsOf, UnknownCallError } from './call-map.ts';
import { type DenialReason, denialMessage, denialReason } from './denial.ts';
import { accountOf, LocalAwsState, type RolePolicies } from './local-aws.ts';
import { allowedActions, conditionKeys, type PolicyDocument, parsePolicy, withoutAction } from './policy.ts';
import type { ConditionValues, Requirement } from './requirement.ts';
import { simulate } from './simulate.ts';

export interface JudgeOptions {
  /** The local AWS itself, whose policies are evaluated: called when needed, so that the judge can be created first. */
  readonly upstream: () => string;
  /** The organization of each account, `o-…`. Default: none. */
  readonly organizations?: Readonly<Record<string, string>>;
}

/** The verdict on one requirement. */
export interface Verdict extends Requirement {
  /** `arn:aws:sts::111111111111:assumed-role/…` */
  readonly principal: string;
  /** The principal's role, with its path. */
  readonly role: string;
  readonly sessionName: string;
  readonly allowed: boolean;
  /** Reason of a denial. */
  readonly reason?: DenialReason;
}

/** The caller: a session of a role, as the proxy knows it. */
export type RoleSession = Pick<Principal, 'account' | 'roleArn' | 'sessionName' | 'sessionPolicy'> & {
  readonly arn: string;
};

/**
 * The condition keys with known values, from the map or the judge; `…/` stands for tags. A policy with another key would be
 * evaluated wrongly without an error.
 */
const KNOWN_CONDITION_KEYS = [
  'aws:PrincipalAccount',
  'aws:PrincipalArn',
  'aws:PrincipalOrgID',
  'aws:RequestTag/',
  'aws:RequestedRegion',
  'aws:ResourceAccount',
  'aws:ResourceOrgID',
  'aws:ResourceTag/',
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'aws:TagKeys',
  'dynamodb:LeadingKeys',
  'ec2:CreateAction',
  'ec2:Region',
  'ec2:ResourceTag/',
  'events:detail-type',
  'events:source',
  'iam:PassedToService',
  'kms:ViaService',
  's3:ResourceAccount',
  's3:if-none-match',
  'secretsmanager:SecretId',
  'ssm:Recursive',
  'sts:ExternalId',
  'sts:RoleSessionName',
].map((key) => key.toLowerCase());

/**
 * Decides instead of AWS whether a role may make a call: by the policies as deployed in the local AWS, the session policy as
 * sent, and AWS's requirements of the call. Account roots may do everything.
 */
export class PermissionJudge {
  readonly #organizations: Readonly<Record<string, string>>;
  readonly #state: LocalAwsState;
  readonly #roles = new Map<string, Promise<RolePolicies | undefined>>();
  readonly #resourcePolicies = new Map<string, Promise<PolicyDocument | undefined>>();
  readonly #withheld = new Set<{ readonly role: string; readonly action: string }>();
  #verdicts: Verdict[] = [];
  #unknownCalls: string[] = [];

  constructor({ upstream, organizations = {} }: JudgeOptions) {
    this.#organizations = organizations;
    this.#state = new LocalAwsState(upstream);
  }

  /** All verdicts since the start or the last `clear`. */
  get verdicts(): readonly Verdict[] {
    return this.#verdicts;
  }

  get denials(): readonly Verdict[] {
    return this.#verdicts.filter(({ allowed }) => !allowed);
  }

  /** Messages about calls that the map does not contain. */
  get unknownCalls(): readonly string[] {
    return this.#unknownCalls;
  }

  /** Forgets the verdicts. */
  clear(): void {
    this.#verdicts = [];
    this.#unknownCalls = [];
  }

  /** Forgets the policies, which are read once. Needed after a change that allows less. */
  forget(): void {
    this.#roles.clear();
    this.#resourcePolicies.clear();
  }

  /** Judges as if a role's own policies did not contain an action. */
  withhold(role: string, action: string): Disposable {
    const withheld = { role, action };
    this.#withheld.add(withheld);
    return { [Symbol.dispose]: () => this.#withheld.delete(withheld) };
  }

  /**
   * Answers a call that is not allowed as AWS would: for `AwsProxy.intercept`.
   * @throws UnknownCallError for a call by a role that the map does not contain
   */
  readonly intercept = async (call: AwsCall): Promise<AwsAnswer | undefined> => {
    const session = roleSession(call.principal);
    if (session === undefined) return undefined;
    let requirements: readonly Requirement[];
    try {
      requirements = await requirementsOf(call, this.#state);
    } catch (error) {
      if (error instanceof UnknownCallError) this.#unknownCalls.push(error.message);
      throw error;
    }
    for (const requirement of requirements) {
      const verdict = await this.judge(session, requirement);
      if (!verdict.allowed) return commonErrorAnswer(call, 'denied', denialMessage(call, verdict));
    }
    return undefined;
  };

  /** Judges one requirement of a role's session, and records the verdict. */
  async judge(session: RoleSession, requirement: Requirement): Promise<Verdict> {
    let reason = await this.#reasonToDeny(session, requirement);
    if (reason !== undefined) {
      // A policy that is being deployed may allow it by now.
      this.forget();
      reason = await this.#reasonToDeny(session, requirement);
    }
    const verdict: Verdict = {
      ...requirement,
      principal: session.arn,
      role: session.roleArn ?? '',
      sessionName: session.sessionName ?? '',
      allowed: reason === undefined,
      ...(reason !== undefined && { reason }),
    };
    this.#verdicts.push(verdict);
    return verdict;
  }

  /**
   * Reports whether a service may assume a role.
   * @param service `lambda.amazonaws.com`
   * @param conditions the values that the service provides: `aws:SourceAccount`, `aws:SourceArn`
   */
  async trustsService(roleArn: string, service: string, conditions: ConditionValues = {}): Promise<boolean> {
    const role = await this.#role(roleArn);
    if (role === undefined) return false;
    refuseUnknownConditions([role.trust]);
    const { analysis } = await simulate({
      principal: service,
      action: 'sts:AssumeRole',
      resource: roleArn,
      account: accountOf(roleArn),
      conditions,
      identityPolicies: [],
      resourcePolicy: role.trust,
    });
    return analysis.result === 'Allowed';
  }

  /** The deployed policies of a role; undefined if there is no such role. */
  policiesOf(roleArn: string): Promise<RolePolicies | undefined> {
    return this.#role(roleArn);
  }

  /** The actions that a role's own policies allow and that had no verdict, in alphabetical order. */
  async unusedActions(roleArn: string): Promise<string[]> {
    const used = new Set(this.#verdicts.flatMap(({ role, action }) => (role === roleArn ? action : [])));
    const { identity = [] } = (await this.#role(roleArn)) ?? {};
    return allowedActions(identity.map(({ policy }) => policy)).filter((action) => !used.has(action));
  }

  async #reasonToDeny(session: RoleSession, requirement: Requirement): Promise<DenialReason | undefined> {
    const { roleArn } = session;
    const role = roleArn === undefined ? undefined : await this.#role(roleArn);
    const isAssumeRole = requirement.action === 'sts:AssumeRole';
    const assumed = isAssumeRole ? await this.#role(requirement.resource) : undefined;
    // A missing role is refused like one that does not trust the caller.
    if (isAssumeRole && assumed === undefined) return { policy: 'trust', explicit: false };
    if (roleArn === undefined || role === undefined) return { policy: 'identity', explicit: false };

    const resourcePolicy = isAssumeRole ? assumed?.trust : await this.#resourcePolicy(requirement);
    const identityPolicies = role.identity.map(({ name, policy }) => ({
      name,
      policy: this.#visible(roleArn, policy),
    }));
    const sessionPolicy =
      session.sessionPolicy === undefined ? undefined : parsePolicy(session.sessionPolicy);
    refuseUnknownConditions(
      [
        ...identityPolicies.map(({ policy }) => policy),
        role.boundary?.policy,
        sessionPolicy,
        resourcePolicy,
      ].flatMap((policy) => policy ?? []),
    );
    const organization = this.#organizations[session.account];
    const resourceOrganization = this.#organizations[requirement.account];
    const { analysis } = await simulate({
      principal: session.arn,
      action: requirement.action,
      resource: requirement.resource,
      account: requirement.account,
      conditions: {
        ...requirement.conditions,
        'aws:PrincipalAccount': session.account,
        'aws:PrincipalArn': roleArn,
        'aws:userid': `${role.id}:${session.sessionName ?? ''}`,
        ...(organization !== undefined && { 'aws:PrincipalOrgID': organization }),
        ...(resourceOrganization !== undefined && { 'aws:ResourceOrgID': resourceOrganization }),
      },
      identityPolicies,
      ...(sessionPolicy !== undefined && { sessionPolicy }),
      ...(role.boundary !== undefined && { boundary: role.boundary }),
      ...(resourcePolicy !== undefined && { resourcePolicy }),
    });
    return denialReason(requirement, analysis);
  }

  #visible(role: string, policy: PolicyDocument): PolicyDocument {
    return [...this.#withheld].reduce(
      (left, withheld) => (withheld.role === role ? withoutAction(left, withheld.action) : left),
      policy,
    );
  }

  #role(arn: string): Promise<RolePolicies | undefined> {
    return remembered(this.#roles, arn, () => this.#state.role(arn));
  }

  #resourcePolicy({ resource, account }: Requirement): Promise<PolicyDocument | undefined> {
    // An object has its bucket's policy.
    const owner = resource.startsWith('arn:aws:s3:::') ? (resource.split('/')[0] ?? resource) : resource;
    return remembered(this.#resourcePolicies, owner, () => this.#state.resourcePolicy(owner, account));
  }
}

/** Caches the first value that `read` returns. A missing value is not cached. */
function remembered<T>(
  known: Map<string, Promise<T | undefined>>,
  key: string,
  read: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const before = known.get(key);
  if (before !== undefined) return before;
  const reading = read();
  known.set(key, reading);
  reading.catch(() => known.delete(key));
  return reading;
}

function roleSession(principal: Principal): RoleSession | undefined {
  const { arn } = principal;
  return arn?.includes(':assumed-role/') === true ? { ...principal, arn } : undefined;
}

function refuseUnknownConditions(policies: readonly PolicyDocument[]): void {
  for (const key of policies.flatMap(conditionKeys)) {
    const lower = key.toLowerCase().replace(/\/.*$/, '/');
    if (!KNOWN_CONDITION_KEYS.includes(lower)) {
      throw new Error(
        `a policy has the condition key ${key}, whose value test/lab/permissions does not know`,
      );
    }
  }
}
