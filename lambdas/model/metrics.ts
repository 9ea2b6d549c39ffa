import type { OutcomeName } from './outcome-names.ts';

interface MetricFacts {
  /** True where it is counted per rule. Otherwise its only dimension is `service`. */
  readonly perRule: boolean;
  readonly counts: string;
}

/**
 * The metrics that alarms and the dashboard read, in addition to one per outcome (`metricOf`). Terraform reads them from
 * `modules/catalog.json`, so that an alarm can't wait for a name that nobody counts.
 */
export const metrics = {
  Findings: { perRule: true, counts: 'findings that became part of a job' },
  Unprocessable: { perRule: true, counts: 'findings that could not become part of a job' },
  UnprocessableFindings: { perRule: false, counts: 'the same, of all rules' },
  UnknownRegionLabel: { perRule: false, counts: 'findings whose region label nobody knows' },
  UnmatchedItems: {
    perRule: true,
    counts: "items that the source gave although the poll's filter excludes them",
  },
  PollSucceeded: { perRule: true, counts: 'polls that reached their end' },
  PollSkipped: {
    perRule: true,
    counts: 'accounts and regions that a poll made no jobs for, because their last ones are still pending',
  },
  PollSkippedLasting: {
    perRule: false,
    counts:
      'accounts and regions whose jobs have not been done for twelve hours, and which no alarm of the region reports',
  },
  PollFailed: { perRule: false, counts: 'polls that failed after all attempts' },
  PollOverdue: {
    perRule: false,
    counts: 'rules that have not been polled successfully for two of their periods',
  },
  PollsChecked: { perRule: false, counts: 'looks for rules that are not polled' },
  FailedFindings: {
    perRule: false,
    counts: 'failed findings, of all rules, but for those of which another message tells',
  },
  RecurringFindings: { perRule: false, counts: 'findings that were fixed three times within seven days' },
  LastingDeferrals: {
    perRule: false,
    counts: 'findings that are deferred for more days than the settings say',
  },
  OldestDeferral: { perRule: false, counts: 'days since which the finding is deferred that waits longest' },
  ChangedResources: { perRule: true, counts: 'resources that were changed, or may have been' },
  AccountLimitUsed: {
    perRule: true,
    counts: "percent of per_account_per_hour that are used in a job's account, with what it changes",
  },
  HeldFindings: { perRule: false, counts: "findings that an operator's hold left alone" },
  LimitReached: { perRule: false, counts: 'findings that a limit of changes left to a later poll' },
  BreakerOpen: { perRule: false, counts: 'jobs that only planned, because their breaker was open' },
  OpenBreakers: { perRule: false, counts: 'breakers that are open, each once an hour in all regions' },
  RoleMissing: { perRule: false, counts: 'accounts whose target role could not be assumed' },
  TakeBackFailed: { perRule: false, counts: 'changes that should have been taken back and could not be' },
  SettingsInvalid: { perRule: false, counts: 'jobs that found settings they could not read' },
  InvalidMessage: { perRule: false, counts: 'messages that are not jobs' },
  RequestIgnored: {
    perRule: false,
    counts: 'messages of a request that does not exist, is another one, or can not be understood',
  },
  UnexpectedError: { perRule: false, counts: 'errors that nobody foresaw' },
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof metrics;

/** The metric that counts an outcome, per rule: `not_applicable` → `NotApplicable`. */
export function metricOf(outcome: OutcomeName): string {
  return outcome.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
