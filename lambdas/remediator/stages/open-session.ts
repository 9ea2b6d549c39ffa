import { describeAssumeRoleError } from '../../aws/assume-role-error.ts';
import { errorKind, isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import type { Finding } from '../../model/finding.ts';
import { journalId, pollId } from '../../model/job.ts';
import type { Permission } from '../../rules/permission.ts';
import { findPermission, followPermission, sessionStartPermissions } from '../../rules/runbook.ts';
import type { Access } from '../action.ts';
import { askOnce } from '../gates/gate.ts';
import { gatesAt } from '../gates/index.ts';
import { modes } from '../modes.ts';
import { hasLostStarts } from '../runbooks/follow.ts';
import { conclude, type Verdict } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';

/** Result if the target role can't be assumed: AWS refused it, now or in another job of the poll. */
interface Refusal {
  /** The verdict on all findings. */
  readonly refused: Verdict;
  /** True if the role is missing in the account, or does not trust the remediator. */
  readonly isRoleMissing: boolean;
  /** False if AWS was not called, because another job of the poll had already checked. */
  readonly wasAsked: boolean;
}

/** A session that is opened before it is known whether it is needed. */
export interface SessionAhead {
  readonly access: Access;
  readonly opening: Promise<AwsSession>;
}

/**
 * Opens the session that a job probably needs, while the data for the gates is still being read. Returns undefined if
 * the rule is off, the role is known to be missing, an earlier attempt planned something, or all findings wait for a
 * later poll.
 */
export function openAhead(findings: readonly Finding[], work: ConfiguredWork): SessionAhead | undefined {
  const { mode, memory, role, journal } = work;
  const isNew = findings.every(({ resource }) => journal.earlierPlan(resource) === undefined);
  const mayLook = findings.some(({ resource }) => !memory.mayWait(resource));
  if (mode === 'off' || !isNew || !mayLook || role.missingSince !== undefined) return undefined;
  const { access } = modes[mode];
  const opening = open(findings, work, access);
  // If the session is not needed, nothing awaits it, and an error must not be unhandled.
  opening.catch(() => undefined);
  return { access, opening };
}

/**
 * Opens a session in the job's account, limited to the permissions that the rule needs.
 * @param access `read`: the credentials do not allow changes
 * @param mustAsk true if a partial change may have to be taken back: the role is then requested even if it is known to
 *   be missing
 * @param ahead the session that was opened ahead, if any
 * @returns the session, or the verdict on all findings if AWS refuses it
 */
export async function openSession(
  findings: readonly Finding[],
  work: ConfiguredWork,
  access: Access,
  mustAsk: boolean,
  ahead?: SessionAhead,
): Promise<{ readonly session: AwsSession } | Refusal> {
  const { account, region } = work.job;
  const mayAsk = mustAsk || (await work.role.claimProbe());
  const missing = await askOnce(gatesAt('beforeSession'), findings, { ...work, mayAsk });
  if (missing !== undefined) return { refused: missing, isRoleMissing: true, wasAsked: false };
  try {
    return { session: await (ahead?.access === access ? ahead.opening : open(findings, work, access)) };
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

async function open(findings: readonly Finding[], work: ConfiguredWork, access: Access): Promise<AwsSession> {
  const { account, region, poll } = work.job;
  const { scope, regionFrom } = work.rule;
  const inAnyRegion = scope === 'global' || regionFrom === 'resource';
  const permissions = permissionsFor(findings, work, access);
  const maker = journalId(work.job);
  return work.ports.openSession({ account, region, name: pollId(poll), maker, inAnyRegion, permissions });
}

/**
 * Lists the permissions of the session. A job with a runbook starts executions, or makes the calls that remain after
 * executions have ended, or both if an attempt was interrupted. A finding that an execution is only now seen to have
 * left open waits for the next job, so that one session does not need all permissions: STS limits the length of a
 * session policy.
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
  // The execution of an earlier poll may still be running.
  const startAnd = isFollowed ? follow : [followPermission(runbook)];
  return [
    ...read,
    ...(findings.every(isStarted) ? follow : sessionStartPermissions(runbook, role, startAnd)),
    ...(findings.some(isBegun) ? write : []),
  ];
}
