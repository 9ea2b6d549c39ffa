import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { copyProject, runTerraform, type TerraformInstallation } from '../../test/lab/terraform/index.ts';

/** The target of a smoke test's deployment. */
export interface Place {
  /** The prefix of all names. */
  readonly name: string;
  readonly terraform: TerraformInstallation;
  /** Environment variables with which Terraform reaches the account. */
  readonly environment: Readonly<Record<string, string>>;
  /** A folder with a copy of the project and the state, until a destroy has succeeded. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

const text = z.object({ value: z.string() }).transform(({ value }) => value);
const outputsSchema = z.object({
  account: text,
  event_bus: text,
  evidence_bucket: text,
  queue_url: text,
  heard_queue_url: text,
  security_group: text,
});
export type Outputs = z.output<typeof outputsSchema>;

async function terraform({ terraform: installation, environment, folder }: Place, given: readonly string[]) {
  const result = await runTerraform(installation, given, {
    directory: path.join(folder, 'scripts/smoke'),
    environment,
  });
  if (result.exitCode !== 0)
    throw new Error(`terraform ${given[0]} failed:\n${result.stderr}\n${result.stdout}`);
  return result.stdout;
}

const variablesOf = ({ name }: Place, mode: string): string[] => [`-var=name=${name}`, `-var=mode=${mode}`];

/** Applies the smoke test's root module, and returns its outputs. */
export async function deploy(place: Place, mode: 'dry_run' | 'enforce'): Promise<Outputs> {
  await mkdir(place.folder, { recursive: true });
  if (mode === 'dry_run') {
    await copyProject(place.folder);
    await cp(import.meta.dirname, path.join(place.folder, 'scripts/smoke'), { recursive: true });
    await terraform(place, ['init', '-input=false', '-no-color']);
  }
  await terraform(place, [
    'apply',
    '-auto-approve',
    '-input=false',
    '-no-color',
    ...variablesOf(place, mode),
  ]);
  return outputsSchema.parse(JSON.parse(await terraform(place, ['output', '-json'])));
}

/** Destroys everything. If that fails, the folder remains, and the error says what to run. */
export async function destroy(place: Place): Promise<void> {
  try {
    await terraform(place, [
      'destroy',
      '-auto-approve',
      '-input=false',
      '-no-color',
      ...variablesOf(place, 'dry_run'),
    ]);
  } catch (error) {
    throw new Error(
      `resources remain; to destroy them: cd ${place.folder}/scripts/smoke && terraform destroy ${variablesOf(place, 'dry_run').join(' ')}`,
      { cause: error },
    );
  }
  await rm(place.folder, { recursive: true, force: true });
}
