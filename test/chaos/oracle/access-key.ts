import type { AccessKey, AwsState } from '../../lab/aws-model/state.ts';
import type { JobSpec } from '../case.ts';
import type { Problem, Write } from './judgement.ts';
import { TextsOracle } from './texts.ts';

const DAY = 86_400_000;

/**
 * Tells whether the job must make a key inactive, as docs/rules.md says: it is 90 days old, and has been unused for the
 * configured number of days.
 */
function isDue({ status, created, lastUsed }: AccessKey, { options }: JobSpec, now: number): boolean {
  const unused = options['unused_only_days'];
  const isInUse = typeof unused === 'number' && lastUsed !== null && lastUsed > now - unused * DAY;
  return status === 'Active' && created <= now - 90 * DAY && !isInUse;
}

/** Judges changes of users' access keys. */
export class AccessKeyOracle extends TextsOracle {
  readonly #now: () => number;

  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  protected textsOf(resource: string, state: AwsState): ReadonlyMap<string, string> {
    return new Map((state.users[resource]?.keys ?? []).map(({ id, status }) => [id, status]));
  }

  problemsOf(write: Write): Problem[] {
    const { resource, before, job } = write;
    return this.changedBy(write).flatMap(({ item, to }) => {
      if (to !== 'Inactive') return [`made key ${item} of ${resource} ${to ?? 'go'}`];
      const key = before.users[resource]?.keys.find(({ id }) => id === item);
      const isRight = key !== undefined && isDue(key, job, this.#now());
      return isRight ? [] : [`made key ${item} of ${resource} inactive, which is not due`];
    });
  }

  violates(resource: string, state: AwsState, job: JobSpec): boolean {
    return (state.users[resource]?.keys ?? []).some((key) => isDue(key, job, this.#now()));
  }
}
