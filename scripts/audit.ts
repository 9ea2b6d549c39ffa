/**
 * Proves that a month's evidence is complete: every poll that was due took place, and every finding of every poll has an
 * outcome. It only reads, except with `--keep`. If something is missing, it prints what, and exits with 1. If an option is
 * missing or invalid, it exits with 2.
 *
 *     node scripts/audit.ts --month 2026-11 --bucket cspm-auto-remediation-evidence-111111111111-eu-central-1 --keep
 *
 *     --schedule "rate(1 hour)"                     the schedule of rules in a month without records of schedules; by default,
 *                                                   that of the module
 *     --schedule s3-bucket-public="rate(1 day)"     the schedule of one rule in the whole month, regardless of the evidence
 *     --time-zone Europe/Berlin                     the time zone of cron schedules in these options; by default, UTC
 *     --keep                                        also writes the proof to audits/ in the bucket, and never overwrites one
 *
 * Needs `s3:ListBucket` on the bucket and `s3:GetObject` on polls/, schedules/, outcomes/ and unprocessable/ in it; with `--keep`
 * `s3:PutObject` on audits/. The region comes from AWS_REGION.
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
const given = z
  .object({
    month: z
      .string({ error: '--month is missing: expected a month, such as 2026-11' })
      .regex(/^\d{4}-(0[1-9]|1[0-2])$/, {
        error: ({ input }) => `--month ${input}: expected a month, such as 2026-11`,
      }),
    bucket: z
      .string({ error: '--bucket is missing: expected the name of the evidence bucket' })
      .min(1, '--bucket is empty: expected the name of the evidence bucket'),
  })
  .safeParse(values);
if (!given.success) {
  process.stderr.write(`${given.error.issues.map(({ message }) => message).join('\n')}\n`);
  process.exit(2);
}
const { month, bucket } = given.data;
const schedules = new Map(
  values.schedule.map((option): [string, string] => {
    const [, rule = '', expression = option] = /^([a-z0-9-]+)=(.*)$/.exec(option) ?? [];
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
  process.stderr.write(`stored as s3://${bucket}/${Key}\n`);
}
process.exitCode = proof.complete ? 0 : 1;
