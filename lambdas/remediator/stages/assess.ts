import { asError, errorKind } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Assessment, Rule } from '../../rules/rule.ts';

/** The assessment of each resource, or AWS's error for it. */
export type Assessments = ReadonlyMap<string, Assessment | Error>;

/**
 * Assesses resources together. If that fails, they are assessed one by one, so that a resource that AWS denies, or that
 * is not as the rule expects, does not affect the others.
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
        assessments.get(resource) ?? new Error(`rule ${rule.id} returned no assessment of ${resource}`),
      ]),
    );
  } catch (thrown) {
    const error = asError(thrown);
    // Separate calls would fail as well, and add load.
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

/** Returns the tags of the resources that violate the rule, if they were read, by resource. */
export function tagsOf(assessments: Assessments): ReadonlyMap<string, Readonly<Record<string, string>>> {
  return new Map(
    [...assessments].flatMap(([resource, assessment]) =>
      'tags' in assessment && assessment.tags !== undefined ? [[resource, assessment.tags]] : [],
    ),
  );
}
