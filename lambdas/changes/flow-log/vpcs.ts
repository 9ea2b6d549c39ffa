import { chunks, EC2_FILTER_VALUES } from '../../aws/batches.ts';
import type { AwsSession } from '../../aws/session.ts';
import { sharedRead } from '../../aws/shared-read.ts';
import { tagMap } from '../../aws/tags.ts';
import { StalePlanError } from '../../model/errors.ts';
import { isExemptByTag } from '../../model/exemption-tag.ts';

export interface Vpc {
  readonly owner: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** Reads VPCs. @returns those that exist, by id */
export async function readVpcs(session: AwsSession, ids: readonly string[]): Promise<Map<string, Vpc>> {
  const { EC2Client, paginateDescribeVpcs } = await import('../../aws/ec2.ts');
  const vpcs = new Map<string, Vpc>();
  for (const Values of chunks(ids, EC2_FILTER_VALUES)) {
    // Uses a filter, because the parameter would fail the whole call if one VPC does not exist.
    const pages = paginateDescribeVpcs(
      { client: session.client(EC2Client) },
      { Filters: [{ Name: 'vpc-id', Values }] },
    );
    for await (const { Vpcs = [] } of pages) {
      for (const { VpcId = '', OwnerId, Tags } of Vpcs)
        vpcs.set(VpcId, { owner: OwnerId, tags: tagMap(Tags) });
    }
  }
  return vpcs;
}

const readShared = sharedRead(readVpcs);

/**
 * Checks immediately before a write that a VPC still exists and has no exemption tag, batched with other reads.
 * @throws StalePlanError if it does not or has one
 */
export async function checkMayBeLogged(session: AwsSession, id: string): Promise<void> {
  const vpc = await readShared(session, id);
  if (vpc === undefined) throw new StalePlanError(`VPC ${id} is gone: nothing was changed`);
  if (isExemptByTag(vpc.tags, session.now()))
    throw new StalePlanError(`VPC ${id} has an exemption tag: nothing was changed`);
}
