import type { NetworkAcl } from '@aws-sdk/client-ec2';
import { isAnswerLost, isAwsError } from '../../aws/errors.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';
import { tagMap } from '../../aws/tags.ts';
import { ChangeRefusedError } from '../../model/errors.ts';
import { afterLostAnswer } from '../after-lost-answer.ts';
import { refusal } from '../refusal.ts';
import { entryParameters, inboundEntries, type NetworkAclEntry, sameEntry } from './entry.ts';

/**
 * EC2 calls for network ACLs. If a call that changes an entry is not answered, a read determines its result. Error
 * codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
const aclGone = 'InvalidNetworkAclID.NotFound';
const entryGone = 'InvalidNetworkAclEntry.NotFound';

/**
 * Reads network ACLs.
 * @throws AWS's error if one of several does not exist, because AWS then refuses the whole call
 */
async function readAll(session: AwsSession, ids: readonly string[]): Promise<Map<string, NetworkAcl>> {
  const { EC2Client, paginateDescribeNetworkAcls } = await import('../../aws/ec2.ts');
  const acls = new Map<string, NetworkAcl>();
  try {
    const pages = paginateDescribeNetworkAcls(
      { client: session.client(EC2Client) },
      { NetworkAclIds: [...ids] },
    );
    for await (const page of pages) {
      for (const acl of page.NetworkAcls ?? []) acls.set(acl.NetworkAclId ?? '', acl);
    }
  } catch (error) {
    if (ids.length > 1 || !isAwsError(error, aclGone)) throw error;
  }
  return acls;
}

const readShared = sharedRead(readAll);

/** Reads network ACLs in one call if all of them exist, and one by one otherwise. @returns those that exist */
export async function readNetworkAcls(session: AwsSession, ids: readonly string[]): Promise<NetworkAcl[]> {
  const acls = await Promise.all(ids.map((id) => readShared(session, id)));
  return acls.filter((acl) => acl !== undefined);
}

/** Returns the ids of the subnets that are associated with a network ACL. */
export const subnetsOf = (acl: NetworkAcl): string[] =>
  (acl.Associations ?? []).flatMap(({ SubnetId }) => (SubnetId === undefined ? [] : [SubnetId]));

/** Current content of a network ACL. */
export interface Standing {
  /** The inbound entries, sorted by number. */
  readonly entries: readonly NetworkAclEntry[];
  readonly subnets: readonly string[];
  /** The tags of the network ACL. */
  readonly tags: Readonly<Record<string, string>>;
  at(ruleNumber: number): NetworkAclEntry | undefined;
}

/** Reads one network ACL. @returns undefined if it does not exist */
export async function look(session: AwsSession, networkAclId: string): Promise<Standing | undefined> {
  const acl = await readShared(session, networkAclId);
  if (acl === undefined) return undefined;
  const entries = inboundEntries(acl.Entries ?? []);
  return {
    entries,
    subnets: subnetsOf(acl),
    tags: tagMap(acl.Tags),
    at: (ruleNumber) => entries.find((entry) => entry.ruleNumber === ruleNumber),
  };
}

/** Creates the error for a network ACL that no longer exists. */
export const goneError = (networkAclId: string, cause?: unknown): ChangeRefusedError =>
  new ChangeRefusedError(`network ACL ${networkAclId} is gone: nothing was changed`, {
    cause,
    because: 'gone',
  });

/** Checks whether a read shows exactly this entry with its number. */
export function isThere(entry: NetworkAclEntry, standing: Standing): boolean {
  const found = standing.at(entry.ruleNumber);
  return found !== undefined && sameEntry(found, entry);
}

/** Checks whether one read shows all of the entries. */
async function stands(
  session: AwsSession,
  networkAclId: string,
  ...entries: readonly NetworkAclEntry[]
): Promise<boolean> {
  const standing = await look(session, networkAclId);
  return standing !== undefined && entries.every((entry) => isThere(entry, standing));
}

/**
 * Creates an entry with a free number.
 * @param made Entries that were created just before. If the call is not answered, only a read that shows all of them is
 *   recent enough to be trusted. If there are none, no read is trusted.
 * @returns `taken` if another entry has the number; nothing was changed then
 * @throws ChangeRefusedError if the network ACL is full or does not exist; AWS's own error otherwise
 */
export async function createEntry(
  session: AwsSession,
  networkAclId: string,
  entry: NetworkAclEntry,
  made: readonly NetworkAclEntry[] = [],
): Promise<'made' | 'taken'> {
  const { CreateNetworkAclEntryCommand, EC2Client } = await import('../../aws/ec2.ts');
  try {
    await session
      .client(EC2Client)
      .send(new CreateNetworkAclEntryCommand(entryParameters(networkAclId, entry)));
    return 'made';
  } catch (error) {
    if (isAwsError(error, 'NetworkAclEntryAlreadyExists')) return 'taken';
    if (isAwsError(error, 'NetworkAclEntryLimitExceeded')) {
      throw new ChangeRefusedError(
        `network ACL ${networkAclId} has no room for another inbound entry (${error.name}): ` +
          'remove entries that are not needed, reduce replacement_cidrs, or increase the quota "Rules per network ACL".',
        { cause: error },
      );
    }
    const isMade = () => stands(session, networkAclId, entry, ...made);
    if (isAnswerLost(error) && made.length > 0 && (await afterLostAnswer(error, isMade))) return 'made';
    throw refusal(error, `network ACL ${networkAclId}`, { gone: [aclGone] });
  }
}

/**
 * Replaces the entry with the same number in one call.
 *
 * @param made Entries that were created just before. If the call is not answered, only a read that shows all of them is
 *   recent enough to be trusted. If there are none, no read is trusted.
 * @returns `gone` if no entry has the number; nothing was changed then
 * @throws ChangeRefusedError if the network ACL is gone; AWS's own error otherwise
 */
export async function replaceEntry(
  session: AwsSession,
  networkAclId: string,
  entry: NetworkAclEntry,
  made: readonly NetworkAclEntry[] = [],
): Promise<'made' | 'gone'> {
  const { EC2Client, ReplaceNetworkAclEntryCommand } = await import('../../aws/ec2.ts');
  try {
    await session
      .client(EC2Client)
      .send(new ReplaceNetworkAclEntryCommand(entryParameters(networkAclId, entry)));
    return 'made';
  } catch (error) {
    if (isAwsError(error, entryGone)) return 'gone';
    const isMade = () => stands(session, networkAclId, entry, ...made);
    if (isAnswerLost(error) && made.length > 0 && (await afterLostAnswer(error, isMade))) return 'made';
    throw refusal(error, `network ACL ${networkAclId}`, { gone: [aclGone] });
  }
}

/** Checks whether an entry with this number is missing in each of `looks` reads. */
async function isMissing(
  session: AwsSession,
  networkAclId: string,
  ruleNumber: number,
  looks: number,
): Promise<boolean> {
  const standing = await look(session, networkAclId);
  if (standing === undefined || standing.at(ruleNumber) !== undefined) return false;
  return looks <= 1 || isMissing(session, networkAclId, ruleNumber, looks - 1);
}

/**
 * Deletes the entry with this number.
 * @param looks Number of reads that must not show the entry if the call is not answered. Only for entries that we
 *   created: a single read without the entry may be stale. Default: no read is trusted, because it may be older than
 *   someone else's entry.
 * @returns `gone` if no entry has the number; nothing was changed then
 * @throws ChangeRefusedError if the network ACL is gone; AWS's own error otherwise
 */
export async function deleteEntry(
  session: AwsSession,
  networkAclId: string,
  ruleNumber: number,
  looks = 0,
): Promise<'made' | 'gone'> {
  const { DeleteNetworkAclEntryCommand, EC2Client } = await import('../../aws/ec2.ts');
  try {
    await session.client(EC2Client).send(
      new DeleteNetworkAclEntryCommand({
        NetworkAclId: networkAclId,
        RuleNumber: ruleNumber,
        Egress: false,
      }),
    );
    return 'made';
  } catch (error) {
    if (isAwsError(error, entryGone)) return 'gone';
    const isOut = () => isMissing(session, networkAclId, ruleNumber, looks);
    if (isAnswerLost(error) && looks > 0 && (await afterLostAnswer(error, isOut))) return 'made';
    throw refusal(error, `network ACL ${networkAclId}`, { gone: [aclGone] });
  }
}
