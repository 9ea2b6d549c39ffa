import { isDeepStrictEqual } from 'node:util';
import type { AwsSession } from '../../../../lambdas/aws/session.ts';
import { defaultBreaker } from '../../../../lambdas/model/breaker-settings.ts';
import { type Finding, findingKey } from '../../../../lambdas/model/finding.ts';
import type { FindingNotice } from '../../../../lambdas/model/finding-notice.ts';
import { type Job, jobId, type Poll, pollId } from '../../../../lambdas/model/job.ts';
import type { JournalRecord } from '../../../../lambdas/model/journal.ts';
import { defaultLimits } from '../../../../lambdas/model/limits.ts';
import type { Notice } from '../../../../lambdas/model/notice.ts';
import type { Outcome } from '../../../../lambdas/model/outcome.ts';
import type { RoleMissing } from '../../../../lambdas/model/role-missing.ts';
import type { AccountSettings, RuleSettings, Settings } from '../../../../lambdas/model/settings.ts';
import { type SentItem, sentKey } from '../../../../lambdas/model/table-items.ts';
import { comesBack, type JobResult } from '../../../../lambdas/remediator/job-result.ts';
import type { Ports } from '../../../../lambdas/remediator/ports.ts';
import type { EvidenceStore, InProgressMark } from '../../../../lambdas/remediator/record/evidence-store.ts';
import type { FindingsStore, OperatorNames } from '../../../../lambdas/remediator/record/findings-store.ts';
import type { Probe } from '../../../../lambdas/remediator/record/missing-roles.ts';
import { remediate } from '../../../../lambdas/remediator/remediate.ts';
import type { SessionRequest } from '../../../../lambdas/remediator/session.ts';
import { IamAccount, NOW } from './iam-account.ts';
import { Lifeline } from './lifeline.ts';
import { MemoryCounts } from './memory-counts.ts';
import { MemoryTable } from './memory-table.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
export const RULE = 'iam-access-key-unrotated';
const POLL: Poll = { source: 'netskope', rule: RULE, asOf: '2026-06-30T11:00:00Z' };

export function findingOf(resource: string): Finding {
  return { rule: RULE, account: ACCOUNT, region: 'global', resource };
}

/** A job for these users. */
export function jobOf(...users: readonly string[]): Job {
  return {
    version: 1,
    poll: POLL,
    account: ACCOUNT,
    region: REGION,
    chunk: 0,
    findings: users.map(findingOf),
  };
}

/** The mark of a complete poll of the rule at this time, which sent one job. */
export function sentAt(asOf: string): SentItem {
  const place = { rule: RULE, account: ACCOUNT, region: REGION };
  const poll = { ...POLL, asOf };
  return { ...sentKey(place), version: 1, expiresAt: 0, ...place, poll, at: asOf, jobs: 1, until: asOf };
}

/** A job of another rule, for resources in the region. */
export function regionalJobOf(rule: string, resources: readonly string[]): Job {
  const findings = resources.map((resource) => ({ rule, account: ACCOUNT, region: REGION, resource }));
  return { ...jobOf(), poll: { ...POLL, rule }, findings };
}

/** Settings object of a rule that is enforced, without exemptions. */
export function ruleSettingsOf(settings: Partial<RuleSettings> = {}): RuleSettings {
  return {
    version: 2,
    rule: RULE,
    mode: 'enforce',
    mode_by_account: {},
    mode_by_group: {},
    accounts: [],
    excluded_accounts: [],
    excluded_groups: [],
    method: 'api',
    runbook_then: 'api',
    exemptions: [],
    options: {},
    limits: defaultLimits,
    breaker: defaultBreaker,
    ...settings,
  };
}

/** Creates the settings of accounts for all rules. Default: none. */
export function accountSettingsOf(settings: Partial<AccountSettings> = {}): AccountSettings {
  return {
    version: 2,
    groups: {},
    accounts: [],
    excluded_accounts: [],
    excluded_groups: [],
    mode_by_account: {},
    mode_by_group: {},
    ...settings,
  };
}

/** A rule that is enforced, without exemptions. */
/** A breaker with which a job changes one resource first, and then the others in parallel. */
export const ONE_AT_FIRST = { changes: 1, failed_percent: 100 };

export function settingsOf(settings: Partial<Settings> = {}): Settings {
  return {
    ...ruleSettingsOf(),
    allRules: accountSettingsOf(),
    versions: { rule: 'rule-1', accounts: 'accounts-1' },
    ...settings,
  };
}

/** Creates an error of an AWS service, as the SDK throws it. */
export function awsError(name: string, status: number): Error {
  return Object.assign(new Error(`${name} by fault`), {
    name,
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status, requestId: 'request-0' },
  });
}

export interface AttemptOptions {
  readonly number?: number;
  readonly last?: boolean;
  readonly remainingMilliseconds?: () => number;
  /** The number of steps after which the attempt is interrupted. */
  readonly steps?: number;
  /** Called at each step. */
  readonly onStep?: () => void | Promise<void>;
}

/** A time longer than a lease. */
export const VISIBILITY_TIMEOUT_MILLISECONDS = 400_000;

type Port =
  | 'settings'
  | 'pause'
  | 'session'
  | 'publish'
  | 'lookAgain'
  | 'reportRoleMissing'
  | 'claimProbe'
  | 'roleIsBack'
  | 'readCounts'
  | 'reserve'
  | 'publishNotice'
  | 'release'
  | 'keep'
  | 'forget'
  | keyof EvidenceStore
  | keyof FindingsStore;

/** The remediator with all its ports in memory. The effects of an attempt remain for the next one. */
export class RemediatorInMemory {
  readonly account: IamAccount;
  settings: Settings = settingsOf();
  pause = 'none';
  /** The evidence bucket's objects of outcomes, by key, in the order in which they were written. */
  readonly objects = new Map<string, readonly Outcome[]>();
  readonly journals = new Map<string, JournalRecord>();
  readonly inProgress = new Map<string, InProgressMark>();
  readonly table = new MemoryTable();
  readonly counts = new MemoryCounts(() => this.now);
  /** The delayed jobs, in order. */
  readonly later: { readonly job: Job; readonly delaySeconds: number }[] = [];
  /** The reports of a missing role, in order. */
  readonly rolesMissing: RoleMissing[] = [];
  /** The jobs that claimed the check whether a missing role is back, in order, and whether they got the claim. */
  readonly probes: Probe[] = [];
  mayProbe = true;
  /** Notices about findings on the event bus, in order. */
  readonly notices: FindingNotice[] = [];
  /** Notices about what prevents a rule's fixes, in order. */
  readonly heldBack: Notice[] = [];
  /** Time of the last notice, by item. */
  readonly told = new Map<string, number>();
  /** The reads of operators' items, in order. */
  readonly operatorQuestions: { readonly at: number; readonly names: OperatorNames }[] = [];
  /** Outcomes on the event bus, in order. */
  readonly published: Outcome[] = [];
  /** Chooses, at each call, the error that a port throws instead of its effect. */
  fault: (port: Port) => Error | undefined = () => undefined;
  now = NOW;
  /** Carries out requests that wait behind jobs. */
  actOnPending: Ports['actOnPending'] = async () => false;
  /** Opens another session instead of one in the account. */
  openSession: ((request: SessionRequest, now: () => number, life: Lifeline) => AwsSession) | undefined;

  constructor(users: Readonly<Record<string, readonly string[]>> = {}) {
    this.account = new IamAccount(users);
  }

  outcome(user: string): Outcome | undefined {
    return this.outcomes.get(nameOf({ poll: POLL, finding: findingOf(user) }));
  }

  /** The outcomes that count: the last line for each finding and poll. */
  get outcomes(): ReadonlyMap<string, Outcome> {
    return new Map([...this.objects.values()].flat().map((outcome) => [nameOf(outcome), outcome]));
  }

  /** Forgets that jobs have been processed. */
  forget(): void {
    this.objects.clear();
    this.table.findings.clear();
    this.table.leases.clear();
    this.table.done.clear();
  }

  /** The last delayed job. */
  get lastLook(): Job {
    const look = this.later.at(-1);
    if (look === undefined) throw new Error('no job was delayed');
    return look.job;
  }

  /** Processes delayed jobs until none is left, each when it is due. @returns the number of jobs */
  async workOffLater(most = 60): Promise<number> {
    for (let looks = 0; looks < most; looks += 1) {
      const next = this.later.shift();
      if (next === undefined) return looks;
      this.now += next.delaySeconds * 1_000;
      await this.attempt(next.job);
    }
    throw new Error(`still not done after ${most} looks`);
  }

  /** Names of outcomes, by user. */
  get names(): Record<string, string> {
    return Object.fromEntries(
      [...this.outcomes.values()].map(({ finding, outcome }) => [finding.resource, outcome]),
    );
  }

  async attempt(job: Job, options: AttemptOptions = {}): Promise<JobResult> {
    const { number = 1, last = false, remainingMilliseconds = () => 300_000, steps, onStep } = options;
    const life = new Lifeline(steps, onStep);
    let isOver = false;
    try {
      const result = await remediate(job, { number, last, remainingMilliseconds }, this.ports(life));
      isOver = !comesBack(result);
      return result;
    } finally {
      // The job of a function that was killed, or could not end its lease, returns when the lease has expired.
      const { state } = this.table.leases.get(jobId(job)) ?? {};
      if (state === 'held' && !isOver) this.now += VISIBILITY_TIMEOUT_MILLISECONDS;
    }
  }

  /** The ports of the remediator. Their calls fail once `life` has ended. */
  ports(life = new Lifeline()): Ports {
    const call = async <T>(port: Port, effect: () => T | Promise<T>): Promise<T> =>
      life.step(() => {
        const error = this.fault(port);
        if (error !== undefined) throw error;
        return effect();
      });
    return {
      clock: {
        now: () => this.now,
        sleep: async (milliseconds) => {
          this.now += milliseconds;
        },
      },
      settings: {
        read: () => call('settings', () => this.settings),
        pause: () => call('pause', () => this.pause),
      },
      evidence: {
        readOutcomes: (key) => call('readOutcomes', () => structuredClone(this.#objectOf(key))),
        writeOutcomes: (key, outcomes) =>
          call('writeOutcomes', () => {
            if (this.objects.has(key)) return isDeepStrictEqual(this.objects.get(key), outcomes);
            this.objects.set(key, structuredClone(outcomes));
            return true;
          }),
        readJournal: (id) =>
          call('readJournal', () => {
            const journal = structuredClone(this.journals.get(id));
            return journal === undefined ? undefined : { journal, version: versionOf(journal) };
          }),
        writeJournal: (id, journal, replaced) =>
          call('writeJournal', () => {
            const standing = this.journals.get(id);
            const isKnown = (standing === undefined ? undefined : versionOf(standing)) === replaced;
            if (!isKnown && standing?.writer !== journal.writer) return undefined;
            this.journals.set(id, structuredClone(journal));
            return versionOf(journal);
          }),
        readInProgress: (finding) => call('readInProgress', () => this.inProgress.get(findingKey(finding))),
        writeInProgress: (place, mark, replaced) =>
          call('writeInProgress', () => {
            if (!isDeepStrictEqual(this.inProgress.get(findingKey(place)), replaced)) return false;
            this.inProgress.set(findingKey(place), mark);
            return true;
          }),
        endInProgress: (place) =>
          call('endInProgress', () => {
            this.inProgress.delete(findingKey(place));
          }),
      },
      table: {
        takeLease: (...wanted) => call('takeLease', () => this.table.takeLease(...wanted)),
        endLease: (...ended) => call('endLease', () => this.table.endLease(...ended)),
        writeDone: (...written) => call('writeDone', () => this.table.writeDone(...written)),
        recall: (...asked) => call('recall', () => this.table.recall(...asked)),
        writeChanged: (...written) => call('writeChanged', () => this.table.writeChanged(...written)),
        readChanged: (resources) => call('readChanged', () => this.table.readChanged(resources)),
        writeBreaker: (...written) => call('writeBreaker', () => this.table.writeBreaker(...written)),
        claimBreakerCount: (...claim) =>
          call('claimBreakerCount', () => this.table.claimBreakerCount(...claim)),
        readOperatorItems: (names) =>
          call('readOperatorItems', () => {
            this.operatorQuestions.push({ at: this.now, names });
            return this.table.readOperatorItems(names);
          }),
      },
      counts: {
        read: () => call('readCounts', () => this.counts.read()),
        reserve: (wish) => call('reserve', () => this.counts.reserve(wish)),
        release: (...given) => call('release', () => this.counts.release(...given)),
        keep: (...given) => call('keep', () => this.counts.keep(...given)),
        forget: (...given) => call('forget', () => this.counts.forget(...given)),
      },
      automationRoleArn: (account) => `arn:aws:iam::${account}:role/cspm-automation`,
      lookAgain: (later, delaySeconds) =>
        call('lookAgain', () => {
          this.later.push({ job: later, delaySeconds });
        }),
      openSession: (request) =>
        call('session', () => {
          const now = (): number => this.now;
          return this.openSession?.(request, now, life) ?? this.account.open(request, now, life);
        }),
      actOnPending: (...asked) => this.actOnPending(...asked),
      roles: {
        report: (missing) =>
          call('reportRoleMissing', () => {
            this.rolesMissing.push(missing);
          }),
        claimProbe: (_, probe) =>
          call('claimProbe', () => {
            this.probes.push(probe);
            return this.mayProbe;
          }),
        forget: () =>
          call('roleIsBack', () => {
            this.table.account = undefined;
          }),
      },
      publishNotice: (notice, key, since) =>
        call('publishNotice', () => {
          const before = this.told.get(key.pk);
          if (before !== undefined && before >= since) return;
          this.told.set(key.pk, this.now);
          this.heldBack.push(notice);
        }),
      publish: ({ withEvent, notices }) =>
        call('publish', () => {
          this.notices.push(...structuredClone(notices));
          this.published.push(...structuredClone(withEvent.map(({ outcome }) => outcome)));
        }),
    };
  }

  #objectOf(key: string): Outcome[] | undefined {
    const outcomes = this.objects.get(key);
    return outcomes === undefined ? undefined : [...outcomes];
  }
}

/** Returns the name of a version: the same content has the same ETag in S3. */
function versionOf(journal: JournalRecord): string {
  return JSON.stringify(journal);
}

function nameOf({ poll, finding }: Pick<Outcome, 'poll' | 'finding'>): string {
  return `${pollId(poll)} ${findingKey(finding)}`;
}
