import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, inject, test } from 'vitest';
import { EvidenceObjects } from '../../lambdas/aws/evidence-objects.ts';
import { outcomesKey } from '../../lambdas/model/evidence-keys.ts';
import type { Outcome } from '../../lambdas/model/outcome.ts';
import { EvidenceBucket } from '../../lambdas/remediator/record/evidence.ts';
import { freshAccount } from './harness/product.ts';

const REGION = 'eu-central-1';
const POLL = { source: 'netskope', rule: 's3-bucket-public', asOf: '2026-01-31T12:00:00Z' } as const;

/** Creates what `evidence.object_lock` creates in `modules/central/evidence.tf`. */
async function lockedBucket(Mode: 'COMPLIANCE' | 'GOVERNANCE') {
  const owner = freshAccount();
  const clientOptions = {
    endpoint: inject('localAwsEndpoint'),
    credentials: { accessKeyId: owner, secretAccessKey: 'test' },
    forcePathStyle: true,
  };
  const s3 = new S3Client({ ...clientOptions, region: REGION });
  const Bucket = `evidence-${owner}-${Mode.toLowerCase()}`;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      ObjectLockEnabledForBucket: true,
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );
  await s3.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode, Days: 400 } },
      },
    }),
  );
  const objects = new EvidenceObjects({ owner, bucket: Bucket, region: REGION, clientOptions });
  return { s3, Bucket, evidence: new EvidenceBucket(objects) };
}

test.each(['COMPLIANCE', 'GOVERNANCE'] as const)(
  'evidence in a bucket with object lock in %s mode can be neither deleted nor overwritten',
  async (mode) => {
    const { s3, Bucket, evidence } = await lockedBucket(mode);
    const Key = outcomesKey(POLL, 'job', 1);
    const line: Outcome = {
      version: 1,
      poll: POLL,
      finding: { rule: POLL.rule, account: '111122223333', region: REGION, resource: 'reports' },
      outcome: 'compliant',
      plan: [],
      applied: [],
      startedAt: POLL.asOf,
      finishedAt: POLL.asOf,
    };
    await evidence.writeOutcomes(Key, [line]);
    const { Versions: [first] = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
    const version = { Bucket, Key, VersionId: first?.VersionId };

    const deleted = s3.send(new DeleteObjectCommand(version));

    await expect(deleted).rejects.toMatchObject({ name: 'AccessDenied' });
    // A delete marker or a new version only hides the object.
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'nothing happened' }));
    const { ObjectLockMode, ContentLength } = await s3.send(new GetObjectCommand(version));
    expect({ ObjectLockMode, ContentLength }).toEqual({ ObjectLockMode: mode, ContentLength: first?.Size });
  },
);
