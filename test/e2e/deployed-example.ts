import { rm } from 'node:fs/promises';
import path from 'node:path';
import { type Lab, startLab } from '../lab/index.ts';
import { prepareLocalAws } from '../lab/local-aws/index.ts';
import { copyProject, localAwsEnvironment, prepareTerraform, TerraformRoot } from '../lab/terraform/index.ts';

/** A lab, and one of the examples in it. */
export interface LabExample {
  readonly lab: Lab;
  readonly root: TerraformRoot;
  /** The folder of the example's copy. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** Starts a lab and initializes an example with one account and region in it. */
export async function startExample(
  example: string,
  { account, region }: { readonly account: string; readonly region: string },
): Promise<LabExample> {
  const say = (line: string): void => console.info(line);
  const folder = path.resolve(import.meta.dirname, `../../.work/e2e-${example}-${process.pid}`);
  const stopped = new AbortController();
  const lab = await startLab({ installation: await prepareLocalAws(say), signal: stopped.signal });
  const stop = async (): Promise<void> => {
    stopped.abort();
    await lab.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const terraform = await prepareTerraform(say);
    await copyProject(folder);
    const directory = path.join(folder, 'examples', example);
    const root = new TerraformRoot(terraform, directory, {
      environment: {
        ...localAwsEnvironment(lab.aws.endpoint, account),
        AWS_REGION: region,
        TF_VAR_api_token: lab.tenant.token,
      },
      logFile: `${folder}-terraform.log`,
      say,
      signal: stopped.signal,
    });
    await root.init();
    return { lab, root, directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
