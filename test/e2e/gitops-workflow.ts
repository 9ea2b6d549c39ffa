import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { runTerraformScript, type TerraformInstallation } from '../lab/terraform/index.ts';

const permissionsSchema = z.record(z.string(), z.enum(['read', 'write', 'none']));

const stepSchema = z.strictObject({
  id: z.string().optional(),
  name: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  run: z.string().optional(),
});

type Step = z.infer<typeof stepSchema>;

const jobSchema = z.strictObject({
  needs: z.string().optional(),
  if: z.string(),
  'runs-on': z.string(),
  'timeout-minutes': z.number(),
  environment: z.string().optional(),
  permissions: permissionsSchema,
  outputs: z.record(z.string(), z.string()).default({}),
  steps: z.array(stepSchema),
});
export type Job = z.infer<typeof jobSchema>;

/** The workflow of `examples/gitops`, with the keywords of GitHub Actions that it uses, and no others. */
const workflowSchema = z.strictObject({
  name: z.string(),
  // `on`: Terraform reads YAML 1.1, in which this keyword means true.
  true: z.strictObject({ pull_request: z.null(), push: z.strictObject({ branches: z.array(z.string()) }) }),
  permissions: permissionsSchema,
  concurrency: z.strictObject({ group: z.string(), 'cancel-in-progress': z.string() }),
  env: z.record(z.string(), z.string()),
  defaults: z.strictObject({ run: z.strictObject({ shell: z.literal('bash') }) }),
  jobs: z.strictObject({ plan: jobSchema, apply: jobSchema }),
});
export type Workflow = z.infer<typeof workflowSchema>;

/**
 * Reads a workflow with Terraform's YAML parser.
 * @throws ZodError if it is not a workflow, or contains something that this test does not support
 */
export function readWorkflow(terraform: TerraformInstallation, file: string): Workflow {
  const expression = `jsonencode(yamldecode(file(${JSON.stringify(path.basename(file))})))\n`;
  const output = execFileSync(terraform.binary, ['console'], {
    cwd: path.dirname(file),
    env: { ...terraform.environment },
    input: expression,
    encoding: 'utf8',
  });
  // A string in Terraform's syntax, which contains the JSON.
  return workflowSchema.parse(JSON.parse(z.string().parse(JSON.parse(output))));
}

/** The result of a job. */
export interface JobResult {
  readonly succeeded: boolean;
  /** Text for the reviewers: the job's summary. */
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** All output of its steps. */
  readonly log: string;
}

export interface RunnerOptions {
  readonly terraform: TerraformInstallation;
  readonly workflow: Workflow;
  /** Repository that is checked out. */
  readonly repository: string;
  /** The root's folder in the repository, where the steps run. */
  readonly directory: string;
  /** The repository's variables, `vars` in the workflow. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that actions set for the steps: credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folder of checkouts and artifacts. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Runs jobs as GitHub's runners do: each with a fresh checkout, and its `run` steps in bash, one after another, until one
 * fails. It supports the actions for artifacts, which become files. The work of the others is done beforehand: the
 * checkout, Terraform in the path, credentials in the environment.
 */
export class WorkflowRunner {
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  async run(job: Job, event: 'pull_request' | 'push'): Promise<JobResult> {
    const { terraform, workflow, repository, environment, folder, signal } = this.#options;
    const workspace = await mkdtemp(path.join(folder, 'job-'));
    try {
      const checkout = path.join(workspace, 'checkout');
      await cp(repository, checkout, {
        recursive: true,
        filter: (source) => path.basename(source) !== '.terraform',
      });
      const directory = path.join(checkout, this.#options.directory);
      const summaryFile = path.join(workspace, 'summary');
      await writeFile(summaryFile, '');
      const stepOutputs = new Map<string, Readonly<Record<string, string>>>();
      const log: string[] = [];
      let succeeded = true;
      for (const [index, step] of job.steps.entries()) {
        if (!isDue(step, event)) continue;
        await this.#moveArtifact(step, directory);
        if (step.run === undefined) continue;
        const outputFile = path.join(workspace, `output-${index}`);
        await writeFile(outputFile, '');
        const { exitCode, stdout, stderr } = await runTerraformScript(terraform, step.run, {
          directory,
          environment: {
            ...environment,
            ...this.#resolve(workflow.env),
            GITHUB_OUTPUT: outputFile,
            GITHUB_STEP_SUMMARY: summaryFile,
          },
          signal,
        });
        log.push(`$ ${step.run}`, stdout, stderr);
        if (step.id !== undefined) stepOutputs.set(step.id, parseOutputs(await readFile(outputFile, 'utf8')));
        succeeded = exitCode === 0;
        if (!succeeded) break;
      }
      return {
        succeeded,
        summary: await readFile(summaryFile, 'utf8'),
        outputs: jobOutputs(job, stepOutputs),
        log: log.join('\n'),
      };
    } finally {
      await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  async #moveArtifact({ uses = '', with: inputs = {} }: Step, directory: string): Promise<void> {
    const artifact = (name: unknown) => path.join(this.#options.folder, `artifact-${z.string().parse(name)}`);
    if (uses.startsWith('actions/upload-artifact@')) {
      const file = z.string().parse(inputs['path']);
      const destination = path.join(artifact(inputs['name']), path.basename(file));
      await cp(path.join(directory, file), destination);
    }
    if (uses.startsWith('actions/download-artifact@')) {
      await cp(artifact(inputs['name']), directory, { recursive: true });
    }
  }

  #resolve(environment: Readonly<Record<string, string>>): Record<string, string> {
    const { variables } = this.#options;
    return Object.fromEntries(
      Object.entries(environment).map(([name, text]) => [
        name,
        text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
          const value = variables[expression.replace(/^vars\./, '')];
          if (value === undefined)
            throw new Error(`the workflow's env has the unknown expression ${expression}`);
          return value;
        }),
      ]),
    );
  }
}

function isDue({ if: condition }: Step, event: string): boolean {
  if (condition === undefined) return true;
  const [, wanted] = /^github\.event_name == '(\w+)'$/.exec(condition) ?? [];
  if (wanted === undefined) throw new Error(`a step has the unknown condition ${condition}`);
  return wanted === event;
}

function parseOutputs(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([^=]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

function jobOutputs(
  job: Job,
  steps: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(job.outputs).map(([name, text]) => {
      const [, step = '', output = ''] = /^\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}$/.exec(text) ?? [];
      return [name, steps.get(step)?.[output] ?? ''];
    }),
  );
}
