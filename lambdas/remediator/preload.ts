import type { Rule } from '../rules/rule.ts';

/**
 * Loaders of the SDK clients that rules use, by the prefix of the service's IAM actions. The S3 client is always
 * loaded.
 */
export const loaders: Readonly<Record<string, () => Promise<unknown>>> = {
  cloudformation: () => import('../aws/cloudcontrol.ts'),
  cloudtrail: () => import('../aws/cloudtrail.ts'),
  ec2: () => import('../aws/ec2.ts'),
  iam: () => import('../aws/iam.ts'),
  logs: () => import('../aws/cloudwatch-logs.ts'),
  rds: () => import('../aws/rds.ts'),
  redshift: () => import('../aws/redshift.ts'),
};

/**
 * Starts loading the clients of the services that a rule calls, while the first reads of the job are in progress.
 * Nothing waits for this: code that needs a client imports it, and gets any error there.
 */
export function preload({ permissions: { read } }: Pick<Rule, 'permissions'>): void {
  const services = new Set(
    read.flatMap(({ actions }) => actions.map((action) => action.split(':')[0] ?? '')),
  );
  // A declared rule also lists the permissions that Cloud Control needs on its behalf. They do not need a client.
  const needed = services.has('cloudformation') ? ['cloudformation'] : services;
  for (const service of needed) loaders[service]?.().catch(() => undefined);
}
