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

/** A source of the settings of a rule. */
export interface SettingsSource {
  /** @throws SettingsError when they can't be read, don't fit together or don't parse */
  read(rule: string): Promise<Settings>;
  /**
   * Reads the pause parameter's value, at most some seconds old.
   * @throws SettingsError when it can't be read
   */
  pause(): Promise<string>;
}

/** All that the remediator uses outside itself. */
export interface Ports {
  readonly settings: SettingsSource;
  readonly evidence: EvidenceStore;
  readonly table: FindingsStore;
  readonly counts: Pick<LimitCounts, 'read' | 'reserve' | 'release' | 'keep' | 'forget'>;
  readonly clock: Clock;
  openSession(request: SessionRequest): Promise<AwsSession>;
  /** The role that Systems Manager Automation works as in an account. */
  automationRoleArn(account: string): string;
  /** Puts a job back on its queue after a while. */
  lookAgain(job: Job, delaySeconds: number): Promise<void>;
  /**
   * Acts on requests of operators that wait behind the jobs of an account. What goes wrong with them is not an error of the job.
   * @returns whether anything may have changed
   */
  actOnPending(pending: PendingItem['requests'], place: RequestPlace): Promise<boolean>;
  /** Knowledge of accounts without the target role. */
  readonly roles: Pick<MissingRoles, 'report' | 'claimProbe' | 'forget'>;
  /** Publishes that a rule is held back, once each time. */
  readonly publishNotice: Notices['publish'];
  /** Puts outcomes on the event bus. */
  publish(publication: Publication): Promise<void>;
}

/** One delivery of a job. */
export interface Attempt {
  /** Number of deliveries of the job, this one included. */
  readonly number: number;
  /** True if the job goes to the dead-letter queue if this attempt does not finish it. */
  readonly last: boolean;
  /** Tells how long the function may still work, in milliseconds. */
  remainingMilliseconds(): number;
}
