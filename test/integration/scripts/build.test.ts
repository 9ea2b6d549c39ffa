import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, bundle } from '../../../scripts/packaging/bundle.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const entry = 'lambdas/remediator/index.ts';

/** Files that read or change resources: rules' code, changes, and the clients of the services that they call. Ports and placeholders are facts. */
const ofRemediators = [
  /^lambdas\/rules\/(?!(.*\/)?(facts|declared-facts|catalogue|permission|runbook|placeholders|closed-ports)\.ts$)/,
  // The grammar of ARNs, CIDR blocks and inbound rules is a fact too.
  /^lambdas\/changes\/(?!cloudtrail\/trail-arn\.ts$|network-acl\/cidr\.ts$|security-group\/ingress-rule\.ts$)/,
  /^lambdas\/remediator\//,
  /^node_modules\/@aws-sdk\/client-(cloudcontrol|cloudtrail|cloudwatch-logs|ec2|iam|rds|redshift|resource-groups-tagging-api|s3-control|ssm)\//,
];

let folder: string;
let built: Bundle;

beforeAll(async () => {
  await mkdir(path.join(repository, '.work'), { recursive: true });
  folder = await mkdtemp(path.join(repository, '.work', 'build-test-'));
  built = await bundle(repository, entry);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function textOf({ files }: Bundle): string {
  return [...files].map(([, bytes]) => new TextDecoder().decode(bytes)).join('\n');
}

/** The files that `index.mjs` imports statically. */
function loadedAtStart({ files }: Bundle, name = 'index.mjs', loaded = new Set<string>()): Set<string> {
  if (loaded.has(name)) return loaded;
  loaded.add(name);
  const text = new TextDecoder().decode(files.get(name));
  for (const [, imported = ''] of text.matchAll(/(?:from|import)"(\.[^"]+)"/g)) {
    loadedAtStart({ files, inputs: new Map() }, path.posix.join(path.posix.dirname(name), imported), loaded);
  }
  return loaded;
}

describe('the build', () => {
  it('produces a module that Node loads, without further packages', async () => {
    const place = path.join(folder, 'unzipped');
    for (const [name, bytes] of built.files) {
      await mkdir(path.dirname(path.join(place, name)), { recursive: true });
      await writeFile(path.join(place, name), bytes);
    }
    for (const name of built.files.keys()) {
      if (!name.startsWith('chunks/')) continue;
      await expect(import(pathToFileURL(path.join(place, name)).href), name).resolves.toBeDefined();
    }
  });

  it('contains only modules, without source maps and machine paths', () => {
    const names = [...built.files.keys()];

    expect(names).toContain('index.mjs');
    expect(names.filter((name) => !/^(index\.mjs|chunks\/[\w.-]+\.mjs|LICENSES\.txt)$/.test(name))).toEqual(
      [],
    );
    expect(textOf(built)).not.toContain('sourceMappingURL');
    expect(textOf(built)).not.toContain(repository);
  });

  it.each([
    ['EC2', '"EC2Client"'],
    ['IAM', '"IAMClient"'],
    ['Redshift', '"RedshiftClient"'],
    ['the rule for SSH', 'do not open SSH'],
  ])('loads %s only when needed', (_, text) => {
    const holders = [...built.files].flatMap(([name, bytes]) =>
      new TextDecoder().decode(bytes).includes(text) ? [name] : [],
    );

    expect(holders).not.toEqual([]);
    expect([...loadedAtStart(built)].filter((name) => holders.includes(name))).toEqual([]);
  });

  it('leaves out AWS commands that nothing calls', () => {
    const text = textOf(built);

    expect(text).toContain('RevokeSecurityGroupIngress');
    expect(text).not.toContain('RunInstances');
    expect(text).not.toContain('DescribeVpnConnections');
  });

  it('uses Node’s own modules without importing them, which would load all that they can export', () => {
    const text = textOf(built);

    expect(text).toContain('getBuiltinModule("node:http")');
    expect(text).not.toMatch(/(from|import\(?)"(node:)?https?"/);
    expect(text).not.toMatch(/(from|import\(?)"node:/);
  });

  it('contains one copy of what the SDK clients share', () => {
    const folders = new Set([...built.inputs.keys()].map((file) => /^.*\/core(?=\/)/.exec(file)?.[0]));

    expect([...folders].filter((name) => name?.endsWith('@smithy/core'))).toHaveLength(1);
    expect([...folders].filter((name) => name?.endsWith('@aws-sdk/core'))).toHaveLength(1);
  });

  it('lists the licences of its packages', () => {
    const licences = new TextDecoder().decode(built.files.get('LICENSES.txt'));

    expect(licences).toMatch(/^.*@smithy\/core \d.*\n\n *Apache License/m);
    expect(licences).toMatch(/^zod \d.*\n\nMIT License/m);
  });
});

describe('the collector', () => {
  it('contains facts about rules, but not their code and no client of a service that they call', async () => {
    const collector = await bundle(repository, 'lambdas/collector/index.ts');

    const inputs = [...collector.inputs.keys()];
    expect(inputs.filter((input) => ofRemediators.some((pattern) => pattern.test(input)))).toEqual([]);
    expect(inputs).toContain('lambdas/rules/s3-bucket-public/facts.ts');
    // The patterns match files of the remediator.
    const others = [...built.inputs.keys()];
    for (const pattern of ofRemediators) expect(others.some((input) => pattern.test(input))).toBe(true);
  });
});
