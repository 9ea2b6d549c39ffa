import { labRuleIds } from '../../test/lab/rules/index.ts';

/** A group of figures that are measured together, as in `--only`. */
export const parts = ['rounds', 'calls', 'cold', 'undo', 'start', 'collector', 'organization'] as const;
export type Part = (typeof parts)[number];

/** A figure, and its maximum. */
export interface Figure {
  /** The name in `reports/bench.json`. */
  readonly key: string;
  readonly part: Part;
  readonly what: string;
  readonly unit: '' | 's' | 'ms' | 'MB' | 'USD';
  readonly most: number;
}

/** Rules that call AWS several times for each resource. */
const slowRules: ReadonlySet<string> = new Set([
  's3-bucket-public',
  'iam-access-key-unrotated',
  'rds-snapshot-public',
]);

function enforce(word: string, what: string, most: number): Figure {
  return {
    key: `rounds.enforce.${word}`,
    part: 'rounds',
    what: `rounds: a warm job fixes 25 ${what}`,
    unit: '',
    most,
  };
}

function calls(word: string, what: string, most: number): Figure {
  const words = `calls per finding beyond the change, 500 ${what}`;
  return { key: `calls.beyond_change.${word}`, part: 'calls', what: words, unit: '', most };
}

function unchanged(word: string, what: string): Figure {
  const words = `calls per finding of a poll without changes, 500 ${what}`;
  return { key: `calls.unchanged.${word}`, part: 'calls', what: words, unit: '', most: 0.35 };
}

/** Every figure, in the order in which they are printed. */
export const figures: readonly Figure[] = [
  enforce('security-group', 'security groups, one exact port each', 14),
  enforce('s3', 'buckets', 24),
  enforce('access-key', 'access keys', 26),
  enforce('network-acl', 'network ACLs', 20),
  enforce('flow-log', 'VPCs without flow logs', 24),
  ...labRuleIds.map(
    (rule): Figure => ({
      key: `rounds.look.${rule}`,
      part: 'rounds',
      what: `rounds: a warm job checks 25 findings of ${rule}, and changes nothing`,
      unit: '',
      most: slowRules.has(rule) ? 16 : 8,
    }),
  ),
  calls('security-group', 'security groups, one exact port each', 0.65),
  calls('security-group-split', 'security groups, a range that is split', 0.8),
  calls('redshift', 'Redshift clusters', 0.65),
  calls('network-acl', 'network ACLs', 1.6),
  calls('rds', 'RDS instances', 2.8),
  calls('access-key', 'access keys', 4.5),
  calls('s3', 'buckets', 5.5),
  unchanged('security-group', 'security groups'),
  unchanged('redshift', 'Redshift clusters'),
  {
    key: 'cold.rounds',
    part: 'cold',
    what: 'rounds of one cold finding, the maximum of all rules',
    unit: '',
    most: 9,
  },
  {
    key: 'cold.cpu_ms',
    part: 'cold',
    what: 'CPU time of one cold finding, the maximum of all rules',
    unit: 'ms',
    most: 190,
  },
  {
    key: 'undo.queued.seconds',
    part: 'undo',
    what: 'from the request to undo until it is undone, 1,000 jobs of the account queued before it',
    unit: 's',
    most: 60,
  },
  {
    key: 'undo.queued_accounts.seconds',
    part: 'undo',
    what: 'the same, 1,000 jobs of 100 accounts queued before it',
    unit: 's',
    most: 60,
  },
  {
    key: 'start.cpu_ms',
    part: 'start',
    what: 'CPU time of the start of cspm-remediation, in addition to that of Node',
    unit: 'ms',
    most: 150,
  },
  {
    key: 'collector.mixed.jobs',
    part: 'collector',
    what: 'jobs of 100,000 findings, 1,000 accounts, 4 regions, mixed',
    unit: '',
    most: 5_000,
  },
  { key: 'collector.mixed.megabytes', part: 'collector', what: 'memory for them', unit: 'MB', most: 350 },
  {
    key: 'collector.one_account.sends',
    part: 'collector',
    what: 'calls that send the jobs of 20,000 findings of one account',
    unit: '',
    most: 90,
  },
  {
    key: 'collector.slow.seconds',
    part: 'collector',
    what: 'a poll of 50,000 findings, one second per page',
    unit: 's',
    most: 25,
  },
  {
    key: 'collector.at_once.failed',
    part: 'collector',
    what: "failed polls out of ten at the same time, which share the tenant's rate limit",
    unit: '',
    most: 0,
  },
  {
    key: 'organization.backlog.growth',
    part: 'organization',
    what: 'polls three times faster than jobs: the largest backlog of polls 13 to 24, divided by that of 1 to 12',
    unit: '',
    most: 1.1,
  },
  {
    key: 'organization.backlog.polls',
    part: 'organization',
    what: 'and the maximum number of polls until a finding is checked again',
    unit: '',
    most: 4,
  },
  {
    key: 'organization.cost.full_jobs',
    part: 'organization',
    what: 'a month of hourly polls of 10,000 lasting findings, 440 jobs each',
    unit: 'USD',
    most: 10,
  },
  {
    key: 'organization.cost.small_jobs',
    part: 'organization',
    what: 'the same, 4,000 jobs each',
    unit: 'USD',
    most: 35,
  },
];

/** A figure with its measured value; undefined if it was not measured. */
export interface MeasuredFigure extends Figure {
  readonly measured: number | undefined;
  readonly isReached: boolean;
}

/** Compares measured values with the targets. */
export function compare(measured: ReadonlyMap<string, number>, ofParts: readonly Part[]): MeasuredFigure[] {
  return figures
    .filter(({ part }) => ofParts.includes(part))
    .map((figure) => {
      const value = measured.get(figure.key);
      return { ...figure, measured: value, isReached: value !== undefined && value <= figure.most };
    });
}
