import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm';
import { clientDefaults } from '../aws/client-defaults.ts';
import { publishOutcomes } from '../aws/event-bus.ts';
import { EventBridgeClient } from '../aws/eventbridge.ts';
import { EvidenceObjects } from '../aws/evidence-objects.ts';
import type { JobQueue } from '../aws/job-queue.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import type { Job } from '../model/job.ts';
import { outcomeEvent } from '../model/outcome-event.ts';
import type { Environment } from './environment.ts';
import { EvidenceBucket, outcomeKey } from './evidence.ts';
import { ParameterSettings } from './parameter-settings.ts';
import { type JobResult, remediate } from './remediate.ts';
import { type SessionLog, Sessions } from './session.ts';
import type { Attempt, Surroundings } from './surroundings.ts';

/** Works on a job: see `remediate`. */
export type Remediator = (job: Job, attempt: Attempt) => Promise<JobResult>;

/** Puts the remediator together, with AWS around it. */
export function createRemediator(
  environment: Environment,
  queue: Pick<JobQueue, 'sendLater'>,
  logger: SessionLog,
  clock: Clock = systemClock,
): Remediator {
  const { AUTOMATION_ROLE_NAME, PARTITION } = environment;
  const { AWS_REGION, HOME_REGION, NAME, EVIDENCE_BUCKET, EVENT_BUS_ARN, SECURITY_ACCOUNT_ID } = environment;
  const sessions = new Sessions(environment, clock, logger);
  const bus = new EventBridgeClient({ ...clientDefaults, region: HOME_REGION });
  const parameters = new SSMProvider({ clientConfig: { ...clientDefaults, region: AWS_REGION } });
  const objects = new EvidenceObjects({
    bucket: EVIDENCE_BUCKET,
    owner: SECURITY_ACCOUNT_ID,
    region: HOME_REGION,
    clientOptions: clientDefaults,
  });
  const surroundings: Surroundings = {
    clock,
    settings: new ParameterSettings(parameters, NAME, clock),
    evidence: new EvidenceBucket(objects),
    openSession: (request) => sessions.open(request),
    automationRoleArn: (account) => `arn:${PARTITION}:iam::${account}:role/${AUTOMATION_ROLE_NAME}`,
    lookAgain: (job, delaySeconds) => queue.sendLater(job, delaySeconds),
    tell(outcomes) {
      const events = outcomes.map((outcome) => {
        const evidence = `s3://${EVIDENCE_BUCKET}/${outcomeKey(outcome.poll, outcome.finding)}`;
        return outcomeEvent(outcome, evidence);
      });
      return publishOutcomes(bus, EVENT_BUS_ARN, events, clock);
    },
  };
  return (job, attempt) => remediate(job, attempt, surroundings);
}
