/**
 * Writes the table of CloudFormation's resource types for Terraform to `modules/_custom-rules/resource-types.jsonl`, one line per
 * type, from the schemas that AWS publishes and the package `cfn-lint` contains; and the complete schemas of the types that the
 * laboratory simulates to `test/lab/cloud-control/schemas/`.
 *
 *     node scripts/resource-types.ts           write; downloads the package from PyPI to .work/
 *     node scripts/resource-types.ts --check   change nothing; exit 1 when a file is stale
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { findPython } from '../test/lab/local-aws/install.ts';
import { writeGenerated } from './generated-files.ts';
import { unzip } from './packaging/zip.ts';
import { pointerOf, pointersOf, type Schema, schemaSchema } from './resource-types/schema.ts';

const TABLE = 'modules/_custom-rules/resource-types.jsonl';
const LAB = 'test/lab/cloud-control/schemas';
/** The region with the most types. */
const REGION = 'us-east-1';
const LAB_TYPES = [
  'AWS::DynamoDB::Table',
  'AWS::EC2::Subnet',
  'AWS::KMS::Key',
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBInstance',
  'AWS::Redshift::Cluster',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
];

/** The package's schemas, by their paths below `cfnlint/data/schemas/`, and its version. */
async function schemasOfPackage(): Promise<{ json: (file: string) => unknown; version: string }> {
  const requirements = path.join(import.meta.dirname, 'resource-types/requirements.txt');
  const version = /^cfn-lint==(\S+)/m.exec(await readFile(requirements, 'utf8'))?.[1] ?? '';
  const folder = path.join(import.meta.dirname, '../.work', `cfn-lint-${version}`);
  const { command } = await findPython();
  const options = ['--no-deps', '--require-hashes', '--disable-pip-version-check', '--quiet'];
  await promisify(execFile)(command, ['-m', 'pip', 'download', ...options, '-r', requirements, '-d', folder]);
  const [wheel = ''] = (await readdir(folder)).filter((name) => name.endsWith('.whl'));
  const files = unzip(await readFile(path.join(folder, wheel)));
  return {
    version,
    json: (file) =>
      JSON.parse(new TextDecoder().decode(files.get(`cfnlint/data/schemas/${file}`) ?? new Uint8Array())),
  };
}

/** A line of the table. Pointers are grouped by kind, because they are most of its text. */
function lineOf(schema: Schema): string {
  const { typeName: type, handlers, tagging } = schema;
  const pointers: Record<string, string[]> = {};
  for (const [pointer, kind] of pointersOf(schema)) pointers[kind] = [...(pointers[kind] ?? []), pointer];
  const listed = (paths: readonly string[]): string[] => [...new Set(paths.map(pointerOf))].sort();
  return JSON.stringify({
    type,
    identifier: schema.primaryIdentifier.map(pointerOf),
    create_only: listed(schema.createOnlyProperties),
    conditional_create_only: listed(schema.conditionalCreateOnlyProperties),
    read_only: listed(schema.readOnlyProperties),
    write_only: listed(schema.writeOnlyProperties),
    tags:
      tagging?.taggable === false
        ? null
        : (tagging?.tagProperty ?? '/properties/Tags').replace('/properties', ''),
    read: handlers['read']?.permissions ?? null,
    update: handlers['update']?.permissions ?? null,
    // A type that cannot be updated only needs its name, for messages about mistakes.
    ...(handlers['update'] !== undefined && { pointers }),
  });
}

/** Removes descriptions and other texts for people. */
function withoutTexts(value: unknown, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutTexts(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([name]) =>
          isNames || !['description', 'title', 'sourceUrl', 'examples', 'markdownDescription'].includes(name),
      )
      .map(([name, each]) => [
        name,
        withoutTexts(each, !isNames && ['properties', 'definitions'].includes(name)),
      ]),
  );
}

const { json, version } = await schemasOfPackage();
const { schema_date } = z.object({ schema_date: z.string() }).parse(json('version.json'));
const date = schema_date.slice(0, 10);
const files = z.record(z.string(), z.string()).parse(json(`providers/${REGION}.json`));
const lines: string[] = [JSON.stringify({ made_of: `cfn-lint ${version}`, date })];
const wanted = new Map<string, string>();
for (const [type, file] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
  if (!/^AWS::[A-Za-z0-9]+::[A-Za-z0-9]+$/.test(type)) continue;
  const schema = json(`resources/${file}.json`);
  lines.push(lineOf(schemaSchema.parse(schema)));
  if (!LAB_TYPES.includes(type)) continue;
  wanted.set(`${LAB}/${type.replaceAll('::', '-')}.json`, `${JSON.stringify(withoutTexts(schema))}\n`);
}
wanted.set(TABLE, `${lines.join('\n')}\n`);
await writeGenerated(`table of ${lines.length - 1} resource types of ${date}`, wanted);
