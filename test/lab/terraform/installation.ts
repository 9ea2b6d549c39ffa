import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const repository = path.resolve(import.meta.dirname, '../../..');
const workFolder = path.join(repository, '.work');

const oldestTerraform: readonly [major: number, minor: number] = [1, 11];
const provider = 'registry.terraform.io/hashicorp/aws';
const mirrorVariable = 'TERRAFORM_PROVIDER_MIRROR';

/** Terraform, and a local provider: `terraform init` with this environment does not contact a registry. */
export interface TerraformInstallation {
  readonly binary: string;
  /** `1.11.4`. */
  readonly version: string;
  /** The whole environment of Terraform, without the user's AWS and Terraform settings. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Places to search; for tests. */
export interface TerraformPlaces {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Folders that may be a provider mirror. */
  readonly usualPlaces: readonly string[];
}

/**
 * Finds Terraform and the AWS provider. A folder of unpacked providers is searched in this order:
 * `TERRAFORM_PROVIDER_MIRROR`; your own Terraform configuration; the usual places; the registry. The results of
 * the second and the last are kept in `.work/`, so that the provider is only fetched once.
 * @param say receives a line for each long step
 * @throws Error if Terraform is missing or too old, or the provider is not available
 */
export async function prepareTerraform(
  say: (line: string) => void,
  places?: TerraformPlaces,
): Promise<TerraformInstallation> {
  const { environment, home, usualPlaces } = places ?? (await realPlaces());
  const { binary, version } = await findTerraform(environment);
  const clean = cleanEnvironment(environment);
  const mirror =
    (await findMirror({ environment, home, usualPlaces })) ??
    (await fetchProvider(binary, { ...clean, ...(await userConfiguration(environment)) }, say));
  return { binary, version, environment: { ...clean, TF_CLI_CONFIG_FILE: await writeConfiguration(mirror) } };
}

async function realPlaces(): Promise<TerraformPlaces> {
  const home = homedir();
  const optional = await readdir('/opt', { withFileTypes: true }).catch(() => []);
  return {
    environment: process.env,
    home,
    usualPlaces: [
      path.join(home, '.terraform.d', 'plugins'),
      '/usr/local/share/terraform/plugins',
      '/usr/share/terraform/plugins',
      ...optional
        .filter((entry) => entry.isDirectory())
        .map((entry) => path.join('/opt', entry.name))
        .sort(),
    ],
  };
}

async function findTerraform(
  environment: TerraformPlaces['environment'],
): Promise<{ binary: string; version: string }> {
  const needed = `Terraform ${oldestTerraform.join('.')} or later is needed`;
  for (const folder of (environment['PATH'] ?? '').split(path.delimiter).filter((entry) => entry !== '')) {
    const binary = path.join(folder, 'terraform');
    if (!(await isExecutable(binary))) continue;
    const { stdout } = await promisify(execFile)(binary, ['version', '-json'], {
      env: { ...cleanEnvironment(environment) },
    });
    const version = z.object({ terraform_version: z.string() }).parse(JSON.parse(stdout)).terraform_version;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > oldestTerraform[0] || (major === oldestTerraform[0] && minor >= oldestTerraform[1])) {
      return { binary, version };
    }
    throw new Error(
      `${needed}; ${binary} is ${version}. See https://developer.hashicorp.com/terraform/install`,
    );
  }
  throw new Error(`${needed}; the PATH has none. See https://developer.hashicorp.com/terraform/install`);
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The environment of this process without variables that would lead Terraform to a real account or to other settings. */
function cleanEnvironment(environment: TerraformPlaces['environment']): Record<string, string> {
  const kept = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || /^(TF_|AWS_)/.test(name) ? [] : [[name, value] as const],
  );
  return {
    ...Object.fromEntries(kept),
    CHECKPOINT_DISABLE: '1',
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    // The start of the provider is most of Terraform's work, and a quarter of it is Go's garbage collection.
    GOGC: '400',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** The platform in Terraform's form: `linux_amd64`. */
export function terraformPlatform(): string {
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${process.platform}_${architectures[process.arch] ?? process.arch}`;
}

/** Reports whether a folder has the unpacked AWS provider for this machine. */
async function isMirror(folder: string): Promise<boolean> {
  const versions = await readdir(path.join(folder, provider)).catch(() => []);
  const found = await Promise.all(
    versions.map((version) => exists(path.join(folder, provider, version, terraformPlatform()))),
  );
  return found.includes(true);
}

/**
 * A local folder of unpacked providers, or undefined.
 * @throws Error if `TERRAFORM_PROVIDER_MIRROR` is not such a folder
 */
export async function findMirror(places: TerraformPlaces): Promise<string | undefined> {
  const { environment, usualPlaces } = places;
  const named = environment[mirrorVariable];
  if (named !== undefined && named !== '') {
    if (await isMirror(named)) return path.resolve(named);
    throw new Error(
      `${mirrorVariable} is '${named}'; expected a folder with ${provider}/VERSION/${terraformPlatform()}/`,
    );
  }
  if (await hasUserConfiguration(places)) return undefined;
  for (const folder of usualPlaces) if (await isMirror(folder)) return folder;
  return undefined;
}

async function hasUserConfiguration({ environment, home }: TerraformPlaces): Promise<boolean> {
  if (environment['TF_CLI_CONFIG_FILE']) return exists(environment['TF_CLI_CONFIG_FILE']);
  return exists(path.join(home, '.terraformrc'));
}

/** Keeps the user's configuration if an environment variable names it; Terraform finds one in the home folder by itself. */
async function userConfiguration(
  environment: TerraformPlaces['environment'],
): Promise<Record<string, string>> {
  const file = environment['TF_CLI_CONFIG_FILE'];
  return file !== undefined && (await exists(file)) ? { TF_CLI_CONFIG_FILE: file } : {};
}

/**
 * Makes `terraform init` fetch the provider once. It unpacks into the layout of a mirror, so that all other
 * roots link to this copy.
 */
async function fetchProvider(
  binary: string,
  environment: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Promise<string> {
  const versions = path.join(repository, 'versions.tf');
  const digest = createHash('sha256')
    .update(await readFile(versions))
    .digest('hex')
    .slice(0, 12);
  const folder = path.join(workFolder, `terraform-provider-${digest}`);
  const mirror = path.join(folder, '.terraform', 'providers');
  if (await isMirror(mirror)) return mirror;
  say('Fetching the AWS provider of Terraform, about 150 MB …');
  await mkdir(workFolder, { recursive: true });
  const fresh = await mkdtemp(path.join(workFolder, 'terraform-provider-new-'));
  try {
    await copyFile(versions, path.join(fresh, 'versions.tf'));
    await promisify(execFile)(binary, ['init', '-input=false', '-no-color'], {
      cwd: fresh,
      env: { ...environment },
    }).catch((error: unknown) => {
      throw new Error(
        `the AWS provider could not be fetched. ${mirrorVariable} can name a folder with the unpacked provider`,
        { cause: error },
      );
    });
    // Another run may have been first; its copy is equivalent.
    await rename(fresh, folder).catch(() => undefined);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  if (!(await isMirror(mirror))) {
    throw new Error(
      `\`terraform init\` left no provider in ${mirror}; is it overridden in your own configuration?`,
    );
  }
  return mirror;
}

/** A Terraform configuration by which the AWS provider only comes from a mirror. One file per mirror. */
async function writeConfiguration(mirror: string): Promise<string> {
  const text = `provider_installation {
  filesystem_mirror {
    path    = ${JSON.stringify(mirror)}
    include = ["${provider}"]
  }
  direct {
    exclude = ["${provider}"]
  }
}
`;
  await mkdir(workFolder, { recursive: true });
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const file = path.join(workFolder, `terraform-${digest}.tfrc`);
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text);
  await rename(fresh, file);
  return file;
}
