import type { Rule } from '../rules/rule.ts';

/** Loaders of the SDK's clients that rules use, by the prefix of the service's IAM actions. S3's comes with the function. */
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
 * Begins to load the clients of the services that a rule calls, while the first answers about the job are on their way. Nobody
 * waits for it: who needs a client imports it, and meets an error there.
 */
export function preload({ permissions: { read } }: Pick<Rule, 'permissions'>): void {
  const services = new Set(
    read.flatMap(({ actions }) => actions.map((action) => action.split(':')[0] ?? '')),
  );
  // A declared rule names what Cloud Control calls for it, too.
  const needed = services.has('cloudformation') ? ['cloudformation'] : services;
  for (const service of needed) loaders[service]?.().catch(() => undefined);
}
