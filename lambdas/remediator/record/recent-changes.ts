import type { Finding } from '../../model/finding.ts';
import type { AppliedChange } from '../../model/outcome.ts';
import type { ConfiguredWork, Work } from '../work.ts';
import type { ChangedResource, RecentChanges } from './evidence-store.ts';

/** The longest that AWS's reads are taken to lag behind a write. EC2 and IAM speak of minutes, S3 of 15. */
export const LAG_MILLISECONDS = 15 * 60_000;

/** A resource that is changed all the time: the newest changes are those that may not be visible. */
const MOST_CHANGES = 100;

export type RecentChange = RecentChanges['changes'][number];

function placeOf(resource: string, { job }: Pick<Work, 'job'>): ChangedResource {
  return { account: job.account, region: job.region, resource };
}

/** The changes of the last 15 minutes, by whichever rule, to any of some resources. Oldest first. */
export async function recentChanges(
  resources: Iterable<string>,
  { job, ports }: Pick<Work, 'job' | 'ports'>,
): Promise<RecentChange[]> {
  const found: RecentChange[] = [];
  for (const resource of new Set(resources)) {
    const record = await ports.evidence.readRecentChanges(placeOf(resource, { job }));
    found.push(...lately(record?.changes ?? [], ports.clock.now()));
  }
  return found;
}

/** Adds changes that were just applied to the records of the resources that they changed. */
export async function noteRecentChanges(
  { rule }: Finding,
  applied: readonly AppliedChange[],
  { job, ports }: Pick<ConfiguredWork, 'job' | 'ports'>,
): Promise<void> {
  const resources = new Set(applied.map(({ change }) => change.resource));
  for (const resource of resources) {
    const place = placeOf(resource, { job });
    const earlier = (await ports.evidence.readRecentChanges(place))?.changes ?? [];
    const added = applied.filter(({ change }) => change.resource === resource);
    const changes = [...lately(earlier, ports.clock.now()), ...added.map((each) => ({ ...each, rule }))];
    await ports.evidence.writeRecentChanges(place, {
      version: 1,
      account: job.account,
      resource,
      changes: changes.slice(-MOST_CHANGES),
    });
  }
}

function lately(changes: readonly RecentChange[], now: number): RecentChange[] {
  return changes.filter(({ appliedAt }) => now - Date.parse(appliedAt) < LAG_MILLISECONDS);
}
