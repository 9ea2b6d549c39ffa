import type { AwsSession } from '../aws/session.ts';
import type { Finding } from '../model/finding.ts';
import type { ChangeLimit } from '../model/limits.ts';
import type { Gate } from './gates/gate.ts';
import type { Moments } from './gates/moments.ts';
import type { PlannedFix } from './planned-fix.ts';
import type { Verdicts } from './verdict.ts';
import type { ConfiguredWork } from './work.ts';

/** Permissions of a session. With `read`, it can't change anything. */
export type Access = 'read' | 'write';

/** Results of an action. */
export interface Acted {
  readonly verdicts: Verdicts;
  /** The findings for which no automation execution is running. */
  readonly idle: readonly Finding[];
  /** Number of resources that were or may have been changed. */
  readonly counted?: number;
  /** The limits that deferred a fix. */
  readonly reached?: readonly ChangeLimit[];
  /** The used percentage of the account's limit. */
  readonly accountLimitUsed?: number | undefined;
  /** Errors that affect no verdict, but must be reported. */
  readonly failures?: readonly unknown[];
}

/** Action on violations, which depends on the mode. */
export interface Action {
  readonly access: Access;
  /** The gates that each plan must pass first. */
  readonly gates: readonly Gate<Moments['whenPlanned']>[];
  act(session: AwsSession, fixes: readonly PlannedFix[], work: ConfiguredWork): Promise<Acted>;
}
