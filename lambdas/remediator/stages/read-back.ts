import type { AwsSession } from '../../aws/session.ts';
import type { Clock } from '../../model/clock.ts';
import type { Finding } from '../../model/finding.ts';
import type { Assessment, Rule } from '../../rules/rule.ts';
import type { Access } from '../action.ts';
import { type PlannedFix, reasonOf, type Violation } from '../planned-fix.ts';
import type { Ending } from '../runbooks/follow.ts';
import { conclude, type Verdict, verdictOfError, wait, withDetails } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';
import { type Assessments, assessEach } from './assess.ts';
import { judgeEffects, readEffects } from './effects.ts';

/** Pauses before each read: most reads show a write within seconds. */
const WAITS_MILLISECONDS = [0, 1_000, 2_000, 4_000] as const;

/**
 * Time after which a resource that still reads as a violation counts as not changed. AWS's reads may be minutes out of
 * date (EC2: "Eventual consistency in the Amazon EC2 API"; S3 recommends waiting 15 minutes after some bucket settings);
 * an hour is well above that.
 */
const LONGEST_LAG_MILLISECONDS = 3_600_000;

/** Reads changed resources back. @returns the verdict on each finding */
export async function readBack(
  session: AwsSession,
  changed: readonly PlannedFix[],
  work: ConfiguredWork,
): Promise<Map<string, Verdict>> {
  const { rule, settings, ports } = work;
  const resources = changed.map(({ finding }) => finding.resource);
  const findings = changed.map(({ finding }) => finding);
  const begunAt = ports.clock.now();
  const [results, beside] = await Promise.all([
    readUntilSeen(rule, session, resources, settings.options, ports.clock),
    readEffects(session, findings, work),
  ]);
  // If reading back took a while, AWS may report more by now.
  const isOld = ports.clock.now() - begunAt >= WAITS_MILLISECONDS[1];
  const effects = judgeEffects(isOld ? await readEffects(session, findings, work) : beside, results);
  return new Map(
    changed.map((fix) => {
      const { resource } = fix.finding;
      return [resource, verdictOf(fix, results.get(resource), effects.get(resource))];
    }),
  );
}

function verdictOf(
  { finding, notes, details }: PlannedFix,
  result: Assessment | Error | undefined,
  effects: Verdict | Error | undefined,
): Verdict {
  const unread = 'the changes were made, but the resource could not be read back: ';
  if (result === undefined || result instanceof Error) return verdictOfError(result, details, unread);
  if (result.state === 'busy') return wait(result.reason, details);
  if (effects instanceof Error) return verdictOfError(effects, details, unread);
  if (effects !== undefined) return withDetails(effects, details);
  if (isViolated(result)) return wait(lagWords(finding), details);
  return conclude('remediated', { ...details, ...reasonOf([...new Set([...notes, ...notesOf(result)])]) });
}

const isViolated = (result: Assessment): boolean =>
  (result.state === 'violation' && result.isExemptInParts !== true) ||
  (result.state === 'not_applicable' && result.violates === true);

/** Lists a rule's notes on a resource without a violation that remains to be fixed. */
function notesOf(result: Assessment): readonly string[] {
  if (result.state === 'not_applicable') return [result.reason];
  return 'notes' in result ? (result.notes ?? []) : [];
}

/**
 * Determines the verdict on a resource that this job has changed, if only exempt parts of it still violate the rule.
 */
export function verdictOfExemptRest(
  { resource }: Finding,
  { isExemptInParts, notes = [] }: Violation,
  { journal }: Pick<ConfiguredWork, 'journal'>,
): Verdict | undefined {
  if (isExemptInParts !== true || !journal.hasApplied(resource)) return undefined;
  return conclude('remediated', reasonOf(notes));
}

/**
 * Assesses resources whose findings are pending. An attempt that changes nothing announces its outcomes in the
 * meantime.
 */
export function assessPending(
  session: AwsSession,
  resources: readonly string[],
  endings: ReadonlyMap<string, Ending>,
  access: Access,
  work: ConfiguredWork,
): Promise<Assessments> {
  const reading = readPending(session, resources, endings, work);
  return access === 'read' && resources.length > 0 ? work.log.announceWhile(reading) : reading;
}

/**
 * Reads resources whose findings are pending. After a runbook has ended successfully, stale reads may still show the
 * violation for seconds. The function waits for these, so that no direct calls are planned for violations that the
 * runbook has fixed.
 */
async function readPending(
  session: AwsSession,
  resources: readonly string[],
  endings: ReadonlyMap<string, Ending>,
  { rule, settings, ports }: ConfiguredWork,
): Promise<Assessments> {
  const changed = resources.filter((resource) => endings.get(resource)?.status === 'Success');
  const others = resources.filter((resource) => !changed.includes(resource));
  const seen = await readUntilSeen(rule, session, changed, settings.options, ports.clock);
  if (others.length === 0) return seen;
  return new Map([...seen, ...(await assessEach(rule, session, others, settings.options))]);
}

/** Reads resources, several times if necessary, until none violates the rule. */
async function readUntilSeen(
  rule: Rule,
  session: AwsSession,
  resources: readonly string[],
  options: unknown,
  clock: Clock,
): Promise<Assessments> {
  const results = new Map<string, Assessment | Error>();
  let pending = resources;
  for (const milliseconds of WAITS_MILLISECONDS) {
    if (pending.length === 0) break;
    if (milliseconds > 0) await clock.sleep(milliseconds);
    for (const [resource, result] of await assessEach(rule, session, pending, options)) {
      results.set(resource, result);
    }
    pending = pending.filter((resource) => {
      const result = results.get(resource);
      if (result instanceof Error || result?.state !== 'violation') return false;
      return result.isUnread !== true && result.isExemptInParts !== true;
    });
  }
  return results;
}

/**
 * Determines the verdict on a resource that still reads as a violation although this job has applied its whole plan.
 * Nothing is changed on the basis of such a read. Undefined if the plan was not applied.
 */
export function awaitReadBack(
  finding: Finding,
  { seen }: Violation,
  { journal, ports }: ConfiguredWork,
): Verdict | undefined {
  const completedAt = journal.completedAt(finding.resource);
  if (completedAt === undefined) return undefined;
  const age = ports.clock.now() - completedAt.getTime();
  if (age < LONGEST_LAG_MILLISECONDS) return wait(lagWords(finding), { seen });
  const reason = `AWS accepted the changes, but ${finding.resource} still violates the rule when it is read back, ${Math.round(age / 60_000)} minutes later`;
  return conclude('failed', { seen, willRetry: true, reason });
}

function lagWords({ resource }: Finding): string {
  return `AWS accepted the changes, but its reads of ${resource} do not show them yet`;
}
