import { CloudTrailClient, DescribeTrailsCommand } from '@aws-sdk/client-cloudtrail';
import {
  EC2Client,
  paginateDescribeFlowLogs,
  paginateDescribeNetworkAcls,
  paginateDescribeSecurityGroupRules,
  paginateDescribeSecurityGroups,
} from '@aws-sdk/client-ec2';
import { IAMClient, paginateListAccessKeys, paginateListUsers } from '@aws-sdk/client-iam';
import {
  DescribeDBClusterSnapshotAttributesCommand,
  DescribeDBSnapshotAttributesCommand,
  paginateDescribeDBClusterSnapshots,
  paginateDescribeDBSnapshots,
  RDSClient,
} from '@aws-sdk/client-rds';
import { paginateDescribeClusters, RedshiftClient } from '@aws-sdk/client-redshift';
import { GetPublicAccessBlockCommand, paginateListBuckets, S3Client } from '@aws-sdk/client-s3';

interface ClientSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Collects all items of a page iterator. */
async function all<Page, Item>(
  pages: AsyncIterable<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  const list: Item[] = [];
  for await (const page of pages) list.push(...(items(page) ?? []));
  return list;
}

async function networks(settings: ClientSettings): Promise<unknown[]> {
  const client = new EC2Client(settings);
  return [
    ...(await all(paginateDescribeSecurityGroups({ client }, {}), (page) => page.SecurityGroups)),
    ...(await all(paginateDescribeSecurityGroupRules({ client }, {}), (page) => page.SecurityGroupRules)),
    ...(await all(paginateDescribeNetworkAcls({ client }, {}), (page) => page.NetworkAcls)),
    ...(await all(paginateDescribeFlowLogs({ client }, {}), (page) => page.FlowLogs)),
  ];
}

async function databases(settings: ClientSettings): Promise<unknown[]> {
  const client = new RDSClient(settings);
  const facts: unknown[] = [];
  for (const { DBSnapshotIdentifier } of await all(
    paginateDescribeDBSnapshots({ client }, {}),
    (page) => page.DBSnapshots,
  )) {
    const answer = await client.send(new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier }));
    facts.push(answer.DBSnapshotAttributesResult);
  }
  for (const { DBClusterSnapshotIdentifier } of await all(
    paginateDescribeDBClusterSnapshots({ client }, {}),
    (page) => page.DBClusterSnapshots,
  )) {
    const answer = await client.send(
      new DescribeDBClusterSnapshotAttributesCommand({ DBClusterSnapshotIdentifier }),
    );
    facts.push(answer.DBClusterSnapshotAttributesResult);
  }
  const redshift = new RedshiftClient(settings);
  for (const { ClusterIdentifier, PubliclyAccessible } of await all(
    paginateDescribeClusters({ client: redshift }, {}),
    (page) => page.Clusters,
  )) {
    facts.push({ ClusterIdentifier, PubliclyAccessible });
  }
  return facts;
}

async function trails(settings: ClientSettings): Promise<unknown[]> {
  const client = new CloudTrailClient(settings);
  const { trailList = [] } = await client.send(new DescribeTrailsCommand({ includeShadowTrails: false }));
  return trailList;
}

async function buckets(settings: ClientSettings): Promise<unknown[]> {
  const client = new S3Client(settings);
  const facts: unknown[] = [];
  for (const { Name, BucketRegion: region = settings.region } of await all(
    paginateListBuckets({ client }, {}),
    (page) => page.Buckets,
  )) {
    const block = await new S3Client({ ...settings, region })
      .send(new GetPublicAccessBlockCommand({ Bucket: Name }))
      .then(({ PublicAccessBlockConfiguration }) => PublicAccessBlockConfiguration)
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'NoSuchPublicAccessBlockConfiguration') return 'none';
        throw error;
      });
    facts.push({ Name, block });
  }
  return facts;
}

async function accessKeys(settings: ClientSettings): Promise<unknown[]> {
  const client = new IAMClient(settings);
  const facts: unknown[] = [];
  for (const { UserName } of await all(paginateListUsers({ client }, {}), (page) => page.Users)) {
    const keys = await all(
      paginateListAccessKeys({ client }, { UserName }),
      (page) => page.AccessKeyMetadata,
    );
    facts.push(...keys.map(({ AccessKeyId, Status }) => ({ UserName, AccessKeyId, Status })));
  }
  return facts;
}

/**
 * The state that the demo's rules could change in some accounts, as AWS reports it, in a fixed order: an equal text means that
 * nothing has changed.
 */
export async function snapshot(
  endpoint: string,
  accounts: readonly string[],
  regions: readonly string[],
): Promise<readonly string[]> {
  const facts: unknown[] = [];
  for (const account of accounts) {
    const settings = (region: string): ClientSettings => ({
      endpoint,
      region,
      credentials: { accessKeyId: account, secretAccessKey: 'test' },
    });
    for (const region of regions) {
      facts.push(
        ...(await networks(settings(region))),
        ...(await databases(settings(region))),
        ...(await trails(settings(region))),
      );
    }
    facts.push(...(await buckets(settings('us-east-1'))), ...(await accessKeys(settings('us-east-1'))));
  }
  return facts.map((fact) => JSON.stringify(fact)).sort();
}
