import { InvalidInputError } from '../model/errors.ts';
import { formatIssues } from '../model/issues.ts';
import { type Job, jobSchema } from '../model/job.ts';

/**
 * The job that a message holds.
 * @throws InvalidInputError when it holds none that this remediator can work on: another attempt changes nothing
 */
export function parseJob(json: unknown, region: string): Job {
  const parsed = jobSchema.safeParse(json);
  if (!parsed.success) {
    throw new InvalidInputError(`the message is not a job: ${formatIssues(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const job = parsed.data;
  if (job.region !== region) {
    throw new InvalidInputError(
      `the job is for region ${job.region}, and this is the remediator of ${region}`,
    );
  }
  return job;
}
