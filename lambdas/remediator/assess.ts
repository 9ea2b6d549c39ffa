import { errorKind } from '../aws/errors.ts';
import type { AwsSession } from '../aws/session.ts';
import type { Clock } from '../model/clock.ts';
import type { Assessment, Rule } from '../rules/rule.ts';

/** Reads after a write may show the state before it for some seconds (EC2 and IAM are eventually consistent). */
const WAITS_MILLISECONDS = [0, 1_000, 2_000, 4_000];

/**
 * Assesses resources, one call for all of them where the rule can. Where AWS refuses to show one of them, or it
 * is not as the rule expects, the others are still assessed.
 * @returns for each resource its assessment, or the error that AWS answered for it
 */
export async function assessEach(
  rule: Rule,
  session: AwsSession,
  resources: readonly string[],
  options: unknown,
): Promise<Map<string, Assessment | Error>> {
  try {
    const assessments = await rule.assess(session, resources, options);
    return new Map(
      resources.map((resource) => [
        resource,
        assessments.get(resource) ?? new Error(`rule ${rule.id} did not say what it saw of ${resource}`),
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

/**
 * Reads resources back after they were changed, some times if need be, until none violates the rule any more.
 * @returns the last assessment of each
 */
export async function readBack(
  rule: Rule,
  session: AwsSession,
  resources: readonly string[],
  options: unknown,
  clock: Clock,
): Promise<Map<string, Assessment | Error>> {
  const results = new Map<string, Assessment | Error>();
  let pending = resources;
  for (const wait of WAITS_MILLISECONDS) {
    if (pending.length === 0) break;
    if (wait > 0) await clock.sleep(wait);
    for (const [resource, result] of await assessEach(rule, session, pending, options)) {
      results.set(resource, result);
    }
    pending = pending.filter((resource) => {
      const result = results.get(resource);
      return !(result instanceof Error) && result?.state === 'violation';
    });
  }
  return results;
}
