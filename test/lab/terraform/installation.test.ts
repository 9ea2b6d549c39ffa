import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findMirror, prepareTerraform, terraformPlatform } from './installation.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'terraform-installation-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A folder with the unpacked provider, as in a mirror. */
async function mirror(name: string, platform = terraformPlatform()): Promise<string> {
  const place = path.join(folder, name);
  await mkdir(path.join(place, 'registry.terraform.io/hashicorp/aws/5.100.0', platform), { recursive: true });
  return place;
}

/** A program that answers `terraform version -json`. */
async function terraform(version: string): Promise<string> {
  const place = path.join(folder, 'bin');
  await mkdir(place, { recursive: true });
  const file = path.join(place, 'terraform');
  await writeFile(file, `#!/bin/sh\necho '{"terraform_version":"${version}"}'\n`);
  await chmod(file, 0o755);
  return place;
}

describe('the provider mirror', () => {
  it('is the configured one, before all others', async () => {
    const named = await mirror('named');
    const usualPlaces = [await mirror('usual')];
    await writeFile(path.join(folder, '.terraformrc'), '');

    const found = await findMirror({
      environment: { TERRAFORM_PROVIDER_MIRROR: named },
      home: folder,
      usualPlaces,
    });

    expect(found).toBe(named);
  });

  it('must have the provider for this machine if it is configured', async () => {
    const named = await mirror('named', 'plan9_mips');

    const finding = findMirror({
      environment: { TERRAFORM_PROVIDER_MIRROR: named },
      home: folder,
      usualPlaces: [await mirror('usual')],
    });

    await expect(finding).rejects.toThrow(
      `TERRAFORM_PROVIDER_MIRROR is '${named}'; expected a folder with registry.terraform.io/hashicorp/aws/VERSION/${terraformPlatform()}/`,
    );
  });

  it('is not searched for if the user has a configuration, in the home folder or in an environment variable', async () => {
    const usualPlaces = [await mirror('usual')];
    const file = path.join(folder, '.terraformrc');
    await writeFile(file, '');

    const byHome = await findMirror({ environment: {}, home: folder, usualPlaces });
    const byName = await findMirror({
      environment: { TF_CLI_CONFIG_FILE: file },
      home: path.join(folder, 'elsewhere'),
      usualPlaces,
    });

    expect([byHome, byName]).toEqual([undefined, undefined]);
  });

  it('is the first of the usual places that is one, also if a configured file is missing', async () => {
    const usualPlaces = [
      path.join(folder, 'missing'),
      await mirror('other-platform', 'plan9_mips'),
      await mirror('first'),
      await mirror('second'),
    ];

    const found = await findMirror({
      environment: { TF_CLI_CONFIG_FILE: path.join(folder, 'missing.tfrc') },
      home: folder,
      usualPlaces,
    });

    expect(found).toBe(path.join(folder, 'first'));
  });
});

describe('preparing Terraform', () => {
  it('returns an environment that takes the provider from the mirror and nothing from the user', async () => {
    const place = await mirror('mirror');
    const environment = {
      PATH: await terraform('1.12.3'),
      AWS_PROFILE: 'production',
      TF_VAR_api_token: 'real',
      TF_CLI_ARGS: '-lock=false',
      LANG: 'C.UTF-8',
    };

    const installation = await prepareTerraform(() => {}, {
      environment,
      home: folder,
      usualPlaces: [place],
    });

    expect(installation.version).toBe('1.12.3');
    expect(installation.environment).toMatchObject({ LANG: 'C.UTF-8', AWS_CONFIG_FILE: '/dev/null' });
    expect(installation.environment).not.toHaveProperty('AWS_PROFILE');
    expect(installation.environment).not.toHaveProperty('TF_VAR_api_token');
    expect(installation.environment).not.toHaveProperty('TF_CLI_ARGS');
    const configuration = await readFile(installation.environment['TF_CLI_CONFIG_FILE'] ?? '', 'utf8');
    expect(configuration).toContain(`path    = "${place}"`);
    await rm(installation.environment['TF_CLI_CONFIG_FILE'] ?? '');
  });

  it.each(['1.10.5', '0.15.0'])('refuses Terraform %s', async (version) => {
    const preparing = prepareTerraform(() => {}, {
      environment: { PATH: await terraform(version) },
      home: folder,
      usualPlaces: [],
    });

    await expect(preparing).rejects.toThrow(
      new RegExp(`Terraform 1.11 or later is needed; .*/bin/terraform is ${version}`),
    );
  });

  it('reports that there is none', async () => {
    const preparing = prepareTerraform(() => {}, {
      environment: { PATH: folder },
      home: folder,
      usualPlaces: [],
    });

    await expect(preparing).rejects.toThrow('Terraform 1.11 or later is needed; the PATH has none');
  });
});
