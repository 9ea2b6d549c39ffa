import type { z } from 'zod';
import type { AwsSession } from '../aws/session.ts';
import type { Change } from '../changes/change.ts';
import type { Json } from '../model/json.ts';
import type { RuleFacts } from './facts.ts';

/** State of a resource that its plan depends on, but that its changes do not read immediately before they write. */
export interface Rest {
  /** The state when the plan was made. */
  readonly seen: Json;
  /** Reads the state again. */
  again(): Promise<Json | undefined>;
}

/** The result of inspecting one resource. */
export type Inspection<Seen> =
  | {
      readonly state: 'violation';
      /** The observed state: everything that `plan` needs, and what the evidence contains. */
      readonly seen: Seen;
      /** The resource's tags, if its type has tags, because they may contain an exemption. */
      readonly tags?: Readonly<Record<string, string>>;
      /** Set if each part that violates the rule is exempt by its own tag. `tags` then contains such a tag. */
      readonly isExemptInParts?: true;
      /** State that the changes do not read themselves. Only for rules that need several calls per resource. */
      readonly rest?: Rest;
      /** Set if the resource is not read, so that only the source's next scan shows whether it violates the rule. */
      readonly isUnread?: true;
      /** Parts that the plan deliberately leaves unchanged, and why; part of the outcome's reason. */
      readonly notes?: readonly string[];
    }
  | {
      readonly state: 'compliant';
      /** Observations that the rule does not judge and that people may want to know; part of the outcome's reason. */
      readonly notes?: readonly string[];
    }
  | { readonly state: 'gone' }
  /**
   * The resource violates the rule, but AWS would refuse a change now (for example while it is being modified), so the
   * change is attempted again later.
   */
  | { readonly state: 'busy'; readonly reason: string }
  | {
      readonly state: 'not_applicable';
      readonly reason: string;
      /** True if the resource violates the rule, but no change can fix it without side effects. */
      readonly violates?: true;
    };

/** The result of `plan` if there is no fix without side effects, with the reason. */
export interface NoFix {
  readonly notApplicable: string;
}

/** The code of a rule, with the types of its observed state and its options. */
export interface RuleCode<Seen extends Json, Options> {
  /**
   * Reads many resources of one account and region in as few calls as the API allows. Never writes.
   * @param resources ids that `resourceId` has parsed, without duplicates
   * @returns an entry for every id in `resources`
   */
  inspect(
    session: AwsSession,
    resources: readonly string[],
    options: Options,
  ): Promise<Map<string, Inspection<Seen>>>;
  /**
   * Returns the changes that remediate a violation, in the order in which they must be applied. Pure: uses no clock and
   * no network.
   */
  plan(resource: string, seen: Seen, options: Options): readonly Change[] | NoFix;
}

/**
 * The combined result of `inspect` and `plan` for one resource: an `Inspection`, with a plan if there is a violation.
 */
export type Assessment =
  | Exclude<Inspection<Json>, { state: 'violation' }>
  | (Extract<Inspection<Json>, { state: 'violation' }> & { readonly plan: readonly Change[] });

/** A rule as the remediator uses it, without the types of its state and options. */
export interface Rule extends Omit<RuleFacts, 'regionFrom'> {
  readonly regionFrom: 'finding' | 'resource';
  /**
   * Inspects the resources and plans a fix for each that violates the rule.
   * @param rawOptions the rule's options from its settings, which this function parses
   * @throws z.ZodError if the options are invalid
   */
  assess(
    session: AwsSession,
    resources: readonly string[],
    rawOptions: unknown,
  ): Promise<Map<string, Assessment>>;
}

/** Creates a rule from its facts and its code. `code` keeps the typed form for tests. */
export function defineRule<Seen extends Json, Options>(
  facts: RuleFacts<Options>,
  code: RuleCode<Seen, Options>,
): Rule & { readonly code: RuleCode<Seen, Options>; readonly options: z.ZodType<Options> } {
  return {
    ...facts,
    regionFrom: facts.regionFrom ?? 'finding',
    code,
    async assess(session, resources, rawOptions) {
      const options = facts.options.parse(rawOptions);
      const inspections = await code.inspect(session, resources, options);
      const assessments = new Map<string, Assessment>();
      for (const [resource, inspection] of inspections) {
        if (inspection.state !== 'violation') {
          assessments.set(resource, inspection);
          continue;
        }
        const plan = code.plan(resource, inspection.seen, options);
        assessments.set(
          resource,
          'notApplicable' in plan
            ? { state: 'not_applicable', reason: plan.notApplicable, violates: true }
            : { ...inspection, plan },
        );
      }
      return assessments;
    },
  };
}
