/**
 * The form in which the modules deploy the product: names, environment variables, queues, settings. With it, the harness
 * sets up the product without Terraform. `test/e2e/single-account.test.ts` fails when it no longer matches what Terraform
 * creates.
 */

/** A deployment's name, its security account and its home region. */
export interface DeployedPlace {
  readonly name: string;
  readonly account: string;
  readonly homeRegion: string;
}

export function evidenceBucketName({ name, account, homeRegion }: DeployedPlace): string {
  return `${name}-evidence-${account}-${homeRegion}`;
}

export function findingsTableName({ name }: DeployedPlace): string {
  return `${name}-findings`;
}

export function settingsBucketName({ name, account, homeRegion }: DeployedPlace): string {
  return `${name}-settings-${account}-${homeRegion}`;
}

export function tokenSecretName({ name }: DeployedPlace): string {
  return `${name}/netskope-api-token`;
}

export function eventBusArn({ name, account, homeRegion }: DeployedPlace): string {
  return `arn:aws:events:${homeRegion}:${account}:event-bus/${name}`;
}

export function targetRoleName({ name }: DeployedPlace): string {
  return `${name}-remediation`;
}

export function automationRoleName({ name }: DeployedPlace): string {
  return `${name}-automation`;
}

export const jobQueues = ['jobs.fifo', 'jobs-dead-letters.fifo', 'jobs-delayed'] as const;
export type JobQueue = (typeof jobQueues)[number];

export function queueName({ name }: DeployedPlace, queue: JobQueue): string {
  return `${name}-${queue}`;
}

/** Attributes of the queue of jobs, except for its visibility timeout. */
export function jobQueueAttributes(
  place: DeployedPlace,
  region: string,
  maxReceiveCount: number,
): Record<string, string> {
  return {
    FifoQueue: 'true',
    DeduplicationScope: 'messageGroup',
    FifoThroughputLimit: 'perMessageGroupId',
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: `arn:aws:sqs:${region}:${place.account}:${queueName(place, 'jobs-dead-letters.fifo')}`,
      maxReceiveCount,
    }),
  };
}

export interface CollectorValues {
  readonly netskopeUrl: string;
  readonly secretArn: string;
  readonly regions: readonly string[];
  readonly regionLabels: Readonly<Record<string, string>>;
  /** Schedule expressions by rule. */
  readonly schedules: Readonly<Record<string, string>>;
}

/** The variables that `modules/central/collector.tf` sets. */
export function collectorEnvironment(place: DeployedPlace, values: CollectorValues): Record<string, string> {
  return {
    ...commonEnvironment(place, 'collector'),
    FINDINGS_TABLE: findingsTableName(place),
    POLL_SCHEDULES: JSON.stringify(values.schedules),
    SCHEDULE_TIME_ZONE: 'UTC',
    NETSKOPE_URL: values.netskopeUrl,
    NETSKOPE_TOKEN_SECRET_ARN: values.secretArn,
    REGIONS: JSON.stringify(values.regions),
    REGION_LABELS: JSON.stringify(values.regionLabels),
  };
}

export interface RemediatorValues {
  readonly maxReceiveCount: number;
  readonly retryDelaySeconds: number;
}

/** The variables that `modules/per-region/remediator.tf` sets. */
export function remediatorEnvironment(
  place: DeployedPlace,
  values: RemediatorValues,
): Record<string, string> {
  return {
    ...commonEnvironment(place, 'remediator'),
    FINDINGS_TABLE: findingsTableName(place),
    SETTINGS_BUCKET: settingsBucketName(place),
    COLLECTOR_ROLE_ID: 'AROACOLLECTOR',
    TARGET_ROLE_NAME: targetRoleName(place),
    AUTOMATION_ROLE_NAME: automationRoleName(place),
    EXTERNAL_ID: `${place.name}-${place.account}`,
    MAX_RECEIVE_COUNT: String(values.maxReceiveCount),
    RETRY_DELAY_SECONDS: String(values.retryDelaySeconds),
  };
}

function commonEnvironment(place: DeployedPlace, functionName: string): Record<string, string> {
  return {
    NAME: place.name,
    HOME_REGION: place.homeRegion,
    SECURITY_ACCOUNT_ID: place.account,
    PARTITION: 'aws',
    EVIDENCE_BUCKET: evidenceBucketName(place),
    EVENT_BUS_ARN: eventBusArn(place),
    POWERTOOLS_SERVICE_NAME: `${place.name}-${functionName}`,
    POWERTOOLS_METRICS_NAMESPACE: 'CspmAutoRemediation',
  };
}
