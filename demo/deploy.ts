import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Lab, startLab } from '../test/lab/index.ts';
import type { LocalAwsInstallation } from '../test/lab/local-aws/index.ts';
import {
  copyProject,
  localAwsEnvironment,
  type TerraformInstallation,
  TerraformRoot,
} from '../test/lab/terraform/index.ts';
import { accounts, type Made, makeResources, organization, type Phase, rules } from './organization.ts';

/** Options of the demo. */
export interface DemoOptions {
  readonly localAws: LocalAwsInstallation;
  readonly terraform: TerraformInstallation;
  /** The folder with the demo's copy of the project, and Terraform's state. */
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Added to the environment of the processes that are started. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Values of the variables of `examples/organization`. */
export function variables(phase: Phase) {
  return {
    netskope_tenant: 'acme',
    security_account_id: accounts.security,
    production_account_id: accounts.production,
    staging_account_id: accounts.staging,
    organization_id: organization.id,
    force_destroy: true,
    rules: rules(phase),
  };
}

/** Starts a local AWS and a simulated Netskope tenant. */
export async function startDemo({ localAws, folder, signal }: DemoOptions): Promise<Lab> {
  await mkdir(folder, { recursive: true });
  return startLab({ installation: localAws, signal, organization });
}

/**
 * Applies `examples/organization` with every rule in dry run, and creates the resources to be checked at the same time:
 * neither needs the other, and Terraform mostly waits.
 */
export async function deployDemo(
  { aws, tenant }: Lab,
  { terraform, folder, say, signal, environment = {} }: DemoOptions,
): Promise<{ root: TerraformRoot; rootFolder: string; made: readonly Made[] }> {
  await copyProject(folder);
  const rootFolder = path.join(folder, 'examples/organization');
  const root = new TerraformRoot(terraform, rootFolder, {
    environment: {
      ...localAwsEnvironment(aws.endpoint, accounts.security),
      TF_VAR_api_token: tenant.token,
      ...environment,
    },
    // Next to the folder, so that it remains if the demo fails.
    logFile: `${folder}-terraform.log`,
    say,
    signal,
  });
  await root.init();
  const [made] = await Promise.all([makeResources(aws.endpoint), root.apply(variables('dry run'))]);
  return { root, rootFolder, made };
}
