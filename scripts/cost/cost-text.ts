import { MAX_FINDINGS_PER_JOB } from '../../lambdas/model/job.ts';
import {
  costPerMonth,
  DYNAMO_UNITS,
  GIGABYTES,
  LOG_BYTES,
  POLLS_PER_MONTH,
  QUEUE_REQUESTS,
} from '../bench/cost.ts';
import { table } from '../markdown.ts';
import type { Alarms } from './alarm-counts.ts';
import type { MeasuredCalls, MeasuredJob, MeasuredJobs } from './measured-calls.ts';
import { PRICES, PRICES_OF } from './prices.ts';

const RULES = 10;
const POLLS = RULES * POLLS_PER_MONTH;
const FINDINGS = 10_000;
/** Requests per month of Lambda's pollers to an empty queue: each sends one every 20 s. */
const POLLER_REQUESTS = 5 * 3 * 43_800;
const METRICS = { fixed: 1, perRule: 1 };
/** Gigabyte-seconds of a poll that finds nothing: a second of 512 MB. */
const GIGABYTE_SECONDS_OF_POLL = 0.5;
/** One account in four regions: full jobs, and the last ones of each rule and region. */
const FULL_JOBS = Math.round((FINDINGS / MAX_FINDINGS_PER_JOB) * 1.1);
/** 100 accounts in four regions. */
const SMALL_JOBS = RULES * 100 * 4;

const money = (dollars: number): string => dollars.toFixed(2);
const count = (value: number): string => value.toLocaleString('en-US');
const perMillion = (dollars: number): string => String(Number((dollars * 1e6).toFixed(4)));
const perThousand = (dollars: number): string => String(Number((dollars * 1e3).toFixed(6)));

/** One line of a cost table: the item, its arithmetic, and the amounts. */
interface Cost {
  readonly what: string;
  readonly arithmetic: string;
  readonly amounts: readonly [number, number];
}

function costTable(header: readonly [string, string, string], costs: readonly Cost[], note = ''): string {
  const [what, ...columns] = header;
  const total = (index: 0 | 1): string =>
    `**${money(costs.reduce((sum, { amounts }) => sum + amounts[index], 0))}**`;
  return table(
    [what, 'arithmetic', ...columns],
    [
      ...costs.map(({ what, arithmetic, amounts }) => [what, arithmetic, ...amounts.map(money)]),
      ['**total**', note, total(0), total(1)],
    ],
  );
}

/** Computes what an idle deployment costs per month, by the number of regions. */
export function idleCosts({ central, perRule, perRegion }: Alarms): Cost[] {
  const in1And4 = (of: (regions: number) => number): [number, number] => [of(1), of(4)];
  return [
    {
      what: 'alarms',
      arithmetic: `(${central.metric} + ${perRule.metric} per rule + ${perRegion.metric} per region) × ${money(PRICES.metricAlarm)}, because an alarm on two metrics counts twice; (${central.composite} + ${perRegion.composite} per region) composite alarms × ${money(PRICES.compositeAlarm)}`,
      amounts: in1And4(
        (regions) =>
          (central.metric + perRule.metric * RULES + perRegion.metric * regions) * PRICES.metricAlarm +
          (central.composite + perRegion.composite * regions) * PRICES.compositeAlarm,
      ),
    },
    {
      what: 'custom metrics',
      arithmetic: `(${METRICS.fixed} + ${METRICS.perRule} per rule) × ${money(PRICES.customMetric)}: the hourly check of the schedules (\`PollsChecked\`), and each rule's polls (\`PollSucceeded\`)`,
      amounts: in1And4(() => (METRICS.fixed + METRICS.perRule * RULES) * PRICES.customMetric),
    },
    {
      what: "Lambda's polling of empty queues",
      arithmetic: `5 pollers × 3 per minute × 43,800 min = ${count(POLLER_REQUESTS)} per queue; per region, one FIFO queue × ${perMillion(PRICES.queueRequest)} / million and one standard queue × ${perMillion(PRICES.standardQueueRequest)} / million`,
      amounts: in1And4(
        (regions) => regions * POLLER_REQUESTS * (PRICES.queueRequest + PRICES.standardQueueRequest),
      ),
    },
    {
      what: "the token's secret",
      arithmetic: `${money(PRICES.secret)}, and ${count(POLLS)} reads × 0.05 / 10,000`,
      amounts: in1And4(() => PRICES.secret + POLLS * PRICES.secretRead),
    },
    {
      what: `${count(POLLS)} polls`,
      arithmetic: `${count(POLLS * GIGABYTE_SECONDS_OF_POLL)} GB-s × ${PRICES.gigabyteSecond} + ${count(POLLS)} objects × ${perThousand(PRICES.s3Put)} / 1,000 + logs of ${count(LOG_BYTES)} bytes`,
      amounts: in1And4(
        () =>
          POLLS *
          (GIGABYTE_SECONDS_OF_POLL * PRICES.gigabyteSecond +
            PRICES.s3Put +
            (LOG_BYTES / 1e9) * PRICES.logGigabyte),
      ),
    },
  ];
}

const puts = ({ operations }: MeasuredJob): number => operations['s3:PutObject'] ?? 0;
const gets = ({ operations }: MeasuredJob): number => operations['s3:GetObject'] ?? 0;

/** Computes what Lambda takes for the time of a job. */
function timeCost({ rounds }: MeasuredJob, secondsOfRound: number): number {
  return rounds * secondsOfRound * GIGABYTES * PRICES.gigabyteSecond;
}

/** Finds the job, of those that were measured, that costs most to fix. */
function dearest({ fixed }: MeasuredJobs, secondsOfRound: number): MeasuredJob {
  const costOf = (job: MeasuredJob): number => timeCost(job, secondsOfRound) + puts(job) * PRICES.s3Put;
  const [first] = Object.values(fixed).sort((one, other) => costOf(other) - costOf(one));
  if (first === undefined) throw new Error('no job that fixes findings was measured');
  return first;
}

/** Computes what it costs to fix findings once, in full jobs and in small ones. */
export function fixCosts({ full, small, secondsOfRound }: MeasuredCalls): Cost[] {
  const jobs = [
    { job: dearest(full, secondsOfRound), count: FULL_JOBS },
    { job: dearest(small, secondsOfRound), count: SMALL_JOBS },
  ] as const;
  const amounts = (perJob: (job: MeasuredJob) => number, perFinding = 0): [number, number] => {
    const of = (index: 0 | 1): number => jobs[index].count * perJob(jobs[index].job) + FINDINGS * perFinding;
    return [of(0), of(1)];
  };
  const both = (of: (job: MeasuredJob) => number): string => jobs.map(({ job }) => of(job)).join(' and ');
  const { fix } = DYNAMO_UNITS;
  return [
    {
      what: `Lambda, ${GIGABYTES} GB arm64`,
      arithmetic: `${both(({ rounds }) => rounds)} rounds per job × ${secondsOfRound} s × ${GIGABYTES} GB × ${PRICES.gigabyteSecond}; an invocation per job × ${perMillion(PRICES.invocation)} / million`,
      amounts: amounts((job) => timeCost(job, secondsOfRound) + PRICES.invocation),
    },
    {
      what: 'journal and evidence objects',
      arithmetic: `${both(puts)} writes per job × ${perThousand(PRICES.s3Put)} / 1,000; ${both(gets)} reads per job × ${perThousand(PRICES.s3Get)} / 1,000`,
      amounts: amounts((job) => puts(job) * PRICES.s3Put + gets(job) * PRICES.s3Get),
    },
    {
      what: 'findings table',
      arithmetic: `${fix.writesPerFinding} units per finding, ${fix.writesPerJob} per job × ${perMillion(PRICES.writeUnit)} / million; ${fix.readsPerFinding} reads per finding, ${fix.readsPerJob} per job × ${perMillion(PRICES.readUnit)} / million`,
      amounts: amounts(
        () => fix.writesPerJob * PRICES.writeUnit + fix.readsPerJob * PRICES.readUnit,
        fix.writesPerFinding * PRICES.writeUnit + fix.readsPerFinding * PRICES.readUnit,
      ),
    },
    {
      what: 'events',
      arithmetic: `one per finding and job × ${perMillion(PRICES.event)} / million`,
      amounts: amounts(() => PRICES.event, PRICES.event),
    },
    {
      what: 'queues, logs',
      arithmetic: `${QUEUE_REQUESTS} requests per job × ${perMillion(PRICES.queueRequest)} / million; ${count(LOG_BYTES)} bytes per job and per finding × ${PRICES.logGigabyte} / GB`,
      amounts: amounts(
        () => QUEUE_REQUESTS * PRICES.queueRequest + (LOG_BYTES / 1e9) * PRICES.logGigabyte,
        (LOG_BYTES / 1e9) * PRICES.logGigabyte,
      ),
    },
  ];
}

/** Computes what a month of hourly polls costs if findings stay as they are. */
export function stayingCost({ unchanged }: MeasuredJobs, secondsOfRound: number, jobs: number): number {
  const seconds = unchanged.rounds * secondsOfRound;
  return costPerMonth({ jobs, findings: FINDINGS, calls: unchanged.operations, seconds });
}

const callsOf = ({ operations }: MeasuredJob): number =>
  Object.values(operations).reduce((sum, each) => sum + each, 0);

/** The generated part of docs/cost.md. */
export function costText(measured: MeasuredCalls, alarms: Alarms): string {
  const { full, small, secondsOfRound, measuredOn } = measured;
  const perMonth = [
    stayingCost(full, secondsOfRound, FULL_JOBS),
    stayingCost(small, secondsOfRound, SMALL_JOBS),
  ];
  const sources = PRICES_OF.pages.map((page) => `<${page}>`).join(', ');
  return [
    `AWS list prices of ${PRICES_OF.region} in ${PRICES_OF.year}, in US dollars, without free tiers (${sources}), for ten rules that are polled hourly (${POLLS_PER_MONTH} hours per month). Calls and rounds per job were measured on ${measuredOn} in the local AWS, in jobs of ${full.findings} and of ${small.findings} findings; a round is assumed to take ${secondsOfRound} s.`,
    costTable(
      ['idle, per month', '1 region', '4 regions'],
      idleCosts(alarms),
      "the dashboard is one of an account's three free ones",
    ),
    costTable(
      [
        `${count(FINDINGS)} findings, fixed once`,
        `1 account × 4 regions (${count(FULL_JOBS)} jobs)`,
        `100 accounts × 4 regions (${count(SMALL_JOBS)} jobs)`,
      ],
      fixCosts(measured),
      'with the calls of the most expensive measured job of each size',
    ),
    table(
      [
        `${count(FINDINGS)} findings that remain, per month`,
        'arithmetic',
        `1 account × 4 regions (${count(FULL_JOBS)} jobs per poll)`,
        `100 accounts × 4 regions (${count(SMALL_JOBS)} jobs per poll)`,
      ],
      [
        [
          'hourly polls',
          `${callsOf(full.unchanged)} and ${callsOf(small.unchanged)} calls in ${full.unchanged.rounds} and ${small.unchanged.rounds} rounds per job; ${DYNAMO_UNITS.look.readsPerFinding} reads per finding`,
          ...perMonth.map(money),
        ],
        [
          'daily polls (`schedule_expression = "rate(1 day)"`)',
          'divided by 24',
          ...perMonth.map((each) => money(each / 24)),
        ],
      ],
    ),
  ].join('\n\n');
}
