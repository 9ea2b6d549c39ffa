import {
  EventBridgeClient,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Target,
} from '@aws-sdk/client-eventbridge';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { KeyJudge } from './keys.ts';
import { LocalAwsState } from './local-aws.ts';
import { type PolicyDocument, parsePolicy } from './policy.ts';
import { simulate } from './simulate.ts';

/** A delivery by an EventBridge rule, to a target or to the target's dead-letter queue. */
export interface Delivery {
  /** The rule's ARN. */
  readonly rule: string;
  /** The ARN of the topic or the queue. */
  readonly to: string;
  readonly allowed: boolean;
}

const EVENTS = 'events.amazonaws.com';

/**
 * Reduces a topic's or a key's policy to the statements that allow EventBridge to deliver, which must have no conditions:
 * EventBridge user guide, "Amazon SNS permissions", and SNS developer guide, "Key management".
 */
function withoutConditionalAllows(policy: PolicyDocument): PolicyDocument {
  return {
    ...policy,
    Statement: policy.Statement.filter(
      ({ Effect, Condition }) => Effect === 'Deny' || Condition === undefined,
    ),
  };
}

/** Judges deliveries by AWS's services on their own behalf, which no proxy sees: EventBridge to topics and queues. */
export class DeliveryJudge {
  readonly #account: string;
  readonly #region: string;
  readonly #state: LocalAwsState;
  readonly #events: EventBridgeClient;
  readonly #sns: SNSClient;
  readonly #kms: KMSClient;
  readonly #keys: KeyJudge;

  /** @param endpoint the local AWS itself, whose policies are evaluated */
  constructor(endpoint: string, account: string, region: string) {
    this.#account = account;
    this.#region = region;
    this.#state = new LocalAwsState(() => endpoint);
    const settings = { endpoint, region, credentials: { accessKeyId: account, secretAccessKey: 'test' } };
    this.#events = new EventBridgeClient(settings);
    this.#sns = new SNSClient(settings);
    this.#kms = new KMSClient(settings);
    this.#keys = new KeyJudge(endpoint, account, region);
  }

  /** Every delivery to a topic or a queue, for all rules on all buses of the account and region. */
  async deliveries(): Promise<readonly Delivery[]> {
    const deliveries: Delivery[] = [];
    const { EventBuses = [] } = await this.#events.send(new ListEventBusesCommand({}));
    for (const { Name: EventBusName } of EventBuses) {
      const { Rules = [] } = await this.#events.send(new ListRulesCommand({ EventBusName }));
      for (const { Name: Rule, Arn = '' } of Rules) {
        const { Targets = [] } = await this.#events.send(
          new ListTargetsByRuleCommand({ Rule, EventBusName }),
        );
        for (const to of Targets.flatMap(destinations)) {
          deliveries.push({ rule: Arn, to, allowed: await this.#isAllowed(Arn, to) });
        }
      }
    }
    return deliveries;
  }

  async #isAllowed(rule: string, to: string): Promise<boolean> {
    if (to.includes(':sns:')) return this.#isTopicReached(rule, to);
    const policy = await this.#state.resourcePolicy(to, this.#account);
    if (policy === undefined || !(await this.#allows(policy, 'sqs:SendMessage', to, rule))) return false;
    const key = await this.#keys.keyOf(to);
    return key === undefined || this.#isKeyUsable(key, await this.#keyPolicy(key), rule);
  }

  async #isTopicReached(rule: string, TopicArn: string): Promise<boolean> {
    const { Attributes = {} } = await this.#sns.send(new GetTopicAttributesCommand({ TopicArn }));
    const { Policy, KmsMasterKeyId: key } = Attributes;
    if (Policy === undefined) return false;
    const policy = withoutConditionalAllows(parsePolicy(Policy));
    if (!(await this.#allows(policy, 'sns:Publish', TopicArn, rule))) return false;
    if (key === undefined || key === '') return true;
    // AWS's own key only allows SNS's callers, not services: SNS developer guide, "Key management".
    if (key.startsWith('alias/aws/')) return false;
    return this.#isKeyUsable(key, withoutConditionalAllows(await this.#keyPolicy(key)), rule);
  }

  async #isKeyUsable(key: string, keyPolicy: PolicyDocument, rule: string): Promise<boolean> {
    const uses = ['kms:Decrypt', 'kms:GenerateDataKey'].map((use) => this.#allows(keyPolicy, use, key, rule));
    return (await Promise.all(uses)).every(Boolean);
  }

  async #allows(policy: PolicyDocument, action: string, resource: string, rule: string): Promise<boolean> {
    const { analysis } = await simulate({
      principal: EVENTS,
      action,
      resource,
      account: this.#account,
      conditions: {
        'aws:RequestedRegion': this.#region,
        'aws:SecureTransport': 'true',
        'aws:SourceAccount': this.#account,
        'aws:SourceArn': rule,
      },
      identityPolicies: [],
      resourcePolicy: policy,
    });
    return analysis.result === 'Allowed';
  }

  async #keyPolicy(KeyId: string): Promise<PolicyDocument> {
    const { Policy = '' } = await this.#kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
    return parsePolicy(Policy);
  }
}

/** The topics and queues of a target. Other buses are reached with a role, whose policies the permission judge evaluates. */
function destinations({ Arn = '', DeadLetterConfig }: Target): string[] {
  return [Arn, DeadLetterConfig?.Arn ?? ''].filter((arn) => /^arn:[^:]+:(sns|sqs):/.test(arn));
}
