import { InvalidInputError } from '../model/errors.ts';
import { formatIssues } from '../model/issues.ts';
import { type Job, jobSchema } from '../model/job.ts';

/**
 * Parses the job in a message.
 * @throws InvalidInputError if it contains no job for this remediator, so that another attempt would also fail
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
      `the job is for region ${job.region}, but this is the remediator of ${region}`,
    );
  }
  return job;
}
