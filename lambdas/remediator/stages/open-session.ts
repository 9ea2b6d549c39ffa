import { describeAssumeRoleError } from '../../aws/assume-role-error.ts';
import { errorKind, isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Finding } from '../../model/finding.ts';
import { pollId } from '../../model/job.ts';
import type { Permission } from '../../rules/permission.ts';
import { findPermission, followPermission, sessionStartPermissions } from '../../rules/runbook.ts';
import type { Access } from '../action.ts';
import { askOnce } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import { hasLostStarts } from '../runbooks/follow.ts';
import { conclude, type Verdict } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';

/** The target role can't be assumed: AWS refuses it, or is known to. */
interface Refusal {
  /** The verdict on all findings. */
  readonly refused: Verdict;
  /** True where the role is missing in the account, or does not trust the remediator. */
  readonly isRoleMissing: boolean;
  /** False where another job of the poll has looked, so that nothing was asked for. */
  readonly wasAsked: boolean;
}

/**
 * Opens a session in the job's account, narrowed to what the rule needs.
 * @param access `read`: the credentials themselves can't change anything
 * @param mustAsk True where something may have to be taken back: then the role is asked for though it is known to be missing.
 * @returns the session, or the verdict on all findings where AWS refuses one
 */
export async function openSession(
  findings: readonly Finding[],
  work: ConfiguredWork,
  access: Access,
  mustAsk: boolean,
): Promise<{ readonly session: AwsSession } | Refusal> {
  const { account, region, poll } = work.job;
  const { scope, regionFrom } = work.rule;
  const inAnyRegion = scope === 'global' || regionFrom === 'resource';
  const mayAsk = mustAsk || (await work.role.claimProbe());
  const missing = await askOnce(gatesAt('beforeSession'), findings, { ...work, mayAsk });
  if (missing !== undefined) return { refused: missing, isRoleMissing: true, wasAsked: false };
  const permissions = permissionsFor(findings, work, access);
  try {
    const request = { account, region, name: pollId(poll), inAnyRegion, permissions };
    return { session: await work.ports.openSession(request) };
  } catch (error) {
    if (errorKind(error) !== 'refused') throw error;
    const reason = describeAssumeRoleError(error, account, region);
    const isRoleMissing = isAwsError(error, 'AccessDenied');
    const gate = isRoleMissing ? { gate: 'role' as const } : {};
    return {
      refused: conclude('failed', { willRetry: true, ...gate, reason }),
      isRoleMissing,
      wasAsked: true,
    };
  }
}

/**
 * Lists the permissions of the session. A job by a runbook starts executions, or makes the calls that ended ones left
 * to be made, or, where an attempt was cut off, both. What an execution left open that is only found now is left to the next
 * look, so that one session need not hold everything: STS limits a session policy's text.
 */
function permissionsFor(
  findings: readonly Finding[],
  work: ConfiguredWork,
  access: Access,
): readonly Permission[] {
  const { job, rule, runbook, ports, journal } = work;
  const { read, write } = rule.permissions;
  const isStarted = ({ resource }: Finding): boolean => journal.execution(resource) !== undefined;
  const isLost = (finding: Finding): boolean => !isStarted(finding) && hasLostStarts([finding], work);
  const isBegun = (finding: Finding): boolean =>
    journal.earlierPlan(finding.resource) !== undefined && !isLost(finding);
  const mayFind = findings.some(isLost) && !(access === 'write' && findings.some(isBegun));
  const isFollowed = mayFind || findings.some(isStarted);
  const follow =
    rule.runbook !== undefined && isFollowed
      ? [followPermission(rule.runbook), ...(mayFind ? [findPermission] : [])]
      : [];
  if (access === 'read') return [...read, ...follow];
  if (runbook === undefined) return [...read, ...follow, ...write];
  const role = ports.automationRoleArn(job.account);
  return [
    ...read,
    ...(findings.every(isStarted) ? follow : sessionStartPermissions(runbook, role, follow)),
    ...(findings.some(isBegun) ? write : []),
  ];
}
