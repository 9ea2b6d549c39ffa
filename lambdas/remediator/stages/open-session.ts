import { describeAssumeRoleError } from '../../aws/assume-role-error.ts';
import { errorKind, isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Finding } from '../../model/finding.ts';
import { pollId } from '../../model/job.ts';
import type { Permission } from '../../rules/permission.ts';
import { followPermission, sessionStartPermissions } from '../../rules/runbook.ts';
import type { Access } from '../action.ts';
import { askOnce } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import { hasExecutions } from '../runbooks/follow.ts';
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
 * to be made, or, where an attempt was cut off, both.
 */
function permissionsFor(
  findings: readonly Finding[],
  work: ConfiguredWork,
  access: Access,
): readonly Permission[] {
  const { job, rule, runbook, ports, journal } = work;
  const { read, write } = rule.permissions;
  const isFollowed = hasExecutions(findings, work);
  const follow = rule.runbook !== undefined && isFollowed ? [followPermission(rule.runbook)] : [];
  if (access === 'read') return [...read, ...follow];
  if (runbook === undefined) return [...read, ...follow, ...write];
  const isBegun = ({ resource }: Finding): boolean => journal.earlierPlan(resource) !== undefined;
  const role = ports.automationRoleArn(job.account);
  return [
    ...read,
    ...(findings.every(isBegun) ? follow : sessionStartPermissions(runbook, role, isFollowed)),
    ...(findings.some(isBegun) ? write : []),
  ];
}
