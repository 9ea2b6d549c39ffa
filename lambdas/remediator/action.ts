import type { AwsSession } from '../aws/session.ts';
import type { Finding } from '../model/finding.ts';
import type { ChangeLimit } from '../model/limits.ts';
import type { Gate } from './gates/gate.ts';
import type { Moments } from './gates/moments.ts';
import type { PlannedFix } from './planned-fix.ts';
import type { Verdicts } from './verdict.ts';
import type { ConfiguredWork } from './work.ts';

/** The rights of a session: `read` can't change anything. */
export type Access = 'read' | 'write';

/** The results of an action. */
export interface Acted {
  readonly verdicts: Verdicts;
  /** The findings on which no automation execution works. */
  readonly idle: readonly Finding[];
  /** Number of resources that count as changed. */
  readonly counted?: number;
  /** The limits that held something back. */
  readonly reached?: readonly ChangeLimit[];
  /** The share of the account's limit that is used, in percent. */
  readonly accountLimitUsed?: number | undefined;
  /** The errors that stopped nothing, but must be seen. */
  readonly failures?: readonly unknown[];
}

/** The treatment of violations. */
export interface Action {
  readonly access: Access;
  /** The gates that each plan passes first. */
  readonly gates: readonly Gate<Moments['whenPlanned']>[];
  act(session: AwsSession, fixes: readonly PlannedFix[], work: ConfiguredWork): Promise<Acted>;
}
