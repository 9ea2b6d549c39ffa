import type { AwsSession } from '../../aws/session.ts';
import type { CustomRule } from '../../model/custom-rule.ts';
import type { Json } from '../../model/json.ts';
import type { RuleFacts } from '../facts.ts';
import { defineRule, type Inspection, type Rule } from '../rule.ts';
import { fill } from './placeholders.ts';
import { readTags } from './read-tags.ts';

type Unread = Extract<Inspection<Record<string, Json>>, { state: 'violation' }>;

/**
 * Creates a rule whose violations only the source can detect. At most, it reads the resource's tags. The document's
 * effect shows in the source's next scan.
 */
export function runbookRule(facts: RuleFacts, { runbook, risk, scope }: CustomRule): Rule {
  const resourceArn = runbook?.resource_arn;
  const risks = risk === '' ? [] : [risk];
  const unread: Unread = { state: 'violation', seen: {}, isUnread: true, notes: risks };
  const unexempted = 'its tags are not read and cannot exempt it, because the rule has no resource_arn';

  /** Reads the resources' tags. @throws AWS's own error if tags can't be read, in which case nothing is started */
  async function withTags(session: AwsSession, resources: readonly string[], arnOf: string) {
    const { account, region, partition } = session;
    const arns = new Map(
      resources.map((resource) => [resource, fill(arnOf, { resource, account, region, partition })]),
    );
    const tags = await readTags(session, [...new Set(arns.values())], scope === 'global');
    return new Map(
      [...arns].map(([resource, arn]): [string, Unread] => [
        resource,
        { ...unread, tags: tags.get(arn) ?? {} },
      ]),
    );
  }

  return defineRule<Record<string, Json>, unknown>(facts, {
    inspect: async (session, resources) =>
      resourceArn === undefined
        ? new Map(resources.map((resource) => [resource, { ...unread, notes: [...risks, unexempted] }]))
        : withTags(session, resources, resourceArn),
    plan: () => [],
  });
}
