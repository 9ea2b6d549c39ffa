import type { TestProject } from 'vitest/node';
import { type LocalAws, prepareLocalAws, startLocalAws } from '../../lab/local-aws/index.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The local AWS that the test files share: each test uses accounts that no other test uses. */
    readonly localAwsEndpoint: string;
  }
}

let aws: LocalAws | undefined;

export async function setup(project: TestProject): Promise<void> {
  aws = await startLocalAws({ installation: await prepareLocalAws(console.log) });
  project.provide('localAwsEndpoint', aws.endpoint);
}

export async function teardown(): Promise<void> {
  await aws?.stop();
}
