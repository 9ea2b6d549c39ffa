import type { OutcomeName } from './outcome-names.ts';

interface MetricFacts {
  /** True if the metric is counted per rule. Otherwise, its only dimension is `service`. */
  readonly perRule: boolean;
  readonly counts: string;
}

/**
 * The metrics that alarms and the dashboard read, in addition to one per outcome (`metricOf`). Terraform reads them
 * from `modules/catalog.json`, so that no alarm refers to a metric that the functions do not emit.
 */
export const metrics = {
  Findings: { perRule: true, counts: 'findings that became part of a job' },
  Unprocessable: { perRule: true, counts: 'findings that could not become part of a job' },
  UnprocessableFindings: {
    perRule: false,
    counts: 'findings of all rules that could not become part of a job',
  },
  UnknownRegionLabel: { perRule: false, counts: 'findings with an unknown region label' },
  UnmatchedItems: {
    perRule: true,
    counts: "items that the source returned although the poll's filter excludes them",
  },
  PollSucceeded: { perRule: true, counts: 'completed polls' },
  PollSkipped: {
    perRule: true,
    counts:
      'accounts and regions for which a poll created no jobs, because their previous jobs are still pending',
  },
  PollSkippedLasting: {
    perRule: false,
    counts:
      'accounts and regions whose jobs have been pending for twelve hours, if no alarm of the region reports it',
  },
  PollFailed: { perRule: false, counts: 'failed attempts at polls' },
  PollOverdue: {
    perRule: false,
    counts: 'rules that have not been polled successfully for two of their periods',
  },
  PollsChecked: { perRule: false, counts: 'checks for rules that are not polled' },
  FailedFindings: {
    perRule: false,
    counts: 'failed findings of all rules that no other notification reports',
  },
  RecurringFindings: { perRule: false, counts: 'findings that were fixed three times within seven days' },
  LastingDeferrals: {
    perRule: false,
    counts: 'findings that are deferred for more than notifications.deferred_days days',
  },
  OldestDeferral: { perRule: false, counts: 'days for which the oldest deferred finding has been waiting' },
  ChangedResources: { perRule: true, counts: 'resources that were changed, or may have been' },
  AccountLimitUsed: {
    perRule: true,
    counts: "percentage of per_account_per_hour used in a job's account, including the job's own changes",
  },
  HeldFindings: { perRule: false, counts: "findings that an operator's hold deferred" },
  LimitReached: { perRule: false, counts: 'findings that a limit on changes deferred' },
  BreakerOpen: { perRule: false, counts: 'jobs that only planned, because their breaker was open' },
  OpenBreakers: { perRule: false, counts: 'open breakers, each counted once an hour across all regions' },
  RoleMissing: { perRule: false, counts: 'accounts whose target role could not be assumed' },
  TakeBackFailed: { perRule: false, counts: 'changes that could not be taken back' },
  SettingsInvalid: { perRule: false, counts: 'jobs whose settings could not be read or parsed' },
  InvalidMessage: { perRule: false, counts: 'messages that are not jobs' },
  RequestIgnored: {
    perRule: false,
    counts: 'messages that name a request that does not exist, does not match, or cannot be parsed',
  },
  UnexpectedError: { perRule: false, counts: 'unexpected errors' },
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof metrics;

/** Returns the name of the metric that counts an outcome per rule: `not_applicable` → `NotApplicable`. */
export function metricOf(outcome: OutcomeName): string {
  return outcome.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
