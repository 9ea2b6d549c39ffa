import { errorKind, isAnswerLost, isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { afterLostAnswer } from '../after-lost-answer.ts';
import type { ExistingRule, IngressRule } from './ingress-rule.ts';
import { ruleKey } from './ingress-rule.ts';
import { portsOf } from './permission.ts';
import { readRulesOf } from './read.ts';
import { GONE_ERRORS } from './revoke.ts';

/**
 * EC2's error codes for a modification that it does not support, as opposed to missing permissions: another rule
 * already has these ports and this source, or EC2 does not modify this rule in this way. EC2 documents that the type of
 * a rule can't be changed (for example, from an IPv4 block to an IPv6 block), which is not requested here. Protocol,
 * ports, and description can be changed.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRuleRequest.html
 */
const UNMODIFIABLE_ERRORS = [
  'InvalidPermission.Duplicate',
  'InvalidParameterCombination',
  'InvalidParameterValue',
  'OperationNotPermitted',
  'UnsupportedOperation',
] as const;

/** Result of a modification. `gone`: AWS reports that the rule does not exist. */
export type Modification = 'done' | 'gone' | 'unmodifiable';

/**
 * Changes the ports or the protocol of an existing inbound rule with a CIDR source. The id, the tags, and the
 * description remain. The description is sent too, because AWS does not document the effect of omitting it.
 *
 * If the call is not answered, only a read that is certainly newer than the one before the call determines the result:
 * a read from before the rule was widened shows it as gone, or as already shrunk.
 * @param standing the rule, read immediately before the call
 * @param made rules that were just added: EC2 never reuses an id, so a read that shows one of them is newer
 * @throws AWS's error if the call was not answered and no read proves that the rule was changed
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
    // Ports are only sent for protocols that have them: see AWS's examples of `modify-security-group-rules`.
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
