import { clientDefaults } from '../aws/client-defaults.ts';
import { publishNotice, publishRoleMissing } from '../aws/event-bus.ts';
import { EventBridgeClient } from '../aws/eventbridge.ts';
import { EvidenceObjects } from '../aws/evidence-objects.ts';
import { FindingsTable } from '../aws/findings-table.ts';
import type { JobQueue } from '../aws/job-queue.ts';
import { ParameterStore } from '../aws/parameter-store.ts';
import { SettingsObjects } from '../aws/settings-objects.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { LeaseHeldError } from '../model/errors.ts';
import type { Job } from '../model/job.ts';
import type { RequestMessage } from '../model/requests.ts';
import type { Environment } from './environment.ts';
import { investigate } from './investigate.ts';
import { comesBack, type JobResult, nothingLeft } from './job-result.ts';
import { ObjectSettings } from './object-settings.ts';
import type { Attempt, Ports } from './ports.ts';
import { EvidenceBucket } from './record/evidence.ts';
import { FindingsRecord } from './record/findings-record.ts';
import { LimitCounts } from './record/limit-counts.ts';
import { MissingRoles } from './record/missing-roles.ts';
import { Notices } from './record/notices.ts';
import { type Publication, publishWithEvidence } from './record/publish.ts';
import { RequestsRecord } from './record/requests-record.ts';
import { remediate } from './remediate.ts';
import { type OpenSession, type SessionLog, Sessions } from './session.ts';
import { actBeforePuttingBack, actOnPending } from './undo/act-on-pending.ts';
import { type Answer, actOnRequest } from './undo/act-on-request.ts';

/** Parts of the function that process messages. */
export interface Remediator {
  /** Processes a job: see `remediate`. */
  remediate(job: Job, attempt: Attempt): Promise<JobResult>;
  /** Carries out the request that a message names: see `actOnRequest`. */
  act(message: RequestMessage, attempt: Attempt): Promise<Answer>;
}

/** Creates the remediator with its connections to AWS. */
export function createRemediator(
  environment: Environment,
  queue: Pick<JobQueue, 'sendLater'>,
  logger: SessionLog,
  clock: Clock = systemClock,
): Remediator {
  const sessions = new Sessions(environment, clock, logger);
  const { ports, requests } = portsOf(environment, queue, clock);
  const withSessions = closingSessions(sessions);
  const act: Remediator['act'] = (message, attempt) =>
    withSessions(attempt, (openSession) =>
      actOnRequest(message, attempt, {
        ...ports,
        openSession,
        requests,
        isHome: environment.AWS_REGION === environment.HOME_REGION,
        sendAgain: (again, delaySeconds) => queue.sendLater(again, delaySeconds),
      }),
    );
  return {
    act,
    remediate: (job, attempt) =>
      withSessions(attempt, async (openSession) => {
        const pending: Ports['actOnPending'] = (names, place) =>
          actOnPending(names, place, attempt, { clock, requests }, act);
        const all = { ...ports, openSession, actOnPending: pending };
        if (job.investigates !== undefined) {
          const lines = await investigate(job, attempt, all);
          for (const line of lines) logger.warn(line);
          return nothingLeft;
        }
        const beforePuttingBack = () => actBeforePuttingBack(job, attempt, { clock, requests }, act);
        try {
          const result = await remediate(job, attempt, all);
          if (comesBack(result)) await beforePuttingBack();
          return result;
        } catch (error) {
          // The account's message group waits until the lease has expired. The attempt that took the lease has ended,
          // because SQS delivers the messages of a group one at a time.
          if (error instanceof LeaseHeldError) await beforePuttingBack();
          throw error;
        }
      }),
  };
}

/** Returns a function that runs work with sessions, and closes them when the work has ended. */
function closingSessions(sessions: Sessions) {
  return async <T>(attempt: Attempt, work: (openSession: Ports['openSession']) => Promise<T>): Promise<T> => {
    const opened: OpenSession[] = [];
    const openSession: Ports['openSession'] = async (request) => {
      const session = await sessions.open({ ...request, signal: endOfCalls(attempt) });
      opened.push(session);
      return session;
    };
    try {
      return await work(openSession);
    } finally {
      for (const session of opened) session.close();
    }
  };
}

/** Creates the dependencies that are shared by all attempts. */
function portsOf(
  environment: Environment,
  queue: Pick<JobQueue, 'sendLater'>,
  clock: Clock,
): {
  readonly ports: Omit<Ports, 'actOnPending' | 'openSession'>;
  readonly requests: RequestsRecord;
} {
  const { AUTOMATION_ROLE_NAME, PARTITION } = environment;
  const { AWS_REGION, HOME_REGION, NAME, SECURITY_ACCOUNT_ID } = environment;
  const { EVIDENCE_BUCKET, SETTINGS_BUCKET, FINDINGS_TABLE, EVENT_BUS_ARN } = environment;
  const bus = new EventBridgeClient({ ...clientDefaults, region: HOME_REGION });
  const parameters = new ParameterStore({ region: AWS_REGION, clientOptions: clientDefaults });
  const home = { owner: SECURITY_ACCOUNT_ID, region: HOME_REGION, clientOptions: clientDefaults };
  const objects = new EvidenceObjects({ ...home, bucket: EVIDENCE_BUCKET });
  const settings = new SettingsObjects({ ...home, bucket: SETTINGS_BUCKET });
  const table = new FindingsTable({
    table: FINDINGS_TABLE,
    region: HOME_REGION,
    clientOptions: clientDefaults,
    clock,
  });
  const missingRoles = new MissingRoles(
    table,
    (event) => publishRoleMissing(bus, EVENT_BUS_ARN, event, clock),
    clock,
  );
  const notices = new Notices(table, (notice) => publishNotice(bus, EVENT_BUS_ARN, notice, clock), clock);
  const ports = {
    clock,
    settings: new ObjectSettings(settings, parameters, NAME, clock),
    evidence: new EvidenceBucket(objects),
    table: new FindingsRecord(table, clock),
    counts: new LimitCounts(table, clock),
    automationRoleArn: (account: string) => `arn:${PARTITION}:iam::${account}:role/${AUTOMATION_ROLE_NAME}`,
    lookAgain: (job: Job, delaySeconds: number) => queue.sendLater(job, delaySeconds),
    roles: missingRoles,
    publishNotice: (...notice: Parameters<Notices['publish']>) => notices.publish(...notice),
    publish: (publication: Publication) => {
      const place = { client: bus, busArn: EVENT_BUS_ARN, evidenceBucket: EVIDENCE_BUCKET, clock };
      return publishWithEvidence(place, publication);
    },
  };
  return { ports, requests: new RequestsRecord(table, clock) };
}

/** Time that is reserved for recording. Calls in target accounts are aborted when it begins. */
const RECORDING_MILLISECONDS = 15_000;

function endOfCalls(attempt: Attempt): AbortSignal {
  return AbortSignal.timeout(Math.max(0, attempt.remainingMilliseconds() - RECORDING_MILLISECONDS));
}
