import type { z } from 'zod';
import type { AwsSession } from '../aws/session.ts';
import type { Change } from '../changes/change.ts';
import type { Json } from '../model/json.ts';
import type { Runbook } from './runbook.ts';

/**
 * IAM actions and what they may touch. Resources and condition values may hold `${partition}`, `${region}`,
 * `${account}`: Terraform fills them in for the role (`*` for the region), the session policy for one job.
 */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** IAM condition block: operator → key → values. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/**
 * For actions that take no resource: only in the job's region. The role, which serves every region, has no use for it,
 * but a session has.
 */
export const inRegion = { StringLike: { 'aws:RequestedRegion': ['${region}'] } } as const;

export interface Permissions {
  /** What `inspect` calls. All that a dry run is given. */
  readonly read: readonly Permission[];
  /** What applying a plan calls. */
  readonly write: readonly Permission[];
  /** What applying the inverses calls. */
  readonly undo: readonly Permission[];
}

/** What `docs/rules.md` says of a rule besides its data: whole sentences, Markdown without line breaks. */
export interface RuleDocumentation {
  /** The benchmark's control that the rule stands for. */
  readonly control: string;
  readonly finds: string;
  readonly changes: string;
  readonly neverTouches: string;
  readonly undo: string;
  /** What AWS charges for what a cure makes. */
  readonly cost?: string;
}

/** What `inspect` found out about one resource. */
export type Inspection<Seen> =
  | {
      readonly state: 'violation';
      /** What was seen: all that `plan` needs, and what evidence keeps. */
      readonly seen: Seen;
      /** The resource's tags, where its type has tags: an exemption may stand there. */
      readonly tags?: Readonly<Record<string, string>>;
      /** What the plan leaves as it is on purpose, and why: part of the outcome's reason. */
      readonly notes?: readonly string[];
    }
  | { readonly state: 'compliant' }
  | { readonly state: 'gone' }
  /** Violates the rule, but AWS would refuse a change just now (being modified, paused, copied): try again later. */
  | { readonly state: 'busy'; readonly reason: string }
  | { readonly state: 'not_applicable'; readonly reason: string };

/** What `plan` gives instead of changes where there is no cure that does only what it should, with the reason. */
export interface NoCure {
  readonly notApplicable: string;
}

/** A rule as its author writes it. `Seen` and `Options` are the rule's own. */
export interface RuleDefinition<Seen extends Json, Options> {
  readonly id: string;
  readonly title: string;
  readonly legacyId: string;
  /** The rule's names in Netskope, every spelling that is known. */
  readonly netskopeRuleNames: readonly string[];
  /** CloudFormation's name of the type: `AWS::EC2::SecurityGroup`. */
  readonly resourceType: string;
  readonly scope: 'regional' | 'global';
  /**
   * `finding` (default): a finding must name its region. `resource`: the resource itself tells its region, and the
   * finding's is only where the work is queued, so `global` is understood as the home region.
   */
  readonly regionFrom?: 'finding' | 'resource';
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  /** The form of a resource's id in a finding. Nothing that does not parse reaches an AWS call. */
  readonly resourceId: z.ZodType<string>;
  /** The rule's own options, with defaults: parsing `{}` gives the defaults. */
  readonly options: z.ZodType<Options>;
  readonly permissions: Permissions;
  /** Where AWS has one. */
  readonly runbook?: Runbook;
  readonly documentation: RuleDocumentation;
  /**
   * Reads many resources of one account and region in as few calls as the API allows. Never writes.
   * @param resources ids that `resourceId` has parsed, each once
   * @returns an entry for every id in `resources`
   */
  inspect(
    session: AwsSession,
    resources: readonly string[],
    options: Options,
  ): Promise<Map<string, Inspection<Seen>>>;
  /** The changes that cure a violation, in the order in which they are to be made. Pure: no clock, no network. */
  plan(resource: string, seen: Seen, options: Options): readonly Change[] | NoCure;
}

/** `inspect` and `plan` of one resource together: an `Inspection`, with the plan where there is a violation. */
export type Assessment =
  | Exclude<Inspection<Json>, { state: 'violation' }>
  | (Extract<Inspection<Json>, { state: 'violation' }> & { readonly plan: readonly Change[] });

/** A rule as the catalogue, the collector and the remediator know it: its types of its own are its own business. */
export interface Rule
  extends Omit<RuleDefinition<Json, unknown>, 'inspect' | 'plan' | 'options' | 'regionFrom'> {
  readonly regionFrom: 'finding' | 'resource';
  readonly options: z.ZodType;
  /**
   * Inspects the resources and plans a cure for each that violates the rule.
   * @param rawOptions the rule's options as its settings hold them; parsed here
   * @throws z.ZodError when the options don't parse
   */
  assess(
    session: AwsSession,
    resources: readonly string[],
    rawOptions: unknown,
  ): Promise<Map<string, Assessment>>;
}

/** Makes a rule of its definition; `definition` keeps the typed form for tests. */
export function defineRule<Seen extends Json, Options>(
  definition: RuleDefinition<Seen, Options>,
): Rule & { readonly definition: RuleDefinition<Seen, Options> } {
  const { inspect, plan, ...facts } = definition;
  return {
    ...facts,
    regionFrom: definition.regionFrom ?? 'finding',
    definition,
    async assess(session, resources, rawOptions) {
      const options = definition.options.parse(rawOptions);
      const inspections = await definition.inspect(session, resources, options);
      const assessments = new Map<string, Assessment>();
      for (const [resource, inspection] of inspections) {
        if (inspection.state !== 'violation') {
          assessments.set(resource, inspection);
          continue;
        }
        const plan = definition.plan(resource, inspection.seen, options);
        assessments.set(
          resource,
          'notApplicable' in plan
            ? { state: 'not_applicable', reason: plan.notApplicable }
            : { ...inspection, plan },
        );
      }
      return assessments;
    },
  };
}
