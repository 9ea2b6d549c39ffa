import { z } from 'zod';
import type { AwsSession } from '../../../../lambdas/aws/session.ts';
import type { SessionRequest } from '../../../../lambdas/remediator/session.ts';
import { AwsModelError } from '../../../lab/aws-model/operation.ts';
import { modelSession, networkError } from '../../../lab/aws-model/session.ts';
import type { Lifeline } from './lifeline.ts';

export const NOW = Date.parse('2026-06-30T12:00:00Z');

export type Status = 'Active' | 'Inactive';

/**
 * Fault of a call. `cut`: it never arrives. `lost`: it takes effect, but its answer is lost. `no
 * effect`: AWS reports success, but does nothing.
 */
export type Fault = { readonly code: string; readonly status?: number } | 'cut' | 'lost' | 'no effect';

export interface Call {
  readonly operation: string;
  readonly user: string;
  readonly key: string;
}

/** Access keys are too old to be active, except for those with names that begin with `new`. */
const created = (key: string): string => (key.startsWith('new') ? '2026-06-01' : '2025-01-01');

const inputSchema = z.looseObject({
  UserName: z.string().optional(),
  AccessKeyId: z.string().default(''),
  Status: z.enum(['Active', 'Inactive']).optional(),
});

/**
 * IAM users of an account in memory, with their access keys, behind the SDK's clients. A finding
 * of `iam-access-key-unrotated` names a user, and its plan has a change for each old key that is active.
 */
export class IamAccount {
  /** Statuses, by user and key. */
  readonly users = new Map<string, Map<string, Status>>();
  readonly tags = new Map<string, Record<string, string>>();
  /** Changed keys, in order: `user/key`. */
  readonly changed: string[] = [];
  readonly calls: Call[] = [];
  readonly sessions: SessionRequest[] = [];
  fault: (call: Call) => Fault | undefined = () => undefined;

  constructor(users: Readonly<Record<string, readonly string[]>> = {}) {
    for (const [user, keys] of Object.entries(users)) {
      this.users.set(user, new Map(keys.map((key) => [key, 'Active'])));
    }
  }

  /** The keys that violate the rule. */
  oldKeys(user: string): string[] {
    return [...(this.users.get(user) ?? [])].flatMap(([key, status]) =>
      status === 'Active' && !key.startsWith('new') ? [key] : [],
    );
  }

  /** The called operations, without those before `since`. */
  operations(since = 0): string[] {
    return this.calls.slice(since).map(({ operation }) => operation);
  }

  open(request: SessionRequest, now: () => number, life: Lifeline): AwsSession {
    this.sessions.push(request);
    return modelSession(request, now, ({ operation, input }) =>
      life.step(() => this.#answer(operation, input)),
    );
  }

  #answer(operation: string, given: unknown): object {
    const input = inputSchema.parse(given);
    const key = input.AccessKeyId;
    const user = input.UserName ?? this.#userOf(key);
    const call = { operation, user, key };
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'cut') throw networkError();
    if (typeof fault === 'object') throw new AwsModelError(fault.code, 'by fault', fault.status ?? 400);
    const keys = this.users.get(user);
    if (keys === undefined) throw new AwsModelError('NoSuchEntityException', 'no such user', 404);
    if (operation === 'UpdateAccessKey' && fault !== 'no effect') {
      keys.set(key, input.Status === 'Active' ? 'Active' : 'Inactive');
      this.changed.push(`${user}/${key}`);
    }
    if (fault === 'lost') throw networkError();
    return this.#output(operation, user);
  }

  #output(operation: string, user: string): object {
    if (operation === 'ListAccessKeys') {
      const AccessKeyMetadata = [...(this.users.get(user) ?? [])].map(([key, status]) => ({
        UserName: user,
        AccessKeyId: key,
        Status: status,
        CreateDate: new Date(`${created(key)}T00:00:00Z`),
      }));
      return { AccessKeyMetadata, IsTruncated: false };
    }
    if (operation === 'ListUserTags') {
      const Tags = Object.entries(this.tags.get(user) ?? {}).map(([Key, Value]) => ({ Key, Value }));
      return { Tags, IsTruncated: false };
    }
    if (operation === 'GetAccessKeyLastUsed') {
      return { UserName: user, AccessKeyLastUsed: { Region: 'N/A', ServiceName: 'N/A' } };
    }
    return {};
  }

  #userOf(key: string): string {
    for (const [user, keys] of this.users) if (keys.has(key)) return user;
    return '';
  }
}

export const unavailable: Fault = { code: 'ServiceUnavailable', status: 503 };
export const denied: Fault = { code: 'AccessDenied', status: 403 };
