import type { AwsSession } from '../aws/session.ts';
import type { Clock } from '../model/clock.ts';
import type { Job } from '../model/job.ts';
import type { PendingItem } from '../model/requests.ts';
import type { Settings } from '../model/settings.ts';
import type { EvidenceStore } from './record/evidence-store.ts';
import type { FindingsStore } from './record/findings-store.ts';
import type { LimitCounts } from './record/limit-counts.ts';
import type { MissingRoles } from './record/missing-roles.ts';
import type { Notices } from './record/notices.ts';
import type { Publication } from './record/publish.ts';
import type { SessionRequest } from './session.ts';
import type { RequestPlace } from './undo/requests-store.ts';

/** Source of the settings of a rule. */
export interface SettingsSource {
  /** @throws SettingsError if they can't be read, can't be parsed, or don't match each other */
  read(rule: string): Promise<Settings>;
  /**
   * Reads the pause parameter's value, which is at most some seconds old.
   * @throws SettingsError if it can't be read
   */
  pause(): Promise<string>;
}

/** Dependencies of the remediator. */
export interface Ports {
  readonly settings: SettingsSource;
  readonly evidence: EvidenceStore;
  readonly table: FindingsStore;
  readonly counts: Pick<LimitCounts, 'read' | 'reserve' | 'release' | 'keep' | 'forget'>;
  readonly clock: Clock;
  openSession(request: SessionRequest): Promise<AwsSession>;
  /** Returns the ARN of the role for Systems Manager Automation in an account. */
  automationRoleArn(account: string): string;
  /** Sends a job to the queue with a delay. */
  lookAgain(job: Job, delaySeconds: number): Promise<void>;
  /**
   * Carries out operators' requests that wait behind the jobs of an account. Their errors do not affect the job.
   * @returns whether anything may have changed
   */
  actOnPending(pending: PendingItem['requests'], place: RequestPlace): Promise<boolean>;
  /** Records of accounts that lack the target role. */
  readonly roles: Pick<MissingRoles, 'report' | 'claimProbe' | 'forget'>;
  /** Publishes a notice, once per occurrence. */
  readonly publishNotice: Notices['publish'];
  /** Publishes outcomes to the event bus. */
  publish(publication: Publication): Promise<void>;
}

/** One delivery of a job. */
export interface Attempt {
  /** Number of deliveries of the job, including this one. */
  readonly number: number;
  /** True if the job goes to the dead-letter queue unless this attempt finishes it. */
  readonly last: boolean;
  /** Returns the remaining time of the function, in milliseconds. */
  remainingMilliseconds(): number;
}
