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

/** `gone`: there is no such rule, or it is neither what it was nor what was asked for. */
export type Modification = 'done' | 'gone' | 'unmodifiable';

/**
 * Gives a standing inbound rule with a CIDR source other ports or another protocol. Id and tags stay, and so does the
 * description, which is passed along: AWS does not document what happens to one that is left out. A call whose answer
 * was lost is resolved by reading the rule.
 * @param standing the rule as it was read directly before
 * @throws AWS's error when the rule is still as it was, or can't be read
 */
export async function modifyRule(
  session: AwsSession,
  group: string,
  standing: ExistingRule,
  to: IngressRule,
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
    if (now === undefined) return 'gone';
    if (ruleKey(now) === ruleKey({ ...to, source: standing.source })) return 'done';
    if (ruleKey(now) === ruleKey(standing)) throw error;
    return 'gone';
  }
}
