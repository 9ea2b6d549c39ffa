import { findingKey, remediatorRegion } from '../model/finding.ts';
import { type Job, type Poll, pollId } from '../model/job.ts';
import { JobGrouper, jobsByRegion } from './job-grouper.ts';
import type { JobSink } from './job-sink.ts';
import type { ListedFinding } from './listing.ts';
import type { PollRecords } from './poll-records.ts';
import type { UnreadFindings } from './unread-findings.ts';

interface Closing {
  readonly jobs: JobSink;
  readonly records: Pick<PollRecords, 'readListing' | 'writeListing'>;
  readonly homeRegion: string;
  readonly regions: readonly string[];
  /** The name of this run of the collector. */
  readonly run: string;
}

/** Time after which an unchanged listing is written again, because the bucket deletes old objects. */
const LONGEST_MILLISECONDS = 86_400_000;

/**
 * Sends jobs that close the findings which the source reported at the last complete poll and no longer reports. Then
 * stores the current findings. If the poll stops between the two steps, its retry sends the same jobs again. Findings
 * that an unreadable item may refer to are not closed, and are stored as if the source had reported them.
 * @param listed all readable findings from the source, at a complete poll
 * @returns the number of findings that the poll closes, including those that an earlier run of it closed
 */
export async function closeMissing(
  { jobs, records, homeRegion, regions, run }: Closing,
  poll: Poll,
  listed: readonly ListedFinding[],
  unread: Pick<UnreadFindings, 'mayHave'>,
): Promise<number> {
  const last = await records.readListing(poll);
  const age =
    last === undefined
      ? Number.POSITIVE_INFINITY
      : Date.parse(poll.asOf) - Date.parse(last.listing.poll.asOf);
  // A poll that is repeated after a newer one works with outdated data.
  if (age < 0) return 0;
  const given = new Set(listed.map(findingKey));
  const known = last?.listing.findings ?? [];
  const notGiven = known.filter((finding) => !given.has(findingKey(finding)));
  const findings = [...listed, ...notGiven.filter((finding) => unread.mayHave(finding))];
  const missing = notGiven
    .filter((finding) => !unread.mayHave(finding))
    .map((finding) => ({ finding, region: remediatorRegion(finding.region, homeRegion) }))
    .filter(({ region }) => regions.includes(region));
  for (const [region, ofRegion] of jobsByRegion(closingJobs(poll, run, missing)))
    await jobs.send(region, ofRegion);
  const before = last !== undefined && pollId(last.listing.poll) === pollId(poll) ? last.listing.closed : 0;
  const closed = before + missing.length;
  const remembered = new Set(findings.map(findingKey));
  const isSame =
    known.length === findings.length && known.every((finding) => remembered.has(findingKey(finding)));
  if (!isSame || age >= LONGEST_MILLISECONDS)
    await records.writeListing({ poll, findings, closed }, last?.etag);
  return closed;
}

function closingJobs(
  poll: Poll,
  run: string,
  missing: readonly { readonly finding: ListedFinding; readonly region: string }[],
): Job[] {
  const grouper = new JobGrouper(poll, run);
  const full = missing.flatMap(({ finding, region }) => grouper.add(finding, region));
  return [...full, ...grouper.rest()].map((job) => ({ ...job, closes: true }));
}
