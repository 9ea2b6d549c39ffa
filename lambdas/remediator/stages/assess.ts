import { errorKind } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Assessment, Rule } from '../../rules/rule.ts';

/** The assessment of each resource, or the error that AWS answered for it. */
export type Assessments = ReadonlyMap<string, Assessment | Error>;

/**
 * Assesses resources, one call for all of them where the rule can. Where AWS refuses to show one of them, or it
 * is not as the rule expects, the others are still assessed.
 */
export async function assessEach(
  rule: Rule,
  session: AwsSession,
  resources: readonly string[],
  options: unknown,
): Promise<Assessments> {
  try {
    const assessments = await rule.assess(session, resources, options);
    return new Map(
      resources.map((resource) => [
        resource,
        assessments.get(resource) ?? new Error(`rule ${rule.id} did not report what it saw of ${resource}`),
      ]),
    );
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
    // One by one it would be no better, and more calls make it worse.
    if (resources.length === 1 || errorKind(error) === 'unavailable') {
      return new Map(resources.map((resource) => [resource, error]));
    }
    const results = new Map<string, Assessment | Error>();
    for (const resource of resources) {
      for (const [id, result] of await assessEach(rule, session, [resource], options))
        results.set(id, result);
    }
    return results;
  }
}

/** Tags of the resources of which they were read, by resource: of those that violate the rule. */
export function tagsOf(assessments: Assessments): ReadonlyMap<string, Readonly<Record<string, string>>> {
  return new Map(
    [...assessments].flatMap(([resource, assessment]) =>
      'tags' in assessment && assessment.tags !== undefined ? [[resource, assessment.tags]] : [],
    ),
  );
}
