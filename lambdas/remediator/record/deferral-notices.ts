import type { Job } from '../../model/job.ts';
import { deferralNoticeKey, type Notice } from '../../model/notice.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { ItemKey } from '../../model/table-items.ts';

/**
 * Time after which a notice about the same cause is published again: a week less an hour. The notice is published
 * shortly after the time that is noted in the items of its findings, which are due again a week after that time.
 */
const AGAIN_MILLISECONDS = (7 * 24 - 1) * 3_600_000;
const MAX_REASON = 500;
const LIST_COMMAND = 'cspm-remediation outcomes --outcome deferred';

/** A notice about a long-lasting cause of deferrals, with the data to publish it once a week. */
export interface DeferralNotice {
  readonly notice: Notice;
  readonly key: ItemKey;
  /** Milliseconds since 1970. The notice is published unless one was published since then. */
  readonly since: number;
}

/** A finding that is deferred for longer than expected. */
export interface Waiting {
  readonly resource: string;
  readonly since: string;
  readonly reason: string;
  /** The gate that defers it. */
  readonly gate?: Outcome['gate'] | undefined;
}

/**
 * Groups findings by the cause of their deferral, so that a forgotten pause or hold results in one notice, regardless
 * of how many rules, accounts, and jobs it affects.
 */
export function deferralNotices(
  due: readonly Waiting[],
  { job, deferredDays, now }: { readonly job: Job; readonly deferredDays: number; readonly now: number },
): DeferralNotice[] {
  const byCause = new Map<string, Waiting[]>();
  for (const finding of due) {
    const cause = causeOf(finding, job);
    byCause.set(cause, [...(byCause.get(cause) ?? []), finding]);
  }
  return [...byCause].flatMap(([cause, findings]) => {
    const [first] = findings;
    if (first === undefined) return [];
    const oldest = findings.reduce((one, other) => (other.since < one.since ? other : one), first);
    const isOne = findings.length === 1;
    const days = `${deferredDays} ${deferredDays === 1 ? 'day' : 'days'}`;
    const words = `at least ${findings.length} ${isOne ? 'finding is' : 'findings are'} deferred for more than ${days}. The oldest of them is ${oldest.resource} in account ${job.account}, deferred since ${oldest.since}: ${oldest.reason.slice(0, MAX_REASON)}. To list all: ${LIST_COMMAND}. This notification is repeated weekly for each cause`;
    const notice: Notice = {
      version: 1,
      kind: 'lasting_deferral',
      rule: job.poll.rule,
      account: first.gate === 'hold' ? job.account : 'all',
      region: job.region,
      at: new Date(now).toISOString(),
      words,
    };
    return [{ notice, key: deferralNoticeKey(cause), since: now - AGAIN_MILLISECONDS }];
  });
}

/**
 * Determines the cause of a deferral: the command in its reason, which ends a certain pause or hold; otherwise, the
 * rule and its gate.
 */
function causeOf({ gate, reason }: Waiting, { poll }: Job): string {
  const command = /cspm-remediation (?:resume|release) .*$/s.exec(reason)?.[0];
  if ((gate === 'pause' || gate === 'hold') && command !== undefined) return command;
  return `${poll.rule} ${gate ?? 'no gate'}`;
}
