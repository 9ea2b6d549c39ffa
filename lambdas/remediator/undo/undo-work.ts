import { createHash } from 'node:crypto';
import { outcomesKey } from '../../model/evidence-keys.ts';
import type { Fix, RequestMessage, RequestName, UndoRequest } from '../../model/requests.ts';
import type { Attempt, Ports } from '../ports.ts';
import type { RequestLease } from './request-lease.ts';
import type { RequestsStore } from './requests-store.ts';
import type { UndoSessions } from './undo-sessions.ts';

/** Dependencies of the code that carries out requests. */
export interface RequestPorts
  extends Pick<
    Ports,
    'automationRoleArn' | 'clock' | 'evidence' | 'openSession' | 'publish' | 'settings' | 'table'
  > {
  readonly requests: RequestsStore;
  /** True in the home region, whose remediator works on findings without a region. */
  readonly isHome: boolean;
  /** Sends a request's message to the queue with a delay. */
  sendAgain(message: RequestMessage, delaySeconds: number): Promise<void>;
}

/** Values that every stage of an undo needs. */
export interface UndoWork {
  readonly name: RequestName;
  readonly request: UndoRequest;
  readonly attempt: Attempt;
  /** Time at which the first attempt began the request. */
  readonly beganAt: string;
  readonly ports: RequestPorts;
  readonly lease: RequestLease;
  readonly sessions: UndoSessions;
  /** Resources with undos of newer fixes that are still in progress in AWS. The undos of older fixes wait for them. */
  readonly busy: Set<string>;
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * The name of the journal of a fix's undo. All requests to undo the fix share it, so that a later one continues where
 * an earlier one stopped.
 */
export function undoJournalId({ account }: UndoRequest, { rule, region, resource, evidence }: Fix): string {
  return digest(['undo', rule, account, region, resource, evidence]);
}

/** The key of the object that contains the outcome of a fix's undo by one request. */
export function undoEvidenceKey({ name, request }: Pick<UndoWork, 'name' | 'request'>, fix: Fix): string {
  const id = digest([undoJournalId(request, fix), name.principal, name.id]);
  return outcomesKey({ asOf: request.at, rule: fix.rule }, id, 1);
}
