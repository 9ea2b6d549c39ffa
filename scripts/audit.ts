/**
 * Proves that a month's evidence is complete: each poll that was due was done, and each finding of each poll has its
 * outcome. It only reads, but for `--keep`. Ends with 1 where something is missing, and says what.
 *
 *     node scripts/audit.ts --month 2026-11 --bucket cspm-auto-remediation-evidence-111111111111-eu-central-1 --keep
 *
 *     --schedule "rate(1 hour)"                     how often rules were polled in a month of which the evidence has no record
 *                                                   of the schedules; the default is that of the module
 *     --schedule s3-bucket-public="rate(1 day)"     how often one rule was, all the month, whatever the evidence says of it
 *     --time-zone Europe/Berlin                     of cron schedules that are given so; the default is UTC
 *     --keep                                        writes the proof to audits/ in the bucket, once per month and moment
 *
 * Needs `s3:ListBucket` on the bucket and `s3:GetObject` on polls/, schedules/, outcomes/ and unprocessable/ in it; with `--keep`
 * `s3:PutObject` on audits/. The region is AWS_REGION.
 */
import { parseArgs } from 'node:util';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { proveCompleteness } from './audit/completeness.ts';
import { Evidence } from './audit/evidence.ts';

const { values } = parseArgs({
  options: {
    month: { type: 'string' },
    bucket: { type: 'string' },
    schedule: { type: 'string', multiple: true, default: [] },
    'time-zone': { type: 'string', default: 'UTC' },
    keep: { type: 'boolean', default: false },
  },
});
const month = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'expected --month as in 2026-11')
  .parse(values.month);
const bucket = z.string({ error: 'expected --bucket, the evidence bucket' }).parse(values.bucket);
const schedules = new Map(
  values.schedule.map((given): [string, string] => {
    const [, rule = '', expression = given] = /^([a-z0-9-]+)=(.*)$/.exec(given) ?? [];
    return [rule, expression];
  }),
);

const s3 = new S3Client({ forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined });
const proof = await proveCompleteness(new Evidence(s3, bucket), {
  month,
  now: new Date(),
  timeZone: values['time-zone'],
  schedule: schedules.get('') ?? 'rate(1 hour)',
  schedules: Object.fromEntries([...schedules].filter(([rule]) => rule !== '')),
});
const text = JSON.stringify(proof, undefined, 2);
process.stdout.write(`${text}\n`);
if (values.keep) {
  const Key = `audits/${month}/${proof.at.replaceAll(':', '-')}.json`;
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key,
      Body: text,
      ContentType: 'application/json',
      IfNoneMatch: '*',
    }),
  );
  process.stderr.write(`kept as s3://${bucket}/${Key}\n`);
}
process.exitCode = proof.complete ? 0 : 1;
