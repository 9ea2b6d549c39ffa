import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { DescribeSecurityGroupRulesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientDefaults } from '../../lambdas/aws/client-defaults.ts';
import { EventBridgeClient, PutEventsCommand } from '../../lambdas/aws/eventbridge.ts';
import type { AwsSession } from '../../lambdas/aws/session.ts';
import { sessionClient } from '../../lambdas/aws/session-client.ts';
import { applyChange, inverseOf } from '../../lambdas/changes/index.ts';
import { systemClock } from '../../lambdas/model/clock.ts';
import { EVENT_SOURCE, FINDING_OUTCOME } from '../../lambdas/model/event-names.ts';
import { outcomesKey } from '../../lambdas/model/evidence-keys.ts';
import { type Job, jobId, pollSchema } from '../../lambdas/model/job.ts';
import { type Outcome, outcomeSchema } from '../../lambdas/model/outcome.ts';
import type { Outputs } from './deployment.ts';

const RULE = 'security-group-ssh-open';

interface StepOptions {
  readonly name: string;
  readonly region: string;
  readonly say: (line: string) => void;
}

/** The steps of a smoke test in a deployment, in order. Each throws if AWS does not behave as expected. */
export class Steps {
  readonly #outputs: Outputs;
  readonly #options: StepOptions;
  #remediation: Outcome | undefined;

  constructor(outputs: Outputs, options: StepOptions) {
    this.#outputs = outputs;
    this.#options = options;
  }

  /** Checks that a dry run plans, and changes nothing. */
  async planned(): Promise<void> {
    const before = await this.#opens22();
    const { outcome, reason, plan } = await this.#outcomeOfAJob();
    if (outcome !== 'planned') throw new Error(`expected planned, got ${outcome}: ${reason}`);
    if (!before || !(await this.#opens22())) throw new Error('a dry run must change nothing');
    this.#options.say(`planned: ${plan.map(({ line }) => line).join('; ')}`);
  }

  /** Checks that enforcement closes port 22. The remediator caches settings for seconds, and only plans until then. */
  async remediated(): Promise<void> {
    const outcome = await waitFor('an outcome other than planned', 120, async () => {
      const result = await this.#outcomeOfAJob();
      return result.outcome === 'planned' ? undefined : result;
    });
    if (outcome.outcome !== 'remediated') {
      throw new Error(`expected remediated, got ${outcome.outcome}: ${outcome.reason}`);
    }
    if (await this.#opens22()) throw new Error('the outcome is remediated, and port 22 is still open');
    this.#remediation = outcome;
    this.#options.say(`remediated: ${outcome.applied.map(({ line }) => line).join('; ')}`);
  }

  /** Checks that the inverses of the applied changes restore the security group. */
  async undone(): Promise<void> {
    const { account } = this.#outputs;
    const { region } = this.#options;
    const session: AwsSession = {
      account,
      region,
      partition: region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws',
      maker: 'smoke test',
      now: () => new Date(),
      turn: async () => {},
      sleep: (milliseconds) => systemClock.sleep(milliseconds),
      client: (Client, place = region) => sessionClient(Client, { ...clientDefaults, region: place }),
      calls: [],
    };
    for (const { change } of [...(this.#remediation?.applied ?? [])].reverse()) {
      const inverse = await inverseOf(change);
      if (inverse !== undefined) await applyChange(session, inverse);
    }
    await waitFor('port 22 to be open again', 60, async () => (await this.#opens22()) || undefined);
    this.#options.say('undone: the security group is as it was');
  }

  /** Checks that EventBridge delivers a failed finding to the topic, as it does every notification. */
  async notified(): Promise<void> {
    const { account, event_bus: bus, heard_queue_url: QueueUrl, security_group: resource } = this.#outputs;
    const { name, region } = this.#options;
    const reason = `this is a test of ${name}, not a failure`;
    const detail = {
      outcome: 'failed',
      reason,
      poll: { rule: RULE },
      finding: { rule: RULE, account, region, resource },
    };
    await new EventBridgeClient({ region }).send(
      new PutEventsCommand({
        Entries: [
          {
            Source: EVENT_SOURCE,
            DetailType: FINDING_OUTCOME,
            Detail: JSON.stringify(detail),
            EventBusName: bus,
          },
        ],
      }),
    );
    const sqs = new SQSClient({ region, useQueueUrlAsEndpoint: false });
    const heard = await waitFor('the notification', 120, async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
      return Messages.map(({ Body = '' }) => Body).find((body) => body.includes(reason));
    });
    this.#options.say(`notified: ${heard}`);
  }

  /** Sends a job of a poll at the current time, and waits for the outcome of its finding. */
  async #outcomeOfAJob(): Promise<Outcome> {
    const { account, queue_url: QueueUrl, evidence_bucket: Bucket, security_group: resource } = this.#outputs;
    const { region } = this.#options;
    const poll = pollSchema.parse({ rule: RULE, asOf: new Date().toISOString() });
    const finding = { rule: RULE, account, region, resource };
    const job: Job = { version: 1, poll, account, region, chunk: 0, findings: [finding] };
    await new SQSClient({ region, useQueueUrlAsEndpoint: false }).send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: JSON.stringify(job),
        MessageGroupId: account,
        MessageDeduplicationId: jobId(job),
      }),
    );
    const s3 = new S3Client({ region, forcePathStyle: true });
    const Key = outcomesKey(poll, jobId(job), 1);
    return waitFor('an outcome in the evidence bucket', 180, async () => {
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
        return outcomeSchema.parse(JSON.parse(gunzipSync(bytes).toString()));
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  async #opens22(): Promise<boolean> {
    const { SecurityGroupRules = [] } = await new EC2Client({ region: this.#options.region }).send(
      new DescribeSecurityGroupRulesCommand({
        Filters: [{ Name: 'group-id', Values: [this.#outputs.security_group] }],
      }),
    );
    return SecurityGroupRules.some(
      ({ IsEgress, CidrIpv4, FromPort = 0, ToPort = 0 }) =>
        IsEgress !== true && CidrIpv4 === '0.0.0.0/0' && FromPort <= 22 && ToPort >= 22,
    );
  }
}

/** Repeats a check until it returns a value. */
async function waitFor<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}, but it did not appear`);
    await sleep(2000);
  }
}
