import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm';
import { EventBridgeClient } from '../aws/eventbridge.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { FINDING_OUTCOME, publish } from '../shared/events.ts';
import type { Job } from '../shared/job.ts';
import { outcomeEvent } from '../shared/outcome.ts';
import type { Environment } from './environment.ts';
import { EvidenceBucket, outcomeKey } from './evidence.ts';
import { ParameterSettings } from './parameter-settings.ts';
import { type Attempt, type JobResult, remediate } from './remediate.ts';
import { clientDefaults, Sessions } from './session.ts';

/** Works on a job, and tells the event bus what came of it. */
export type Remediator = (job: Job, attempt: Attempt) => Promise<JobResult>;

/** Puts the remediator together, with AWS around it. */
export function createRemediator(environment: Environment, clock: Clock = systemClock): Remediator {
  const { AWS_REGION, HOME_REGION, NAME, EVIDENCE_BUCKET, EVENT_BUS_ARN, SECURITY_ACCOUNT_ID } = environment;
  const sessions = new Sessions(environment, clock);
  const bus = new EventBridgeClient({ ...clientDefaults, region: HOME_REGION });
  const parameters = new SSMProvider({ clientConfig: { ...clientDefaults, region: AWS_REGION } });
  const surroundings = {
    clock,
    settings: new ParameterSettings(parameters, NAME, clock),
    evidence: new EvidenceBucket(EVIDENCE_BUCKET, SECURITY_ACCOUNT_ID, HOME_REGION),
    openSession: sessions.open.bind(sessions),
  };
  return async (job, attempt) => {
    const result = await remediate(job, attempt, surroundings);
    const events = result.outcomes.map((outcome) => {
      const evidence = `s3://${EVIDENCE_BUCKET}/${outcomeKey(outcome.poll, outcome.finding)}`;
      return { detailType: FINDING_OUTCOME, detail: outcomeEvent(outcome, evidence) };
    });
    await publish(bus, EVENT_BUS_ARN, events, clock);
    return result;
  };
}
