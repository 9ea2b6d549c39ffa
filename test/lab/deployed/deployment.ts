import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import {
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { epochSeconds } from '../../../lambdas/model/job.ts';
import { type Outcome, type Unprocessable, unprocessableSchema } from '../../../lambdas/model/outcome.ts';
import { type PollSummary, pollSummarySchema } from '../../../lambdas/model/poll-summary.ts';
import { RecordedOutcomes } from './recorded-outcomes.ts';

/** The location of a deployed product, for the root of its security account. */
export interface DeploymentPlace {
  readonly endpoint: string;
  readonly account: string;
  readonly homeRegion: string;
  /** Default: the modules'. */
  readonly name?: string;
  /** Default: the bucket that the modules create. */
  readonly evidenceBucket?: string;
}

/** One poll of one rule, with its results. */
export interface Poll {
  readonly summary: PollSummary;
  readonly outcomes: readonly Outcome[];
}

const POLL_TIMEOUT_MILLISECONDS = 420_000;
/** Time until the first poll, so that the schedule exists before it is due: the scheduler rejects times in the past. */
const FIRST_POLL_MILLISECONDS = 10_000;
/** Interval of checks. Each check of each rule lists all outcomes, which also slows the local AWS down. */
const LOOK_INTERVAL_MILLISECONDS = 1000;

/** The input of a schedule, with the definition of a declared rule. */
const scheduleInputSchema = z.looseObject({
  rule: z.string(),
  scheduled_time: z.string(),
  netskope_rule_names: z.array(z.string()),
});

/** A deployed product, driven from outside: polls as its schedules start them, and the resulting evidence. */
export class Deployment {
  readonly #place: Required<DeploymentPlace>;
  readonly #s3: S3Client;
  readonly #outcomes: RecordedOutcomes;

  constructor(place: DeploymentPlace) {
    const { account, homeRegion, name = 'cspm-auto-remediation' } = place;
    this.#place = { name, evidenceBucket: `${name}-evidence-${account}-${homeRegion}`, ...place };
    this.#s3 = new S3Client(this.#settings());
    this.#outcomes = new RecordedOutcomes(this.#s3, this.#bucket);
  }

  /**
   * Starts a poll with the input of the rule's schedule, as EventBridge Scheduler would at `at`, and waits until every
   * finding that it put into a job has its outcome.
   * @throws Error if the collector fails, or outcomes are missing after some minutes
   */
  async poll(rule: string, at: Date): Promise<Poll> {
    const { name } = this.#place;
    const schedule = await new SchedulerClient(this.#settings()).send(
      new GetScheduleCommand({ GroupName: name, Name: rule }),
    );
    const input = scheduleInputSchema.parse(JSON.parse(schedule.Target?.Input ?? ''));
    const answer = await new LambdaClient(this.#settings()).send(
      new InvokeCommand({
        FunctionName: `${name}-collector`,
        Payload: JSON.stringify({ ...input, scheduled_time: at.toISOString() }),
      }),
    );
    if (answer.FunctionError !== undefined) {
      throw new Error(`the collector failed for ${rule}: ${Buffer.from(answer.Payload ?? []).toString()}`);
    }
    const seconds = Math.floor(at.getTime() / 1000);
    const summary = pollSummarySchema.parse(await this.#readJson(`polls/${rule}/${seconds}.json`));
    return { summary, outcomes: await this.#awaitOutcomes(rule, seconds, summary.findings) };
  }

  /**
   * Makes the rule's schedule start a poll soon, and waits until it has started one with findings, and these have
   * their outcomes.
   */
  async awaitScheduledPoll(rule: string): Promise<Poll> {
    const { name: GroupName } = this.#place;
    const scheduler = new SchedulerClient(this.#settings());
    const { Target } = await scheduler.send(new GetScheduleCommand({ GroupName, Name: rule }));
    const soon = new Date(Date.now() + FIRST_POLL_MILLISECONDS).toISOString().slice(0, 19);
    await scheduler.send(
      new UpdateScheduleCommand({
        GroupName,
        Name: rule,
        Target,
        State: 'ENABLED',
        ScheduleExpression: `at(${soon})`,
        FlexibleTimeWindow: { Mode: 'OFF' },
      }),
    );
    const deadline = Date.now() + POLL_TIMEOUT_MILLISECONDS;
    while (Date.now() < deadline) {
      for (const key of await this.#list(`polls/${rule}/`, '.json')) {
        const summary = pollSummarySchema.parse(await this.#readJson(key));
        if (summary.findings === 0) continue;
        const seconds = epochSeconds(summary.poll);
        return { summary, outcomes: await this.#awaitOutcomes(rule, seconds, summary.findings) };
      }
      await sleep(LOOK_INTERVAL_MILLISECONDS);
    }
    throw new Error(`the schedule of ${rule} has started no poll with findings`);
  }

  /** Keeps all schedules from starting anything, until Terraform sets them again. */
  async stopSchedules(): Promise<void> {
    const { name: GroupName } = this.#place;
    const scheduler = new SchedulerClient(this.#settings());
    const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({ GroupName }));
    for (const { Name } of Schedules) {
      const { Target, ScheduleExpression, FlexibleTimeWindow } = await scheduler.send(
        new GetScheduleCommand({ GroupName, Name }),
      );
      const schedule = { GroupName, Name, Target, ScheduleExpression, FlexibleTimeWindow };
      await scheduler.send(new UpdateScheduleCommand({ ...schedule, State: 'DISABLED' }));
    }
  }

  /** Lists the items that a poll could not turn into jobs. */
  async unprocessable(poll: PollSummary['poll']): Promise<readonly Unprocessable[]> {
    const keys = await this.#list(`unprocessable/${poll.rule}/${epochSeconds(poll)}/`, '.json');
    return Promise.all(keys.map(async (key) => unprocessableSchema.parse(await this.#readJson(key))));
  }

  /** Counts the messages in a region's queue, in flight or not, and in its dead-letter queue. */
  async queueDepths(region: string): Promise<{ jobs: number; deadLetters: number }> {
    const [jobs, deadLetters] = await Promise.all([
      this.#depth(region, 'jobs.fifo'),
      this.#depth(region, 'jobs-dead-letters.fifo'),
    ]);
    return { jobs, deadLetters };
  }

  async #awaitOutcomes(rule: string, seconds: number, expected: number): Promise<Outcome[]> {
    const deadline = Date.now() + POLL_TIMEOUT_MILLISECONDS;
    for (;;) {
      const outcomes = await this.#outcomes.ofPoll(rule, new Date(seconds * 1000));
      if (outcomes.length >= expected) return outcomes;
      if (Date.now() > deadline) {
        throw new Error(
          `${outcomes.length} of ${expected} findings of ${rule} have outcomes after ${POLL_TIMEOUT_MILLISECONDS / 1000} s`,
        );
      }
      await sleep(LOOK_INTERVAL_MILLISECONDS);
    }
  }

  async #list(prefix: string, suffix: string): Promise<string[]> {
    const keys: string[] = [];
    const pages = paginateListObjectsV2({ client: this.#s3 }, { Bucket: this.#bucket, Prefix: prefix });
    for await (const { Contents = [] } of pages) {
      keys.push(...Contents.flatMap(({ Key }) => (Key?.endsWith(suffix) === true ? Key : [])));
    }
    return keys;
  }

  async #readJson(key: string): Promise<unknown> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    return JSON.parse((await Body?.transformToString()) ?? '');
  }

  async #depth(region: string, suffix: string): Promise<number> {
    const client = new SQSClient({ ...this.#settings(), region, useQueueUrlAsEndpoint: false });
    const { QueueUrl } = await client.send(
      new GetQueueUrlCommand({ QueueName: `${this.#place.name}-${suffix}` }),
    );
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return Object.values(Attributes).reduce((total, value) => total + Number(value), 0);
  }

  get #bucket(): string {
    return this.#place.evidenceBucket;
  }

  #settings() {
    const { endpoint, account, homeRegion } = this.#place;
    return { endpoint, region: homeRegion, credentials: { accessKeyId: account, secretAccessKey: 'test' } };
  }
}
