import pLimit from 'p-limit';
import { describeError, errorKind } from '../../aws/errors.ts';
import { orWhen } from '../../aws/or-when.ts';
import type { AwsSession } from '../../aws/session.ts';

/** The access points of one bucket that can be reached from the Internet. */
export interface AccessPoints {
  /** The names of access points with public policies: `IsPublic` of GetAccessPointPolicyStatus. */
  readonly publicNames: readonly string[];
  /** Parts that could not be read, and why. */
  readonly unread: readonly string[];
}

/** Maximum number of access points of one bucket that are read in parallel. */
const AT_ONCE = 4;

/** Maximum number of access points of one bucket that are read. An account may have 10,000 per region. */
const MOST_READ = 50;

/** Maximum number of access points that a note names. */
const MOST_NAMED = 10;

/** Returns the result of `read`, or undefined if AWS refuses it; then `refused` gets the reason. */
async function unlessRefused<T>(
  read: () => Promise<T>,
  refused: (reason: string) => void,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (errorKind(error) !== 'refused') throw error;
    refused(describeError(error));
    return undefined;
  }
}

/** Lists the names of a bucket's access points that are not restricted to a VPC. */
async function listOpenToInternet(session: AwsSession, bucket: string, region: string): Promise<string[]> {
  const { paginateListAccessPoints, S3ControlClient } = await import('../../aws/s3-control.ts');
  const names: string[] = [];
  const pages = paginateListAccessPoints(
    { client: session.client(S3ControlClient, region) },
    { AccountId: session.account, Bucket: bucket },
  );
  for await (const { AccessPointList = [] } of pages) {
    for (const { Name, NetworkOrigin } of AccessPointList) {
      if (Name !== undefined && NetworkOrigin !== 'VPC') names.push(Name);
    }
  }
  return names;
}

/** Reports whether an access point's policy is public; false if it has no policy or was deleted in the meantime. */
function readPolicyIsPublic(session: AwsSession, name: string, region: string): Promise<boolean> {
  return orWhen(['NoSuchAccessPoint', 'NoSuchAccessPointPolicy'], false, async () => {
    const { GetAccessPointPolicyStatusCommand, S3ControlClient } = await import('../../aws/s3-control.ts');
    const { PolicyStatus } = await session
      .client(S3ControlClient, region)
      .send(new GetAccessPointPolicyStatusCommand({ AccountId: session.account, Name: name }));
    return PolicyStatus?.IsPublic === true;
  });
}

/**
 * Determines which of a bucket's access points are public by their own policies, which GetBucketPolicyStatus does not
 * consider. A role from an older version lacks the permissions for this, which does not fail the finding.
 */
export async function readAccessPoints(
  session: AwsSession,
  bucket: string,
  region: string,
): Promise<AccessPoints> {
  const unread: string[] = [];
  const names = await unlessRefused(
    () => listOpenToInternet(session, bucket, region),
    (reason) => unread.push(`access points could not be read: ${reason}`),
  );
  if (names === undefined) return { publicNames: [], unread };
  if (names.length > MOST_READ) {
    unread.push(`only the first ${MOST_READ} of ${names.length} access points were read`);
  }
  const answers = await pLimit(AT_ONCE).map(names.slice(0, MOST_READ), async (name) => {
    const isPublic = await unlessRefused(
      () => readPolicyIsPublic(session, name, region),
      (reason) => unread.push(`access point "${name}" could not be read: ${reason}`),
    );
    return isPublic === true ? [name] : [];
  });
  return { publicNames: answers.flat(), unread };
}

/** Formats names: `access point "web"`, or `access points "a", "b" and 3 more`. */
function named(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).map((name) => `"${name}"`);
  const others = names.length - shown.length;
  return `access point${names.length === 1 ? '' : 's'} ${shown.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
}

/** Returns the notes on the access points of a compliant bucket. The rule judges only the bucket. */
export function notesOnCompliant({ publicNames, unread }: AccessPoints): string[] {
  if (publicNames.length === 0) return [...unread];
  const by = publicNames.length === 1 ? 'is public by its policy' : 'are public by their policies';
  return [
    `the bucket is not public by its own ACL or policy, but ${named(publicNames)} ${by}: anyone can reach the bucket that way, unless the bucket's policy or a public access block of the access point or account prevents it`,
    ...unread,
  ];
}

/** Returns the notes on the access points of a bucket for which a fix is planned. */
export function notesOnViolation({ publicNames, unread }: AccessPoints): string[] {
  if (publicNames.length === 0) return [...unread];
  return [`the fix also ends public access through ${named(publicNames)}`, ...unread];
}
