import { z } from 'zod';
import { isAwsError } from '../../aws/errors.ts';
import type { EvidenceObjects, WriteCondition } from '../../aws/evidence-objects.ts';
import type { Clock } from '../../model/clock.ts';
import { timestampSchema } from '../../model/finding.ts';
import type { RoleMissing, RoleMissingEvent } from '../../model/role-missing.ts';

/** Written down of an account without the role. Its bucket forgets it after a week, so that what lasts is reported again. */
const markSchema = z.object({
  version: z.literal(1),
  since: timestampSchema,
  isReported: z.boolean(),
});
type Mark = z.infer<typeof markSchema>;

/** Time that a StackSet may take to give an account its role before it is reported. */
const GRACE_MILLISECONDS = 3_600_000;

/**
 * Reports accounts without the target role: once per account, whatever the number of its findings, jobs, rules and
 * regions, and not before an hour has passed, in which a StackSet may still be at work.
 */
export class MissingRoles {
  readonly #objects: Pick<EvidenceObjects, 'find' | 'put'>;
  readonly #publish: (event: RoleMissingEvent) => Promise<void>;
  readonly #clock: Clock;

  constructor(
    objects: Pick<EvidenceObjects, 'find' | 'put'>,
    publish: (event: RoleMissingEvent) => Promise<void>,
    clock: Clock,
  ) {
    this.#objects = objects;
    this.#publish = publish;
    this.#clock = clock;
  }

  /** @throws AWS's own error; the account is then reported by a later job */
  async report(missing: RoleMissing): Promise<void> {
    const key = `missing-roles/${missing.account}.json`;
    const now = this.#clock.now();
    const found = await this.#objects.find(key);
    if (found === undefined) {
      const mark: Mark = { version: 1, since: new Date(now).toISOString(), isReported: false };
      await this.#claim(key, mark, { IfNoneMatch: '*' });
      return;
    }
    const mark = markSchema.parse(JSON.parse(found.text));
    if (mark.isReported || now - Date.parse(mark.since) < GRACE_MILLISECONDS) return;
    // First the mark, so that of jobs in several regions one reports it.
    if (!(await this.#claim(key, { ...mark, isReported: true }, { IfMatch: found.etag }))) return;
    try {
      await this.#publish({ version: 1, ...missing, since: mark.since });
    } catch (error) {
      await this.#objects.put(key, JSON.stringify(mark));
      throw error;
    }
  }

  /** @returns whether the mark was written: false where another job was faster */
  async #claim(key: string, mark: Mark, condition: WriteCondition) {
    try {
      await this.#objects.put(key, JSON.stringify(mark), condition);
      return true;
    } catch (error) {
      if (isAwsError(error, 'PreconditionFailed', 'ConditionalRequestConflict')) return false;
      throw error;
    }
  }
}
