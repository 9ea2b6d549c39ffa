import { appendFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { TerraformInstallation } from './installation.ts';
import { runTerraform, type TerraformResult } from './process.ts';
import type { SharedProvider } from './shared-provider.ts';

const messageSchema = z.object({
  '@message': z.string(),
  type: z.string(),
  changes: z
    .object({ add: z.number(), change: z.number(), remove: z.number(), operation: z.string() })
    .optional(),
  diagnostic: z
    .object({
      severity: z.string(),
      summary: z.string(),
      detail: z.string().optional(),
      address: z.string().optional(),
    })
    .optional(),
});
type Message = z.infer<typeof messageSchema>;

const outputSchema = z.record(z.string(), z.object({ value: z.unknown() }));

/** Values of a root's variables, as in JSON. */
export type TerraformVariables = Readonly<Record<string, unknown>>;

/** Settings that a root's `backend` block leaves out, each as one `-backend-config`: `{ bucket: 'states' }`. */
export type TerraformBackend = Readonly<Record<string, string>>;

export interface TerraformRootOptions {
  /**
   * Added to Terraform's environment: the local AWS's address and credentials (`localAwsEnvironment`), and secrets, as
   * `TF_VAR_<name>`.
   */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * A running provider, for a root with only one provider configuration: no other root may use it in the meantime.
   * Default: Terraform starts its own providers.
   */
  readonly provider?: SharedProvider | undefined;
  /** File for all output. */
  readonly logFile: string;
  /** Receives the progress of an apply or a destroy, one line at a time. */
  readonly say?: (line: string) => void;
  /** Stops Terraform when aborted. */
  readonly signal?: AbortSignal;
}

/** Variables that point Terraform's AWS provider to a local AWS, as the root of an account there. */
export function localAwsEnvironment(endpoint: string, account: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: account, // Twelve digits are that account's root.
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}

/** A root module in its own folder (see `copyProject`), applied to a local AWS. */
export class TerraformRoot {
  readonly #installation: TerraformInstallation;
  readonly #directory: string;
  readonly #options: TerraformRootOptions;

  constructor(installation: TerraformInstallation, directory: string, options: TerraformRootOptions) {
    this.#installation = installation;
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * Points the root's providers to a local AWS, then initializes it. A second call with another backend keeps the former
   * state where it is, and uses the state in that backend.
   */
  async init(backend: TerraformBackend = {}): Promise<void> {
    await writeProviderOverrides(this.#directory);
    const settings = Object.entries(backend).map(([name, value]) => `-backend-config=${name}=${value}`);
    await this.#run(['init', '-reconfigure', '-input=false', '-no-color', ...settings]);
  }

  /**
   * Applies the root.
   * @throws Error with Terraform's own diagnostics
   */
  async apply(variables: TerraformVariables): Promise<void> {
    await this.#change('apply', variables);
  }

  /** Destroys all resources of the root. */
  async destroy(variables: TerraformVariables): Promise<void> {
    await this.#change('destroy', variables);
  }

  /** Plans. @returns whether an apply would change something, and the plan as text */
  async plan(variables: TerraformVariables): Promise<{ changes: boolean; text: string }> {
    const file = await this.#writeVariables(variables);
    const { exitCode, stdout } = await this.#run(
      ['plan', '-detailed-exitcode', '-input=false', '-no-color', `-var-file=${file}`],
      [0, 2],
    );
    return { changes: exitCode === 2, text: stdout };
  }

  /** The root's outputs by name, including sensitive ones. */
  async output(): Promise<Record<string, unknown>> {
    const { stdout } = await runTerraform(this.#installation, ['output', '-json'], {
      directory: this.#directory,
      environment: this.#options.environment,
      signal: this.#options.signal,
    });
    const outputs = outputSchema.parse(JSON.parse(stdout));
    return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
  }

  /** The whole state, as JSON, including sensitive values. */
  async show(): Promise<string> {
    const { stdout } = await runTerraform(this.#installation, ['show', '-json'], {
      directory: this.#directory,
      environment: this.#options.environment,
      signal: this.#options.signal,
    });
    return stdout;
  }

  async #writeVariables(variables: TerraformVariables): Promise<string> {
    const file = path.join(this.#directory, 'run.tfvars.json');
    await writeFile(file, JSON.stringify(variables, null, 2));
    return file;
  }

  async #change(command: 'apply' | 'destroy', variables: TerraformVariables): Promise<void> {
    const file = await this.#writeVariables(variables);
    const name = path.basename(this.#directory);
    let planned = 0;
    let done = 0;
    let saidAt = 0;
    await this.#run([command, '-json', '-auto-approve', '-input=false', `-var-file=${file}`], [0], (line) => {
      const message = messageOf(line);
      if (message?.type === 'change_summary' && message.changes?.operation === 'plan') {
        const { add, change, remove } = message.changes;
        planned = add + change + remove;
        this.#options.say?.(
          `terraform ${command} ${name}: ${add} to add, ${change} to change, ${remove} to destroy`,
        );
      }
      // Data is read before the plan, and reports its end in the same way.
      if (message?.type !== 'apply_complete' || planned === 0) return;
      done += 1;
      if (done < planned && Date.now() - saidAt < 5000) return;
      saidAt = Date.now();
      this.#options.say?.(`terraform ${command} ${name}: ${done} of ${planned} done`);
    });
  }

  async #run(
    terraformArguments: readonly string[],
    goodExitCodes: readonly number[] = [0],
    onLine?: (line: string) => void,
  ): Promise<TerraformResult> {
    const { logFile, environment, provider, signal } = this.#options;
    await mkdir(path.dirname(logFile), { recursive: true });
    const command = `terraform ${terraformArguments.join(' ')}`;
    appendFileSync(logFile, `$ ${command}\n`);
    const result = await runTerraform(this.#installation, terraformArguments, {
      directory: this.#directory,
      // `init` installs the provider and writes the lock file, as for a root without one.
      environment:
        terraformArguments[0] === 'init' ? environment : { ...environment, ...provider?.environment },
      signal,
      onLine: (line) => {
        appendFileSync(logFile, `${readable(line)}\n`);
        onLine?.(line);
      },
    });
    if (goodExitCodes.includes(result.exitCode)) return result;
    throw new Error(
      `\`${command}\` in ${this.#directory} failed (exit code ${result.exitCode}):\n${errorsOf(result)}\nAll of its output: ${logFile}`,
    );
  }
}

function messageOf(line: string): Message | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return messageSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // Another kind of line that begins with a brace.
  }
}

/** A line of Terraform's JSON output as text. */
function readable(line: string): string {
  const message = messageOf(line);
  const detail = message?.diagnostic?.detail;
  return `${message?.['@message'] ?? line}${detail ? `\n  ${detail}` : ''}`;
}

/** Terraform's error diagnostics, or else the end of its output. */
function errorsOf({ stdout, stderr }: TerraformResult): string {
  const diagnostics = stdout.split('\n').flatMap((line) => {
    const diagnostic = messageOf(line)?.diagnostic;
    if (diagnostic?.severity !== 'error') return [];
    return [[diagnostic.address, diagnostic.summary, diagnostic.detail].filter(Boolean).join(': ')];
  });
  if (diagnostics.length > 0) return diagnostics.join('\n');
  return `${stdout}\n${stderr}`.trim().split('\n').slice(-30).join('\n');
}

const providerBlock = /^provider "aws" \{(?:\}|$([\s\S]*?)^\})/gm;
const jsonProvidersSchema = z.object({
  provider: z.object({ aws: z.array(z.object({ alias: z.string() })).default([]) }).default({ aws: [] }),
});
const overrideName = 'local_aws_override.tf';

/** An override file (Terraform merges it into the blocks of the same alias) for each of a root's AWS providers. */
async function writeProviderOverrides(directory: string): Promise<void> {
  const file = path.join(directory, overrideName);
  await rm(file, { force: true });
  const names = await readdir(directory);
  const read = (extension: string) =>
    Promise.all(
      names
        .filter((name) => name.endsWith(extension))
        .map((name) => readFile(path.join(directory, name), 'utf8')),
    );
  const aliases = [
    ...[...(await read('.tf')).join('\n').matchAll(providerBlock)].map(
      ([, body = '']) => /^\s*alias\s*=\s*("[^"]+")/m.exec(body)?.[1],
    ),
    ...(await read('.tf.json')).flatMap((text) =>
      jsonProvidersSchema.parse(JSON.parse(text)).provider.aws.map(({ alias }) => JSON.stringify(alias)),
    ),
  ];
  const blocks = aliases.map((alias) => {
    return [
      'provider "aws" {',
      ...(alias === undefined ? [] : [`  alias = ${alias}`]),
      '  s3_use_path_style           = true',
      '  skip_credentials_validation = true',
      '  skip_metadata_api_check     = true',
      '}',
      '',
    ].join('\n');
  });
  await writeFile(file, blocks.join('\n'));
}
