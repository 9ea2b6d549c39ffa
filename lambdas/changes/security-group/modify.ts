import { errorKind, isAnswerLost, isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { afterLostAnswer } from '../after-lost-answer.ts';
import type { ExistingRule, IngressRule } from './ingress-rule.ts';
import { ruleKey } from './ingress-rule.ts';
import { portsOf } from './permission.ts';
import { readRulesOf } from './read.ts';
import { GONE_ERRORS } from './revoke.ts';

/**
 * The codes by which EC2 refuses what the request asks of a rule, and not who asks: another rule has those ports and
 * source already, or it does not modify this rule in this way. It documents that a rule's type can't be changed (from
 * an IPv4 block to an IPv6 block, say), which is not asked for here; protocol, ports and description can.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRuleRequest.html
 */
const UNMODIFIABLE_ERRORS = [
  'InvalidPermission.Duplicate',
  'InvalidParameterCombination',
  'InvalidParameterValue',
  'OperationNotPermitted',
  'UnsupportedOperation',
] as const;

/** `gone`: AWS answers that there is no such rule. */
export type Modification = 'done' | 'gone' | 'unmodifiable';

/**
 * Changes the ports or the protocol of an existing inbound rule with a CIDR source. Id and tags stay, and so does the
 * description, which is passed along: AWS does not document what happens to one that is left out.
 *
 * A call whose answer was lost is resolved by a read only where that can't be older than the look before it: a read from
 * before the rule was widened shows it as gone, or as it was to become.
 * @param standing the rule as it was read directly before
 * @param made rules that were added just before: EC2 gives an id once, so a read that shows one of them is later
 * @throws AWS's error when its answer was lost, and no read proves that the rule is as asked for
 */
export async function modifyRule(
  session: AwsSession,
  group: string,
  standing: ExistingRule,
  to: IngressRule,
  made: readonly ExistingRule[] = [],
): Promise<Modification> {
  const { EC2Client, ModifySecurityGroupRulesCommand } = await import('../../aws/ec2.ts');
  const SecurityGroupRule = {
    // A protocol without ports takes none: see AWS's examples of `modify-security-group-rules`.
    ...portsOf(to),
    ...(standing.source.includes(':') ? { CidrIpv6: standing.source } : { CidrIpv4: standing.source }),
    ...(standing.description !== '' && { Description: standing.description }),
  };
  try {
    await session.client(EC2Client).send(
      new ModifySecurityGroupRulesCommand({
        GroupId: group,
        SecurityGroupRules: [{ SecurityGroupRuleId: standing.id, SecurityGroupRule }],
      }),
    );
    return 'done';
  } catch (error) {
    if (isAwsError(error, ...GONE_ERRORS)) return 'gone';
    if (errorKind(error) === 'refused' && isAwsError(error, ...UNMODIFIABLE_ERRORS)) return 'unmodifiable';
    if (!isAnswerLost(error)) throw error;
    const rules = await afterLostAnswer(error, () => readRulesOf(session, group));
    const now = rules.find(({ id }) => id === standing.id);
    const isLater = made.some((rule) => rules.some(({ id }) => id === rule.id));
    const isAsAsked = now !== undefined && ruleKey(now) === ruleKey({ ...to, source: standing.source });
    if (isLater && isAsAsked) return 'done';
    throw error;
  }
}
